"""People with scripts on: somebody is invited, comes, gets another role, and is removed."""

from playwright.async_api import expect

from tests.browser.conftest import Platform
from tests.browser.look import Visitor, violations
from tests.members import PASSWORD, link


async def test_from_an_invitation_to_the_end_of_a_membership(
    visitor: Visitor, platform: Platform
) -> None:
    email = f"grace.{platform.tenant.id.hex}@harbour.example"
    owner = platform.tenant.member("owner", platform.tenant.user_id)
    async with visitor.at("/settings/members") as page:
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Role").select_option("viewer")
        await page.get_by_role("button", name="Send the invitation").click()
        await expect(page.get_by_role("row", name=email)).to_contain_text("Waiting")
        assert await violations(page) == []

        invited = next(
            one for one in (await owner.get("/api/invitations")).json() if one["email"] == email
        )
        token = await link(platform.tenant.dashboard, invited["id"])
        stranger = Visitor(visitor.browser, platform.url)
        async with stranger.at(f"/invitations/accept?token={token}", refusal=403) as theirs:
            await expect(theirs.get_by_role("heading", level=1)).to_have_text("Join Acme")
            assert await violations(theirs) == []
            await theirs.get_by_label("Your name").fill("Grace Hopper")
            await theirs.get_by_label("Password").fill(PASSWORD)
            await theirs.get_by_role("button", name="Join Acme").click()
            await expect(theirs.get_by_text("Welcome. You are in.")).to_be_visible()
            await theirs.goto("/agents")
            await expect(theirs.get_by_role("link", name="New agent")).to_have_count(0)

            await page.goto("/settings/members")
            await page.get_by_role("link", name="Change Grace Hopper").click()
            await page.get_by_label("Editor").check()
            await page.get_by_role("button", name="Change the role").click()
            await expect(page.get_by_text("Grace Hopper is editor now.")).to_be_visible()
            await theirs.reload()
            await expect(theirs.get_by_role("link", name="New agent").first).to_be_visible()

            await page.get_by_role("link", name="Change Grace Hopper").click()
            await page.get_by_role("button", name="Remove from the workspace").click()
            dialog = page.get_by_role("alertdialog", name="Remove Grace Hopper?")
            await expect(dialog).to_contain_text("0 private agents and 0 private folders")
            assert await violations(page) == []
            await dialog.get_by_role("button", name="Remove", exact=True).click()
            await expect(page.get_by_text("Grace Hopper is removed.")).to_be_visible()
            await theirs.reload()
            await expect(theirs.get_by_role("heading", level=1)).to_have_text(
                "Where do you want to work?"
            )
            assert theirs.url.endswith("/workspaces")
            assert await violations(theirs) == []


async def test_a_folder_is_made_where_the_agents_are(visitor: Visitor) -> None:
    async with visitor.at("/agents", refusal=422) as page:
        await page.get_by_role("link", name="New folder").click()
        dialog = page.get_by_role("dialog", name="New folder")
        await dialog.get_by_label("Name").fill("Harbour")
        await dialog.get_by_role("button", name="Make the folder").click()
        folder = page.get_by_role("navigation", name="Folders").get_by_role("link", name="Harbour")
        await expect(folder).to_have_attribute("aria-current", "page")
        await page.get_by_role("link", name="New folder").click()
        await dialog.get_by_label("Name").fill("Harbour")
        await dialog.get_by_label("Lies in").select_option("")
        await dialog.get_by_role("button", name="Make the folder").click()
        await expect(dialog.locator("#name-error")).to_be_visible()
        assert await violations(page) == []
        await dialog.get_by_role("button", name="Close").click()
        await page.get_by_role("link", name="Change this folder").click()
        await page.get_by_role("button", name="Delete the folder").click()
        sure = page.get_by_role("alertdialog", name="Delete “Harbour”?")
        await sure.get_by_role("button", name="Delete the folder").click()
        await expect(folder).to_have_count(0)
