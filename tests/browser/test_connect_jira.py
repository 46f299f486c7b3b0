"""A company connects JIRA: the generated form, an agent that uses it, a write that waits for its
person, the issue over there; and the token nowhere but sealed."""

import base64
import re
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import orjson
import psycopg
import pytest
from playwright.async_api import Browser, Page, expect
from psycopg import sql

from bench.processes import Child, running
from monster.kit import embedded
from tests.browser.look import ROOT, SIZES, violations
from tests.serving import Platform, serving
from tests.systems.jira_server import TOKEN, USERNAME, JiraServer, jira_server

PICTURES = ROOT / "tests" / "browser" / "pictures"
SUMMARY = "The printer on the third floor jams"
SCRIPT = [
    {
        "text": "I write it down.",
        "calls": [["jira_create", {"project": "OPS", "summary": SUMMARY, "type": "Bug"}]],
    },
    {"text": "The issue is there."},
]
DATABASES = ("monster_dashboard", "monster_engine")


@pytest.fixture
def installed() -> Iterator[Platform]:
    with serving(outbound_allow="127.0.0.1/32") as platform:
        yield platform


@pytest.fixture
def model() -> Iterator[Child]:
    with running("bench.model_server") as child:
        yield child


@pytest.fixture
async def jira() -> AsyncIterator[JiraServer]:
    async with jira_server() as served:
        yield served


class Log:
    """What the platform writes to its terminal, read while it runs."""

    def __init__(self, platform: Platform) -> None:
        self.lines: list[str] = []
        self._stream = platform.process.stdout
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._stream
        self.lines += self._stream


