"""An agent is changed, published and asked after with scripts on."""

from playwright.async_api import expect

from tests.browser.conftest import Platform
from tests.browser.look import Visitor, violations
from tests.builders import create_agent


async def test_a_draft_saves_itself_and_is_published(visitor: Visitor, platform: Platform) -> None:
    member = platform.tenant.member("owner", platform.tenant.user_id)
    agent = await create_agent(member, name="Draughtsman")

    async with visitor.at(f"/agents/{agent['id']}", refusal=422) as page:
        name, saved = page.get_by_label("Name"), page.locator("#saved")
        await name.fill("Cartographer")
        await page.get_by_label("What it is for").focus()
        await expect(saved).to_contain_text("Saved as a draft")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Cartographer")

        await name.fill("Harbour desk")  # there is one
        await page.get_by_label("What it is for").fill("Draws maps.")
        await page.get_by_label("What it is for").blur()
        await expect(page.locator("#name-error")).to_be_visible()
        assert await violations(page) == []
        await name.fill("Map maker")
        await name.blur()
        await expect(page.locator("#name-error")).to_have_count(0)
        await expect(page.get_by_label("What it is for")).to_have_value("Draws maps.")

        await page.get_by_role("button", name="Publish").click()
        dialog = page.get_by_role("dialog", name="Publish version 1")
        await expect(dialog).to_contain_text("Name: Map maker")
        assert await violations(page) == []
        await dialog.get_by_label("What changed").fill("The first")
        await dialog.get_by_role("button", name="Publish").click()
        await expect(page.get_by_text("Version 1 is published", exact=True)).to_be_visible()
        await expect(page.get_by_text("The first")).to_be_visible()

        await page.get_by_role("link", name="Knowledge").last.click()
        await expect(page.get_by_label("Attach knowledge")).to_be_visible()
        assert page.url.endswith("/knowledge")
