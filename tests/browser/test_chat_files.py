"""Files of a chat in a real browser: chosen, dropped, pasted, drawn by a tool, saved, deleted."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.async_api import FilePayload, Page, expect

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.contracts.tools import AttachedTool
from monster.engine.runs.schemas import Limits
from monster.engine.tools.charts import Charts
from monster.engine.tools.tables import Tables
from monster.kit.ids import new_id
from tests.browser.conftest import Platform
from tests.browser.look import Size, Theme, Visitor, out_of_reach, too_wide, violations
from tests.builders import Tenant, create_agent, publish
from tests.talk import Script

SALES: FilePayload = {
    "name": "sales 2026.csv",
    "mimeType": "text/csv",
    "buffer": b"month,sales\nMay,40\nJune,42\nJuly,58\nAugust,31\n",
}
QUERY = {"sql": "select * from sales_2026", "files": ["sales 2026.csv"]}
CHART = {
    "kind": "bar",
    "title": "Sales of the summer",
    "series": [{"name": "Sales", "values": [40, 42, 58, 31]}],
    "labels": ["May", "June", "July", "August"],
    "y_label": "Pieces",
    "name": "summer",
}
LINES: Script = [
    {"text": "I read the table.", "calls": [["sql_query_tables", QUERY]]},
    {"calls": [["charts_draw_chart", CHART]]},
    {"text": "July was the best month: **58 pieces**.", "delay": 0.02},
]
DROP = """([area, name]) => {
  const carried = new DataTransfer();
  carried.items.add(new File(["a,b"], name));
  const target = document.querySelector(area);
  for (const type of ["dragover", "drop"])
    target.dispatchEvent(new DragEvent(type, {dataTransfer: carried, bubbles: true}));
}"""
PASTE = """() => {
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([new Uint8Array([1, 2])], "image.png", {type: "image/png"}));
  document.querySelector(".composer textarea")
    .dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
}"""


@pytest.fixture(autouse=True)
def patient(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs may take longer than other tests allow."""
    monkeypatch.setattr(platform.tenant.engine.state.runs, "limits", Limits())


async def _agent(tenant: Tenant, script: Script) -> str:
    body = {"model": "script:test", "instruction": orjson.dumps(script).decode()}
    member = tenant.member()
    name = f"Analyst {str(new_id())[-6:]}"
    agent_id: str = (await create_agent(member, name=name, **body))["id"]
    await publish(member, agent_id)
    always: dict[str, Any] = {"approval": "never"}
    spec = AgentSpec(
        version=1,
        user_id=new_id(),
        scope="shared",
        name="Analyst",
        model=body["model"],
        instruction=body["instruction"],
        tools=(
            AttachedTool(name="sql", tool_factory_id=Tables.factory_id(), **always),
            AttachedTool(name="charts", tool_factory_id=Charts.factory_id(), **always),
        ),
    )
    engine = tenant.caller(Permission.AGENTS_PUBLISH)
    answer = await engine.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    assert answer.is_success, answer.text
    return agent_id


async def _ready(page: Page) -> None:
    await page.locator("[data-chat][data-ready]").wait_for()


async def _choose(page: Page, *files: FilePayload) -> None:
    await _ready(page)
    await page.get_by_label("Attach files").set_input_files(list(files))


def _squeezed(html: str) -> str:
    return re.sub(r"\s+", " ", html)


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_table_goes_in_and_a_chart_comes_out(
    visitor: Visitor, platform: Platform, size: Size, theme: Theme, tmp_path: Path
) -> None:
    agent_id = await _agent(platform.tenant, LINES)
    async with visitor.at(f"/chat/{agent_id}", size, theme) as page:
        await _choose(page, SALES)
        chip = page.locator(".composer .file")
        await expect(chip).to_contain_text("sales 2026.csv")
        await expect(chip).to_contain_text("45 B")
        await expect(page.locator("[data-said]")).to_have_text("Attached: sales 2026.csv.")
        assert await violations(page) == []
        await page.screenshot(path=tmp_path / "before.png")
        await page.keyboard.type("Which month was best?")
        await page.keyboard.press("Enter")

        picture = page.get_by_role("img", name=re.compile("summer.png, made by Analyst"))
        await expect(picture).to_be_visible()
        await expect(page.locator(".turn-foot")).to_be_visible()
        await expect(page).to_have_url(re.compile("/conversations/"))
        await expect(page.locator(".turn-user .file")).to_contain_text("sales 2026.csv")
        await expect(page.locator(".turn-user")).not_to_contain_text("Attached files:")
        await expect(page.locator(".composer .file")).to_have_count(0)
        await expect(page.get_by_role("link", name="Files of this chat: 3")).to_be_visible()
        await expect(page.locator("[data-speak]")).to_contain_text("Made: summer.png, summer.svg.")
        drawn = "document.querySelector('.file-picture img').naturalWidth > 100"
        await page.wait_for_function(drawn)
        live = await page.locator(".turn-agent .files").inner_html()
        assert await violations(page) == []
        assert await too_wide(page) == 0
        await page.screenshot(path=tmp_path / "after.png")
        await page.reload()
        await _ready(page)
        stored = await page.locator(".turn-agent .files").inner_html()
        assert _squeezed(stored) == _squeezed(live)
        assert await out_of_reach(page) == 0


