"""A conversation in a real browser: streamed, broken off, reloaded, stopped, listened to."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import orjson
import pytest
from playwright.async_api import Page, expect

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.dashboard.identity.scope import COOKIE
from monster.engine.runs.schemas import Limits
from monster.kit.ids import new_id
from tests.browser.conftest import Platform
from tests.browser.look import SIZES, Visitor, too_wide, violations
from tests.builders import Tenant, create_agent, publish
from tests.talk import Script

ANSWER = """## Lamps

A flicker is a **fault**. It is covered for two years:

| Offer | Cost |
|---|--:|
| Repair | $11.00 |

```python
def offer(lamp: str) -> int:
    return 11  # dollars
```

1. Look.
2. Ask.

That is all."""
LINES: Script = [
    {"text": "Let me look.", "calls": [["refuse", {"what": "lamps"}]]},
    {"text": ANSWER, "delay": 0.04},
]
SLOW: Script = [{"text": " ".join(f"Word {n}." for n in range(400)), "delay": 0.03}]


async def _agent(tenant: Tenant, script: Script) -> str:
    body = {"model": "script:test", "instruction": orjson.dumps(script).decode()}
    member = tenant.member()
    agent_id: str = (await create_agent(member, name=f"Scout {str(new_id())[-6:]}", **body))["id"]
    await publish(member, agent_id)
    spec = AgentSpec(
        version=1,
        user_id=new_id(),
        scope="shared",
        name="Scout",
        model=body["model"],
        instruction=body["instruction"],
        inside=("refuse",),
    )
    engine = tenant.caller(Permission.AGENTS_PUBLISH)
    await engine.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    return agent_id


@pytest.fixture(autouse=True)
def patient(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs may take longer than other tests allow."""
    monkeypatch.setattr(platform.tenant.engine.state.runs, "limits", Limits())


@pytest.fixture
async def slow(platform: Platform) -> str:
    return await _agent(platform.tenant, SLOW)


@asynccontextmanager
async def _troubled(visitor: Visitor, path: str) -> AsyncGenerator[Page]:
    """A page that will complain in its console, as it should."""
    context = await visitor.browser.new_context(base_url=visitor.url, viewport=SIZES["wide"])
    await context.add_cookies([{"name": COOKIE, "value": visitor.session, "url": visitor.url}])
    page = await context.new_page()
    await page.goto(path)
    yield page
    await context.close()


async def _ask(page: Page, text: str) -> None:
    await page.locator("[data-chat][data-ready]").wait_for()
    await page.get_by_role("textbox", name="Message to").fill(text)
    await page.keyboard.press("Enter")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_an_answer_streams(visitor: Visitor, platform: Platform, theme: str) -> None:
    agent_id = await _agent(platform.tenant, LINES)
    async with visitor.at(f"/chat/{agent_id}", theme=theme) as page:  # pyright: ignore[reportArgumentType]
        await _ask(page, "My lamp <b>flickers</b>.")

        turn = page.locator(".turn-agent")
        await expect(page.locator(".writing")).to_be_visible()
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()
        await expect(turn.locator("table")).to_be_visible()
        await expect(page).to_have_url(re.compile("/conversations/"))
        await expect(turn.locator(".turn-foot")).to_be_visible()
        await expect(page.locator(".writing")).to_have_count(0)
        await expect(page.locator(".turn-user")).to_contain_text("My lamp <b>flickers</b>.")
        await expect(page.locator("#threads [aria-current=page]")).to_contain_text("My lamp")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("My lamp")
        await expect(page.get_by_role("textbox", name="Message to")).to_be_focused()
        live = await turn.locator(".turn-body").inner_html()
        assert await violations(page) == []
        assert await too_wide(page) == 0
        await page.reload()
        stored = await page.locator(".turn-agent .turn-body").inner_html()
        assert re.sub(r"\s+|<p></p>", "", stored) == re.sub(r"\s+", "", live)


