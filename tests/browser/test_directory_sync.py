"""A directory is connected and its groups are given roles, with scripts on."""

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Platform
from tests.browser.look import SIZES, Size, Theme, Visitor, out_of_reach, too_wide, violations
from tests.browser.test_every_page import PICTURES
from tests.builders import client
from tests.directory import Directory


async def test_a_token_is_made_used_and_revoked(visitor: Visitor, platform: Platform) -> None:
    async with visitor.at("/settings/scim") as page:
        await page.get_by_label("Name of a new token").fill("Harbour directory")
        await page.get_by_role("button", name="Make a token").click()
        token = await page.locator("pre code").first.inner_text()
        headers = {"Authorization": f"Bearer {token}"}
        assert await violations(page) == []

        async with httpx.AsyncClient(base_url=platform.url, headers=headers) as http:
            people = Directory(http, token, "")
            ada = await people.bring(displayName="Ada")
            await people.group(ada["id"], name="Cartographers")
            await page.goto("/settings/scim")
            row = page.get_by_role("row", name="Cartographers")
            await row.get_by_role("combobox").select_option("editor")
            await row.get_by_role("button", name="Save").click()
            await expect(page.get_by_text("Cartographers gives the role editor.")).to_be_visible()
            await page.get_by_label("Search groups").fill("nothing like it")
            await expect(page.get_by_role("heading", name="No group is found")).to_be_visible()
            assert await violations(page) == []

            await page.goto("/settings/scim")
            await page.get_by_role("link", name="Revoke Harbour directory").click()
            dialog = page.get_by_role("alertdialog", name="Revoke “Harbour directory”?")
            await expect(dialog).to_contain_text("People and groups it brought stay")
            assert await violations(page) == []
            await dialog.get_by_role("button", name="Revoke the token").click()
            await expect(page.get_by_text("The token is revoked.")).to_be_visible()
            assert (await http.get("/scim/v2/Users")).status_code == 401


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_page_is_sound(
    visitor: Visitor, platform: Platform, size: Size, theme: Theme
) -> None:
    admin = platform.tenant.member("admin")
    made = (await admin.post("/api/scim-tokens", json={"name": f"Entra {size} {theme}"})).json()
    directory = Directory(client(platform.tenant.dashboard, made["token"]), "", made["id"])
    await directory.group(name=f"Everybody in the north, {size} and {theme}")
    PICTURES.mkdir(exist_ok=True)

    async with visitor.at("/settings/scim", size, theme) as page:
        await page.screenshot(path=PICTURES / f"scim-{size}-{theme}.png", full_page=True)
        assert await violations(page) == []
        assert await too_wide(page) == 0
        assert size == "phone" or await out_of_reach(page) == 0
        await page.get_by_role("link", name="Revoke").first.click()
        await expect(page.get_by_role("alertdialog")).to_be_visible()
    async with visitor.at(f"/settings/scim/tokens/{made['id']}/revoke", size) as page:
        assert await violations(page) == []
