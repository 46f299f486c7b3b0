"""What stands round every page: palette, themes, the menu of a phone, toasts, signing out."""

from itertools import pairwise

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Platform
from tests.browser.look import Size, Visitor, too_wide, violations
from tests.browser.seed import AGENT
from tests.builders import create_agent

_EDGES = """parts => parts.map(e => e.getBoundingClientRect()).filter(r => r.width)
  .map(r => [r.left, r.right])"""


async def _theme(page: Page) -> str:
    return await page.evaluate("document.documentElement.dataset.bsTheme")


async def test_the_palette_leads_to_pages(visitor: Visitor) -> None:
    async with visitor.at("/") as page:
        await page.keyboard.press("Control+K")
        palette = page.get_by_role("combobox")
        await expect(palette).to_be_focused()
        assert not await violations(page)
        await palette.fill("know")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/knowledge")


async def test_the_palette_finds_agents(visitor: Visitor) -> None:
    async with visitor.at("/") as page:
        await page.keyboard.press("Control+K")
        await page.get_by_role("combobox").press_sequentially("harb")
        await expect(page.get_by_role("option", name=AGENT)).to_be_visible()
        await page.get_by_role("combobox").fill("zzz")
        await expect(page.get_by_text("Nothing matches.")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("combobox")).to_be_hidden()


async def test_a_theme_is_kept(visitor: Visitor) -> None:
    async with visitor.at("/", theme="light") as page:
        assert await _theme(page) == "light"
        await page.get_by_role("radio", name="Dark").check(force=True)
        assert await _theme(page) == "dark"
        await page.reload()
        assert await _theme(page) == "dark"
        await expect(page.get_by_role("radio", name="Dark")).to_be_checked()


async def test_the_theme_follows_the_device(visitor: Visitor) -> None:
    async with visitor.at("/", theme="dark") as page:
        assert await _theme(page) == "dark"
        await page.emulate_media(color_scheme="light")
        await expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


async def test_on_a_phone_the_sidebar_is_a_menu(visitor: Visitor) -> None:
    async with visitor.at("/", size="phone") as page:
        link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Agents")
        await expect(link).to_be_hidden()
        await page.get_by_role("button", name="Menu", exact=True).click()
        await expect(link).to_be_in_viewport()
        assert not await violations(page)
        await page.keyboard.press("Escape")
        await expect(link).to_be_hidden()


async def test_what_htmx_is_refused_is_told_in_a_toast(visitor: Visitor) -> None:
    async with visitor.at("/", refusal=422) as page:
        await page.evaluate(
            "htmx.ajax('GET', '/palette?q=' + 'a'.repeat(201), {target: '#palette-more'})"
        )
        toast = page.locator("#toasts .toast-bad")
        await expect(toast).to_contain_text("String should have at most 200 characters")
        await toast.get_by_role("button", name="Dismiss").click()
        await expect(toast).to_have_count(0)


async def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    async with visitor.at("/") as page:
        await page.get_by_label("Your account").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/sign-in")
        await page.goto("/")
        assert "/sign-in" in page.url


@pytest.mark.parametrize("size", ["wide", "phone"])
async def test_long_names_stay_in_their_place(
    visitor: Visitor, platform: Platform, size: Size
) -> None:
    member = platform.tenant.member("owner", platform.tenant.user_id)
    agent = (await create_agent(member, name=f"{size}{'z' * 190}", description="x" * 500))["id"]
    async with visitor.at("/", size) as page:
        for path in ("/", "/agents", f"/agents/{agent}", f"/agents/{agent}/publish", "/chat"):
            await page.goto(path)
            assert await too_wide(page) == 0, path
            ends = await page.eval_on_selector_all(".crumbs li, .finder", _EDGES)
            assert all(a[1] <= b[0] for a, b in pairwise(ends)), path  # nothing lies on another
    assert (await member.delete(f"/api/agents/{agent}")).is_success
