"""Calls that wait, in a real browser: asked in the chat, answered by mouse and keyboard, seen in
every size and theme."""

import re
from collections.abc import AsyncIterator

import orjson
import pytest
from playwright.async_api import Locator, Page, expect

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.engine.runs.schemas import Limits
from monster.kit.ids import new_id
from tests.browser.conftest import Platform
from tests.browser.look import ROOT, Size, Theme, Visitor, out_of_reach, too_wide, violations
from tests.builders import Tenant, create_agent, publish
from tests.process import TOOLS
from tests.processes import World, world_to_act_upon
from tests.talk import Script

PICTURES = ROOT / "tests" / "browser" / "pictures"
LETTER = "Dear Ada,\n\nyour order left this morning.\n\n" + "It should arrive soon. " * 60
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_to_act_upon() as there:
        yield there


@pytest.fixture(autouse=True)
def patient(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs may take longer than other tests allow."""
    monkeypatch.setattr(platform.tenant.engine.state.runs, "limits", Limits())


async def agent(tenant: Tenant, script: Script) -> str:
    body = {"model": "script:test", "instruction": orjson.dumps(script).decode()}
    member = tenant.member()
    agent_id: str = (await create_agent(member, name=f"Desk {str(new_id())[-6:]}", **body))["id"]
    await publish(member, agent_id)
    spec = AgentSpec(
        version=1,
        user_id=new_id(),
        scope="shared",
        name="Desk",
        model=body["model"],
        instruction=body["instruction"],
        inside=tuple(TOOLS),
    )
    engine = tenant.caller(Permission.AGENTS_PUBLISH)
    await engine.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    return agent_id


def script(world: World, *tools: str) -> Script:
    asked = {"url": world.url, "to": "ada@harbour.example", "subject": "Order", "text": LETTER}
    calls = [[tool, asked if tool == "always" else {"url": world.url}] for tool in tools]
    return [{"text": "I prepare it.", "calls": calls}, {"text": "It is **done**."}]


async def ask(page: Page, text: str = "Write to Ada.") -> Locator:
    """The first card."""
    await page.locator("[data-chat][data-ready]").wait_for()
    await page.get_by_role("textbox", name="Message to").fill(text)
    await page.keyboard.press("Enter")
    card = page.locator(".ask").first
    await expect(card).to_be_visible()
    return card


async def sound(page: Page, name: str, size: Size, theme: Theme) -> None:
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png")
    assert await violations(page) == []
    assert await too_wide(page) == 0


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_approve_and_read_on(
    visitor: Visitor, platform: Platform, world: World, size: Size, theme: Theme
) -> None:
    agent_id = await agent(platform.tenant, script(world, "look", "always"))
    async with visitor.at(f"/chat/{agent_id}", size, theme) as page:
        card = await ask(page)
        await expect(card.get_by_role("heading")).to_have_text(
            re.compile(r"May Desk \w+ use always\?")
        )
        await expect(card.locator("pre")).to_contain_text('"to": "ada@harbour.example"')
        await expect(page.locator("[data-speak]")).to_contain_text("It waits for your answer.")
        await sound(page, "ask", size, theme)
        acted = len(world.keys)

        await card.get_by_role("button", name="Approve").click()

        turn = page.locator(".turn-agent")
        await expect(turn.locator(".turn-foot")).to_be_visible()
        await expect(turn).to_contain_text("It is done.")
        await expect(page.locator(".ask")).to_have_count(0)
        await expect(page.locator(".turn")).to_have_count(2)
        await expect(turn.locator(".act")).to_have_count(2)
        assert len(world.keys) == acted + 1
        live = await turn.locator(".turn-body").inner_html()
        await sound(page, "ask-approved", size, theme)
        await page.reload()
        stored = await page.locator(".turn-agent .turn-body").inner_html()
        assert re.sub(r"\s+|<p></p>", "", stored) == re.sub(r"\s+", "", live)


async def test_deny_with_the_keyboard_after_a_reload(
    visitor: Visitor, platform: Platform, world: World
) -> None:
    agent_id = await agent(platform.tenant, script(world, "always"))
    async with visitor.at(f"/chat/{agent_id}") as page:
        before = await (await ask(page)).inner_text()
        await expect(page).to_have_url(re.compile("/conversations/"))
        await page.reload()
        card = page.locator(".ask")
        assert await card.inner_text() == before
        assert await out_of_reach(page) == 0

        await card.get_by_role("textbox").focus()
        await page.keyboard.type("Not on Fridays")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await expect(card.get_by_role("button", name="Deny")).to_be_focused()
        await page.keyboard.press("Enter")

        await expect(page.locator(".turn-foot")).to_be_visible()
        await expect(page.locator(".turn")).to_have_count(2)
        await page.locator(".act summary").click()
        await expect(page.locator(".act")).to_contain_text("They say: Not on Fridays")
        assert world.keys == []


async def test_one_after_the_other_and_nothing_in_between(
    visitor: Visitor, platform: Platform, world: World
) -> None:
    agent_id = await agent(platform.tenant, script(world, "always", "always"))
    async with visitor.at(f"/chat/{agent_id}") as page:
        await ask(page)
        await expect(page.locator(".ask")).to_have_count(2)
        await page.get_by_role("textbox", name="Message to").fill("And now?")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-speak]")).to_contain_text("Answer this first")
        await expect(page.get_by_role("textbox", name="Message to")).to_have_value("And now?")

        await page.locator(".ask").first.get_by_role("button", name="Approve").click()
        await expect(page.locator(".ask")).to_have_count(1)
        assert world.keys == []
        await page.locator(".ask").get_by_role("button", name="Deny").click()

        await expect(page.locator(".turn-foot")).to_be_visible()
        await expect(page.locator(".turn")).to_have_count(2)
        assert len(world.keys) == 1


async def test_what_was_answered_elsewhere_is_followed(
    visitor: Visitor, platform: Platform, world: World
) -> None:
    agent_id = await agent(platform.tenant, script(world, "always"))
    async with (
        visitor.at(f"/chat/{agent_id}", refusal=409) as here,
        visitor.at("/approvals") as there,
    ):
        card = await ask(here)
        await there.reload()
        waiting = there.locator(".waits").first
        await waiting.get_by_role("button", name="Approve").click()
        await expect(there.get_by_text("Approved.")).to_be_visible()

        await card.get_by_role("button", name="Deny").click()

        await expect(here.locator("[data-speak]")).to_contain_text("This is answered already")
        await expect(here.locator(".turn-foot")).to_be_visible()
        await expect(here.locator(".turn")).to_have_count(2)
        await expect(here.locator(".ask")).to_have_count(0)
        assert len(world.keys) == 1


async def test_what_could_not_be_sent_is_said_in_place(
    visitor: Visitor, platform: Platform, world: World
) -> None:
    agent_id = await agent(platform.tenant, script(world, "always"))
    async with visitor.at(f"/chat/{agent_id}", refusal=422) as page:
        card = await ask(page)
        field = card.locator("[name=arguments_hash]")
        await field.evaluate("field => field.value = 'Z'")
        await card.get_by_role("button", name="Approve").click()
        await expect(card.get_by_role("alert")).to_be_visible()
        await expect(card.get_by_role("button", name="Deny")).to_be_enabled()
        assert world.keys == []


async def test_stop_instead(visitor: Visitor, platform: Platform, world: World) -> None:
    agent_id = await agent(platform.tenant, script(world, "always"))
    async with visitor.at(f"/chat/{agent_id}") as page:
        await ask(page)
        await page.get_by_role("button", name="Stop instead").click()
        await expect(page.locator(".waiting")).to_have_text(
            "Stopped. You can ask again at any time."
        )
        await expect(page.locator(".ask")).to_have_count(0)


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_what_is_in_doubt_and_what_is_not_connected(
    visitor: Visitor, platform: Platform, world: World, size: Size, theme: Theme
) -> None:
    world.text = "not connected"
    play: Script = [
        {"calls": [["plug", {"url": world.url}], ["send", {"url": NOWHERE}]]},
        {"text": "Good."},
    ]
    async with visitor.at(f"/chat/{await agent(platform.tenant, play)}", size, theme) as page:
        await ask(page)
        connection = page.locator(".ask", has_text="Jira is not connected")
        doubt = page.locator(".ask", has_text="Did send act?")
        link = connection.get_by_role("link", name="Connect Jira")
        await expect(link).to_have_attribute("href", re.compile("/connections/new"))
        await sound(page, "ask-doubt", size, theme)

        await doubt.get_by_role("textbox").fill("It is in the outbox")
        await doubt.get_by_role("button", name="It has acted").click()
        await expect(page.locator(".ask")).to_have_count(1)
        world.text = "connected"
        await page.locator(".ask").get_by_role("button", name="Go on").click()

        await expect(page.locator(".turn-foot")).to_be_visible()
        await expect(page.locator(".turn-agent")).to_contain_text("Good.")
        await expect(page.locator(".turn")).to_have_count(2)


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_page_of_approvals(
    visitor: Visitor, platform: Platform, world: World, size: Size, theme: Theme
) -> None:
    agent_id = await agent(platform.tenant, script(world, "always"))
    async with visitor.at(f"/chat/{agent_id}", size, theme) as page:
        await ask(page, "Write to Ada that her order is on its way.")
        await page.goto("/approvals")
        await expect(page.locator(".waits").first).to_contain_text("Write to Ada")
        await sound(page, "approvals", size, theme)
        await page.locator(".waits").first.get_by_role("button", name="Deny").click()
        await expect(page.get_by_text("Denied. The agent is told.")).to_be_visible()