async def _sign_in(page: Page, platform: Platform) -> None:
    await page.goto(platform.address)
    await page.get_by_label("E-mail").fill("admin@acme.example")
    await page.get_by_label("Password", exact=True).fill(platform.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Admin")


async def _picture(page: Page, name: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    assert await violations(page) == []


async def _connect_model(page: Page, url: str) -> None:
    await page.goto("/connections/systems?q=openai")
    await page.get_by_role("link", name="OpenAI-compatible").click()
    await page.get_by_label("Base url").fill(f"{url}/v1")
    await page.get_by_role("button", name="Connect and test").click()
    await expect(page.get_by_text("Working", exact=True).first).to_be_visible()


async def _connect_jira(page: Page, jira: JiraServer) -> None:
    await page.goto("/connections/systems?q=jira")
    await page.get_by_role("link", name="JIRA").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Connect JIRA")
    await page.get_by_role("textbox", name="Jira token").fill("ATATT-not-this-one")
    await page.get_by_label("Jira username").fill(USERNAME)
    await page.get_by_label("Jira url").fill(jira.url)
    await _picture(page, "jira-form")
    await page.get_by_role("button", name="Connect and test").click()
    await expect(page.get_by_text("Not working", exact=True).first).to_be_visible()

    await page.get_by_role("textbox", name="Jira token").fill(TOKEN)
    await page.get_by_role("button", name=re.compile("Save")).click()
    await expect(page.get_by_text("Working", exact=True).first).to_be_visible()
    await expect(page.get_by_text(f"Ada Lovelace at {jira.url}").first).to_be_visible()
    await _picture(page, "jira-connected")


async def _make_agent(page: Page) -> None:
    await page.goto("/agents/new")
    await page.get_by_label("Name", exact=True).fill("Caretaker")
    await page.get_by_role("button", name="Create the agent").click()
    await page.get_by_label("Instructions").fill(orjson.dumps(SCRIPT).decode())
    await page.get_by_label("Instructions").blur()
    await expect(page.locator("#saved")).to_contain_text("Saved as a draft")


async def _choose_model(page: Page) -> None:
    await page.get_by_role("link", name="Model", exact=True).click()
    source = page.get_by_label("Model", exact=True)
    (wanted,) = [
        text for text in await source.locator("option").all_inner_texts() if "openai" in text
    ]
    await source.select_option(label=wanted)
    await page.get_by_label("Its name").fill("script")
    await page.get_by_label("Its name").blur()
    await expect(
        page.get_by_text("Unpublished changes").or_(page.locator("#agent-head"))
    ).to_be_visible()


async def _attach(page: Page) -> None:
    await page.get_by_role("link", name=re.compile("^Tools")).click()
    await page.get_by_role("link", name="Add a tool").click()
    await page.get_by_placeholder("Search").fill("jira")
    await page.get_by_role("link", name="JIRA").click()
    await page.get_by_label("Before every change").check()
    await _picture(page, "jira-attach")
    await page.get_by_role("button", name="Attach").click()
    await expect(page.get_by_text("create · write")).to_be_visible()
    await _picture(page, "jira-attached")
    await page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog", name="Publish version 1")
    await expect(dialog).to_contain_text("Tool jira:")
    await dialog.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Version 1 is published", exact=True)).to_be_visible()


async def _chat(page: Page, jira: JiraServer) -> None:
    await page.get_by_role("link", name="Talk to it").click()
    await page.locator("[data-chat][data-ready]").wait_for()
    await page.get_by_role("textbox", name="Message to").fill("Tell them that the printer jams.")
    await page.keyboard.press("Enter")
    card = page.locator(".ask").first
    await expect(card).to_contain_text(SUMMARY)
    assert jira.issues == {}
    await _picture(page, "jira-approve")
    await card.get_by_role("button", name="Approve").click()
    await expect(page.locator(".turn-agent")).to_contain_text("The issue is there.")
    await _picture(page, "jira-done")


async def _again(page: Page, seen: list[str]) -> list[str]:
    """Every page that was seen, and what programs are told, as they are now."""
    run = await page.locator("[data-run]").last.get_attribute("data-run")
    paths = ["/approvals", "/connections", f"/chat/runs/{run}/events"]
    answers = [await page.request.get(url) for url in [*dict.fromkeys(seen), *paths]]
    return [await answer.text() for answer in answers]


def _spellings(secret: str) -> list[str]:
    """As it might be written down by mistake."""
    pair = base64.b64encode(f"{USERNAME}:{secret}".encode()).decode()
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [secret, quote(secret, safe=""), pair, encoded[:-2]]


def _rows(folder: Path) -> str:
    """Every row of every table of both databases."""
    found: list[str] = []
    for name in DATABASES:
        with psycopg.connect(embedded.conninfo_at(embedded.place(folder), name)) as owner:
            tables = owner.execute(
                "select relname from pg_class c join pg_namespace n on n.oid = relnamespace"
                " where relkind = 'r' and nspname = 'public'"
            ).fetchall()
            for (table,) in tables:
                query = sql.SQL("select t::text from {} t").format(sql.Identifier(table))
                found += [row[0] for row in owner.execute(query)]
    return "\n".join(found)


async def test_from_the_form_to_the_issue(
    browser: Browser, installed: Platform, model: Child, jira: JiraServer
) -> None:
    log = Log(installed)
    context = await browser.new_context(viewport=SIZES["wide"], base_url=installed.address)
    page = await context.new_page()
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    await _sign_in(page, installed)
    await _connect_model(page, model.url)
    await _connect_jira(page, jira)
    await _make_agent(page)
    await _choose_model(page)
    await _attach(page)
    await _chat(page, jira)
    answers = await _again(page, seen)
    await context.close()

    (issue,) = jira.issues.values()
    assert issue["fields"]["summary"] == SUMMARY
    rows = _rows(Path(installed.settings["data_dir"]))
    assert SUMMARY in rows  # it looks where things are
    assert any(SUMMARY in answer for answer in answers)
    for spelling in _spellings(TOKEN):
        assert spelling not in rows
        assert not any(spelling in answer for answer in answers)
        assert not any(spelling in line for line in log.lines)
