"""The audit log in a browser: rows unfold, filters work at once, the log is verified."""

import psycopg
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Platform
from tests.browser.look import (
    ROOT,
    SIZES,
    Size,
    Theme,
    Visitor,
    out_of_reach,
    too_wide,
    violations,
)
from tests.builders import create_agent, owner_conninfo, publish

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
        gone = page.locator(".log > li", has_text="Old price lists")
        await expect(gone).to_have_count(1)  # that it was made is not listed any more
        await expect(page.get_by_text("rows are intact")).to_be_visible()
        assert "action=DELETE" in page.url
        assert await violations(page) == []
        assert await too_wide(page) <= 0
        await page.screenshot(path=PICTURES / f"audit-verified-{size}-{theme}.png")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_what_does_not_fit_and_what_is_not_there_is_said(
    visitor: Visitor, busy: Platform, size: Size, theme: Theme
) -> None:
    """Without scripts' help: the page of the verification, and a list of nothing."""
    change = """update audit_log set principal = %s where tenant_id = %s and seq in
        (select max(seq) from audit_log where tenant_id = %s)"""
    with psycopg.connect(owner_conninfo(busy.tenant.dashboard), autocommit=True) as owner:
        owner.execute(change, ["nobody", busy.tenant.id, busy.tenant.id])
        try:
            async with visitor.at("/audit/verify", size, theme) as page:
                await expect(page.get_by_text("was changed from outside")).to_be_visible()
                assert await violations(page) == []
                assert await too_wide(page) <= 0
                assert await out_of_reach(page) == 0
                await page.screenshot(path=PICTURES / f"audit-broken-{size}-{theme}.png")
        finally:
            owner.execute(change, ["user", busy.tenant.id, busy.tenant.id])
    async with visitor.at("/audit?q=nowhere-to-be-found", size, theme) as page:
        await expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
        assert await violations(page) == []
        assert await too_wide(page) <= 0
        await page.screenshot(path=PICTURES / f"audit-nothing-{size}-{theme}.png")
