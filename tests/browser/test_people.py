"""People with scripts on: one opens a workspace, another is invited, comes, and is removed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.browser.conftest import Platform
from tests.browser.look import ROOT, Visitor, violations
from tests.members import PASSWORD
from tests.people import Post

PICTURES = ROOT / "tests" / "browser" / "pictures"


@dataclass(frozen=True)
class Mailbox:
    """The worker sends, and the page for mails that stay here shows them."""

    url: str
    post: Post

    async def follow(self, page: Page, email: str, says: str) -> None:
        await self.post.deliver(public_url=self.url)
        await page.goto(f"/dev/mail?q={email}")
        letter = page.get_by_role("article").filter(has_text=says)
        await letter.get_by_role("link").filter(has_text="token=").click()


@pytest.fixture
def mailbox(postgres: Embedded, platform: Platform, engine: FastAPI) -> Mailbox:
    return Mailbox(platform.url, Post(postgres, platform.tenant.dashboard.state.sessions, engine))


@pytest.fixture
async def owner(
    browser: Browser, platform: Platform, mailbox: Mailbox, quick_hashes: None
) -> AsyncIterator[Page]:
    """Has just opened a workspace."""
    del quick_hashes  # used, without being looked at
    email = f"ada.{new_id().hex}@harbour.example"
    async with Visitor(browser, platform.url).at("/register") as page:
        for label, value in (("Your name", "Ada"), ("Company", "Ferry Works"), ("E-mail", email)):
            await page.get_by_label(label).fill(value)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_text("Look into your mailbox")).to_be_visible()
        await mailbox.follow(page, email, "Confirm")
        await page.get_by_role("button", name="Open the workspace").click()
        await expect(page.get_by_text("Your workspace is open")).to_be_visible()
        await expect(page.locator("#main").get_by_text("Invite people")).to_be_visible()
        yield page


@pytest.fixture
async def grace(browser: Browser, platform: Platform) -> AsyncIterator[Page]:
    """The browser of somebody who is not known here."""
    async with Visitor(browser, platform.url).at("/sign-in") as page:
        yield page


async def test_from_an_invitation_to_the_end_of_a_membership(
    owner: Page, grace: Page, mailbox: Mailbox
) -> None:
    email = f"grace.{new_id().hex}@harbour.example"
    await _invite(owner, email)
    await mailbox.follow(grace, email, "invites you")
    await _join(grace)
    await _promote(owner, grace)
    await _remove(owner)
    await grace.get_by_role("link", name="Knowledge").first.click()
    await expect(grace.get_by_role("heading", level=1)).to_have_text("Where do you want to work?")
    await expect(grace.get_by_text("You belong to no workspace")).to_be_visible()
    assert await violations(grace) == []
    await grace.screenshot(path=PICTURES / "people-removed-wide-light.png")
    await _forget(grace, email, mailbox)


async def _invite(owner: Page, email: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    await owner.goto("/settings/members")
    await owner.get_by_label("E-mail").fill(email)
    await owner.get_by_label("Role").select_option("viewer")
    await owner.get_by_role("button", name="Send the invitation").click()
    await expect(owner.get_by_role("row", name=email)).to_contain_text("Waiting")
    assert await violations(owner) == []


async def _join(grace: Page) -> None:
    """As a new person, in the role of a viewer."""
    await expect(grace.get_by_role("heading", level=1)).to_have_text("Join Ferry Works")
    assert await violations(grace) == []
    await grace.screenshot(path=PICTURES / "people-invited-wide-light.png")
    await grace.get_by_label("Your name").fill("Grace Hopper")
    await grace.get_by_label("Password").fill(PASSWORD)
    await grace.get_by_role("button", name="Join Ferry Works").click()
    await expect(grace.get_by_text("Welcome. You are in.")).to_be_visible()
    await grace.goto("/agents")
    await expect(grace.get_by_role("link", name="New agent")).to_have_count(0)
    for unseen in ("Audit log", "API keys", "Invite people", "Platform"):
        await expect(grace.locator("#palette").get_by_text(unseen)).to_have_count(0)


async def _promote(owner: Page, grace: Page) -> None:
    await owner.goto("/settings/members")
    await owner.get_by_role("link", name="Change Grace Hopper").click()
    await owner.get_by_label("Editor").check()
    await owner.get_by_role("button", name="Change the role").click()
    await expect(owner.get_by_text("Grace Hopper is editor now.")).to_be_visible()
    await grace.reload()
    await expect(grace.get_by_role("link", name="New agent").first).to_be_visible()


async def _remove(owner: Page) -> None:
    await owner.get_by_role("link", name="Change Grace Hopper").click()
    await owner.get_by_role("button", name="Remove from the workspace").click()
    dialog = owner.get_by_role("alertdialog", name="Remove Grace Hopper?")
    await expect(dialog).to_contain_text("0 private agents and 0 private folders")
    assert await violations(owner) == []
    await dialog.get_by_role("button", name="Remove", exact=True).click()
    await expect(owner.get_by_text("Grace Hopper is removed.")).to_be_visible()


async def _forget(grace: Page, email: str, mailbox: Mailbox) -> None:
    """The account stays: out, and in again with another password."""
    await grace.get_by_role("button", name="Sign out").click()
    await grace.get_by_role("link", name="Forgot your password?").click()
    await grace.get_by_label("E-mail").fill(email)
    await grace.get_by_role("button", name="Send the link").click()
    await mailbox.follow(grace, email, "Choose a new password")
    await grace.get_by_label("New password").fill("another battery staple")
    await grace.get_by_role("button", name="Change the password").click()
    await grace.goto("/sign-in")
    await grace.get_by_label("E-mail").fill(email)
    await grace.get_by_label("Password").fill("another battery staple")
    await grace.get_by_role("button", name="Sign in", exact=True).click()
    await expect(grace.get_by_role("heading", level=1)).to_have_text("Where do you want to work?")


async def test_whoever_has_a_workspace_chooses_another(visitor: Visitor) -> None:
    async with visitor.at("/") as page:
        await page.get_by_role("link", name="Acme").click()
        await page.get_by_label("Make a new workspace").fill("Second harbour")
        await page.get_by_role("button", name="Make the workspace").click()
        await expect(page.get_by_text("Second harbour is there, and you own it.")).to_be_visible()
        await page.locator("a.tenant-here").click()
        await page.get_by_role("button", name="Work here, in Acme").click()
        await expect(page.locator("a.tenant-here")).to_contain_text("Acme")


async def test_a_folder_is_made_where_the_agents_are(visitor: Visitor) -> None:
    async with visitor.at("/agents", refusal=422) as page:
        await page.get_by_role("link", name="New folder").click()
        dialog = page.get_by_role("dialog", name="New folder")
        await dialog.get_by_label("Name").fill("Lighthouse")
        await dialog.get_by_role("button", name="Make the folder").click()
        folder = page.get_by_role("navigation", name="Folders").get_by_role(
            "link", name="Lighthouse"
        )
        await expect(folder).to_have_attribute("aria-current", "page")
        await page.get_by_role("link", name="New folder").click()
        await dialog.get_by_label("Name").fill("Lighthouse")
        await dialog.get_by_label("Lies in").select_option("")
        await dialog.get_by_role("button", name="Make the folder").click()
        await expect(dialog.locator("#name-error")).to_be_visible()
        assert await violations(page) == []
        await dialog.get_by_role("button", name="Close").click()
        await page.get_by_role("link", name="Change this folder").click()
        await page.get_by_role("button", name="Delete the folder").click()
        sure = page.get_by_role("alertdialog", name="Delete “Lighthouse”?")
        await sure.get_by_role("button", name="Delete the folder").click()
        await expect(folder).to_have_count(0)
