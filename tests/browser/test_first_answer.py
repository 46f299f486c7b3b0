"""The first thing a stranger does: start Monster, sign in, ask Guide, open what it cites."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.look import SIZES, violations
from tests.serving import Platform, serving

QUESTION = "How do I connect a model?"


@pytest.fixture(scope="module")
def installed() -> Iterator[Platform]:
    """`monster serve` in an empty folder: no key, no network, nothing but the first start."""
    with serving() as platform:
        yield platform


async def _sign_in(page: Page, platform: Platform) -> None:
    await page.goto(platform.address)
    await page.get_by_label("E-mail").fill("admin@acme.example")
    await page.get_by_label("Password", exact=True).fill(platform.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Admin")


async def test_the_first_question_is_answered_and_cited(
    browser: Browser, installed: Platform
) -> None:
    context = await browser.new_context(viewport=SIZES["wide"])
    page = await context.new_page()
    await _sign_in(page, installed)

    navigation = page.get_by_role("navigation", name="Main")
    await navigation.get_by_role("link", name="Chat").click()
    await page.get_by_role("link", name="Guide").first.click()
    await expect(page.locator("[data-chat][data-ready]")).to_be_visible()
    await page.get_by_label("Message to Guide").fill(QUESTION)
    await page.keyboard.press("Enter")

    answer = page.locator(".turn-agent").last
    await expect(answer.locator("blockquote").first).to_contain_text("Connections")
    await expect(page.locator(".sources")).to_be_visible()  # the run has ended
    assert await violations(page) == []

    await answer.locator("a.cite").first.click()
    await expect(page).to_have_url(re.compile(r"/passages/[0-9a-f-]{36}$"))
    cited = page.get_by_role("group", name="The passage that was cited")
    await expect(cited).to_contain_text("Open Connections, choose Connect a system")
    assert await violations(page) == []
    await context.close()


def test_so_it_is_in_the_terminal(installed: Platform) -> None:
    asked = installed.run("ask", "Guide", QUESTION, "--json")

    assert asked.returncode == 0, asked.stderr
    report = json.loads(asked.stdout)
    assert report["status"] == "completed"
    assert "Connections" in report["answer"]
    first = report["citations"][0]
    assert f"[{first['number']}]" in report["answer"]
    assert first["title"]
    assert first["chunk_id"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("ask", "Nobody", "Hi"), 2, "There is no agent 'Nobody'"),
        (("ask", "Guide", "Hi", "--as", "no@one.example"), 2, "Nobody here has the address"),
        (("ask", "Guide", ""), 2, ""),
    ],
)
def test_what_cannot_be_asked_is_said(
    installed: Platform, arguments: tuple[str, ...], code: int, says: str
) -> None:
    asked = installed.run(*arguments)
    assert asked.returncode == code, asked.stderr
    assert says in asked.stderr


def test_the_doctor_finds_nothing_wrong(installed: Platform) -> None:
    examined = installed.run("doctor", "--json")

    report = json.loads(examined.stdout)
    assert examined.returncode == 0, report
    assert report["healthy"]
    checks = {finding["check"] for finding in report["findings"]}
    assert {"monster_dashboard", "monster_engine", "master key", "embedding model"} <= checks
    assert {finding["state"] for finding in report["findings"]} == {"ok"}