async def test_a_screen_reader_hears_each_sentence_once(
    visitor: Visitor, platform: Platform
) -> None:
    agent_id = await _agent(
        platform.tenant, [{"text": "One is here. Two is\nhere.", "delay": 0.02}]
    )
    async with visitor.at(f"/chat/{agent_id}") as page:
        await _ask(page, "Count.")
        spoken = page.locator("[data-speak] p")
        await expect(spoken.last).to_have_text("Answer complete.")
        said = await spoken.all_inner_texts()
        assert [text.strip() for text in said] == [
            "One is here.",
            "Two is here.",
            "Answer complete.",
        ]


async def _reach(page: Page, words: int) -> None:
    """Until the answer is that far, as seen on the page: nothing twice, nothing missing."""
    body = page.locator(".turn-agent .turn-body")
    count = 0
    async with asyncio.timeout(20):
        while count < words:
            numbers = re.findall(r"Word (\d+)\.", await body.inner_text(timeout=5000))
            count = len(numbers)
            assert numbers == [str(n) for n in range(count)]


async def test_a_reload_in_mid_answer_loses_nothing(visitor: Visitor, slow: str) -> None:
    async with _troubled(visitor, f"/chat/{slow}") as page:
        await _ask(page, "Go.")
        await _reach(page, 30)
        await page.reload()
        await _reach(page, 60)
        await expect(page.locator(".turn-user")).to_have_count(1)
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".waiting")).to_have_text(
            "Stopped. You can ask again at any time."
        )


class Network:
    """What stands between the browser and the platform; `cut` breaks what is open."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.up = True
        self.open: set[asyncio.StreamWriter] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            return writer.close()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.open |= {writer, far_writer}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass(reader, far_writer))
            group.create_task(self._pass(far_reader, writer))
        return None

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while some := await reader.read(65536):
                writer.write(some)
        writer.close()

    def cut(self) -> None:
        self.up = False
        for writer in self.open:
            writer.transport.abort()


async def test_a_lost_network_loses_nothing(visitor: Visitor, slow: str) -> None:
    network = Network(int(visitor.url.rsplit(":", 1)[1]))
    server = await asyncio.start_server(network.carry, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, _troubled(replace(visitor, url=url), f"/chat/{slow}") as page:
        await _ask(page, "Go.")
        await _reach(page, 30)
        network.cut()
        await expect(page.locator(".is-lost")).to_have_count(1)
        network.up = True
        await expect(page.locator(".is-lost")).to_have_count(0, timeout=20_000)
        await _reach(page, 90)
        await expect(page.locator(".turn-agent")).to_have_count(1)
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_role("button", name="Send")).to_be_visible()
        network.cut()


async def test_what_is_wrong_is_said_in_place(visitor: Visitor, platform: Platform) -> None:
    agent_id = await _agent(platform.tenant, [{"text": "Yes."}])
    async with _troubled(visitor, f"/chat/{agent_id}") as page:
        await _ask(page, "Go.")
        await expect(page.locator(".turn-foot")).to_be_visible()
        await page.evaluate(
            "document.querySelector('[name=conversation_id]').value = '%s'" % new_id()  # noqa: UP031
        )
        await _ask(page, "And now?")

        await expect(page.locator(".waiting")).to_contain_text("No conversation")
        await expect(page.get_by_role("textbox", name="Message to")).to_have_value("And now?")
        await expect(page.get_by_role("button", name="Send")).to_be_enabled()


async def test_rename_and_delete_from_the_menu(visitor: Visitor, platform: Platform) -> None:
    agent_id = await _agent(platform.tenant, [{"text": "Yes."}])
    async with visitor.at(f"/chat/{agent_id}") as page:
        await _ask(page, "Go.")
        await expect(page.locator(".turn-foot")).to_be_visible()
        await page.locator("#chat-top summary").click()
        await page.get_by_role("button", name="Rename").click()
        await page.get_by_role("textbox", name="Name").fill("Lamps")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Lamps")
        await page.locator("#chat-top summary").click()
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
        await expect(page).to_have_url(re.compile("/chat$"))
        await expect(page.get_by_text("The chat is deleted.")).to_be_visible()