async def test_a_file_is_saved_from_the_chat_and_deleted_from_its_page(
    visitor: Visitor, platform: Platform, tmp_path: Path
) -> None:
    agent_id = await _agent(platform.tenant, [{"text": "Yes."}])
    async with visitor.at(f"/chat/{agent_id}") as page:
        await _choose(page, SALES)
        await page.get_by_role("button", name="Send").click()  # without a word
        await expect(page.locator(".turn-foot")).to_be_visible()
        async with page.expect_download() as saving:
            await page.locator(".turn-user .file").click()
        saved = await saving.value
        assert saved.suggested_filename == "sales 2026.csv"
        await saved.save_as(tmp_path / "saved.csv")
        assert (tmp_path / "saved.csv").read_bytes() == SALES["buffer"]
        await page.get_by_role("link", name="Files of this chat").click()
        await expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
        assert await violations(page) == []
        await page.screenshot(path=tmp_path / "files.png")
        await page.get_by_role("button", name="Delete sales 2026.csv").click()
        await page.get_by_role("button", name="Delete the file").click()
        await expect(page.get_by_text("sales 2026.csv is deleted.")).to_be_visible()
        await expect(page.get_by_text("No files yet")).to_be_visible()
        await page.get_by_role("link", name="Back to the chat").first.click()
        await expect(page.locator(".turn-user span.file")).to_contain_text("sales 2026.csv")


async def test_drop_paste_and_remove(visitor: Visitor, platform: Platform) -> None:
    agent_id = await _agent(platform.tenant, [{"text": "Yes."}])
    async with visitor.at(f"/chat/{agent_id}") as page:
        await _ready(page)
        await page.evaluate(DROP, [".talk", "dropped.csv"])
        await page.evaluate(DROP, [".talk", "dropped.csv"])  # takes the place of the first
        await page.evaluate(PASTE)
        chips = page.locator(".composer .file")
        await expect(chips).to_have_count(2)
        await expect(chips.last).to_contain_text(re.compile(r"Pasted \S+ \S+\.png"))
        await page.get_by_role("button", name="Remove dropped.csv").focus()
        await page.keyboard.press("Enter")
        await expect(chips).to_have_count(1)
        await expect(page.locator("[data-said]")).to_have_text("Removed: dropped.csv.")
        await expect(page.get_by_role("textbox", name="Message to")).to_be_focused()


async def test_what_cannot_be_attached_is_said(visitor: Visitor, platform: Platform) -> None:
    agent_id = await _agent(platform.tenant, [{"text": "Yes."}])
    async with visitor.at(f"/chat/{agent_id}", refusal=413) as page:
        hidden: FilePayload = {"name": ".env", "mimeType": "text/plain", "buffer": b"x"}
        await _choose(page, hidden)
        wrong = page.get_by_role("alert").filter(visible=True)
        await expect(wrong).to_contain_text("“.env” cannot be attached")
        limit = platform.tenant.engine.state.upload_limit
        large = FilePayload(name="large.bin", mimeType="", buffer=bytes(limit + 1))
        await _choose(page, large)
        await expect(wrong).to_have_count(0)
        await page.keyboard.type("Look.")
        await page.keyboard.press("Enter")

        await expect(wrong).to_have_text("“large.bin”: the file is too large.")
        await expect(page.locator(".composer .file-bad")).to_contain_text("large.bin")
        await expect(page.get_by_role("textbox", name="Message to")).to_have_value("Look.")
        assert await violations(page) == []
        await page.get_by_role("button", name="Remove large.bin").click()
        await page.keyboard.press("Enter")
        await expect(page.locator(".turn-agent .turn-foot")).to_be_visible()
        await expect(page.locator(".turn-user .file")).to_have_count(0)
