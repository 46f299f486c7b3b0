"""The audit log in a browser: rows unfold, filters work at once, the log is verified."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Platform
from tests.browser.look import ROOT, SIZES, Size, Theme, Visitor, too_wide, violations
from tests.builders import create_agent, publish

PICTURES = ROOT / "tests" / "browser" / "pictures"


@pytest.fixture(scope="module")
async def busy(platform: Platform) -> Platform:
    """A few things happened; somebody acted for somebody."""
    member = platform.tenant.member("owner", platform.tenant.user_id)
    agent = await create_agent(member, name="Support desk", description="Answers customers.")
    changes = {
        "instruction": "Be brief.\nQuote the contract.",
        "description": "Answers customers in their own language, politely.",
    }
    answer = await member.patch(f"/api/agents/{agent['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    await publish(member, agent["id"])
    gone = await create_agent(member, name="Old price lists")
    await member.delete(f"/api/agents/{gone['id']}")
    return platform


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_read_filtered_and_verified(
    visitor: Visitor, busy: Platform, size: Size, theme: Theme
) -> None:
    assert busy.url == visitor.url
    PICTURES.mkdir(exist_ok=True)
    async with visitor.at("/audit", size, theme) as page:
        await page.locator("summary", has_text="changed the agent Support desk").click()
        await expect(page.get_by_text("+description: Answers customers in")).to_be_visible()
        assert await violations(page) == []
        assert await too_wide(page) <= 0
        await page.screenshot(path=PICTURES / f"audit-open-{size}-{theme}.png")

        await page.get_by_role("link", name="Verify").click()
        await expect(page.get_by_text("rows are intact")).to_be_visible()
        await page.get_by_label("Action", exact=True).select_option("DELETE")
        await expect(page.locator(".log > li")).to_have_count(1)
        await expect(page.get_by_text("rows are intact")).to_be_visible()
        assert "action=DELETE" in page.url
        assert await violations(page) == []
        assert await too_wide(page) <= 0
        await page.screenshot(path=PICTURES / f"audit-verified-{size}-{theme}.png")
