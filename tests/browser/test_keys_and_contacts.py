"""A key is made, copied and revoked; a contact is looked at and forgotten."""

import pytest
from playwright.async_api import expect

from tests.browser.look import ROOT, SIZES, Size, Theme, Visitor, out_of_reach, too_wide, violations

PICTURES = ROOT / "tests" / "browser" / "pictures"


async def test_a_key_is_made_shown_once_and_revoked(visitor: Visitor) -> None:
    async with visitor.at("/settings/api-keys/new") as page:
        await page.get_by_role("textbox", name="Name").fill("Night job")
        await page.get_by_role("button", name="Make the key").click()

        key = page.get_by_label("The key", exact=True)
        await expect(key).to_contain_text("mk_")
        await expect(page.get_by_label("Try it", exact=True)).to_contain_text("curl http")
        assert not await violations(page)
        PICTURES.mkdir(exist_ok=True)
        await page.screenshot(path=PICTURES / "api-key-made.png")

        await page.get_by_role("link", name="Done").click()
        row = page.locator("tr", has_text="Night job")
        await row.locator("summary").click()
        await row.get_by_role("button", name="Revoke").click()
        await page.get_by_role("button", name="Revoke the key").click()
        await expect(row).to_contain_text("Revoked")
        assert not await violations(page)


async def test_a_contact_is_found_and_forgotten(visitor: Visitor) -> None:
    async with visitor.at("/contacts/new") as page:
        await page.get_by_label("Name").fill("Ada (Lovelace)")
        await page.get_by_role("button", name="Add the contact").click()
        await page.get_by_role("link", name="Erase").click()
        PICTURES.mkdir(exist_ok=True)
        await page.screenshot(path=PICTURES / "contact-erase.png")
        await page.get_by_label("Type Ada (Lovelace) to go on").fill("Ada (Lovelace)")
        assert not await violations(page)
        await page.get_by_role("button", name="Erase for good").click()
        await expect(page.get_by_label("Receipt", exact=True)).to_contain_text("sha256")
        assert not await violations(page)
        await page.screenshot(path=PICTURES / "contact-erased.png")

        await page.get_by_role("link", name="Back to contacts").click()
        await page.get_by_role("searchbox").fill("lovelace")
        await expect(page.get_by_text("No contact matches")).to_be_visible()


PAGES = ["/settings/api-keys", "/settings/api-keys/new", "/contacts", "/contacts/new"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_pages_fit(visitor: Visitor, size: Size, theme: Theme) -> None:
    PICTURES.mkdir(exist_ok=True)
    for path in PAGES:
        async with visitor.at(path, size, theme) as page:
            name = path.strip("/").replace("/", "-")
            await page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
            assert not await violations(page)
            assert await too_wide(page) == 0
            if (size, theme) == ("wide", "light"):
                assert not await out_of_reach(page)
    async with visitor.at("/contacts", size, theme) as page:
        await page.get_by_role("link", name="Grace Hopper").click()
        await page.wait_for_url("**/contacts/*-*")
        await page.screenshot(path=PICTURES / f"contact-{size}-{theme}.png", full_page=True)
        assert not await violations(page)
        await page.get_by_role("link", name="Where is order 4512?").click()
        await page.wait_for_url("**/conversations/*")
        await page.screenshot(path=PICTURES / f"contact-talk-{size}-{theme}.png", full_page=True)
        assert not await violations(page)
        assert await too_wide(page) == 0
