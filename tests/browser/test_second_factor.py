"""A second factor from the first click to the next sign-in, with a virtual authenticator."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect
from pyotp.totp import TOTP

from monster.kit import clock
from tests.browser.conftest import Platform
from tests.browser.look import ROOT, SIZES, Size, Theme, too_wide, violations
from tests.second_factor import Account, Clock

PICTURES = ROOT / "tests" / "browser" / "pictures"
LOOKS: list[tuple[Size, Theme]] = [
    ("wide", "light"),
    ("wide", "dark"),
    ("phone", "light"),
    ("phone", "dark"),
]
HOME = "/settings/security"


@pytest.fixture(autouse=True)
def time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half minute ends between a code and its use."""
    monkeypatch.setattr(clock, "now", Clock().now)


@pytest.fixture
async def page(browser: Browser, platform: Platform) -> AsyncIterator[Page]:
    """By name: no passkey belongs to an address."""
    port = urlsplit(platform.url).port
    context = await browser.new_context(
        base_url=f"http://localhost:{port}", viewport=SIZES["wide"], reduced_motion="reduce"
    )
    yield await context.new_page()
    await context.close()


async def sign_in(page: Page, account: Account) -> None:
    await page.goto(f"/sign-in?next={HOME}")
    await page.get_by_label("E-mail").fill(account.email)
    await page.get_by_label("Password", exact=True).fill(account.password)
    await page.get_by_role("button", name="Sign in").click()


async def sign_out(page: Page) -> None:
    await page.get_by_label("Your account").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")


async def look(page: Page, name: str) -> None:
    """In every size and theme: accessible, and no wider than the screen."""
    PICTURES.mkdir(exist_ok=True)
    for size, theme in LOOKS:
        await page.set_viewport_size(SIZES[size])
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        await page.screenshot(path=PICTURES / f"factor-{name}-{size}-{theme}.png", full_page=True)
        assert not await violations(page), (name, size, theme)
        assert await too_wide(page) == 0, (name, size, theme)
    await page.set_viewport_size(SIZES["wide"])
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")


async def with_key(context: BrowserContext, page: Page) -> None:
    """A security key that says yes to everything."""
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")  # pyright: ignore[reportUnknownMemberType]
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await devtools.send(  # pyright: ignore[reportUnknownMemberType]
        "WebAuthn.addVirtualAuthenticator", {"options": options}
    )


async def test_an_authenticator_app_from_set_up_to_sign_in(page: Page, platform: Platform) -> None:
    account = await Account(platform.tenant.dashboard).settle()
    await sign_in(page, account)
    await look(page, "none")
    await page.get_by_role("button", name="Set up an authenticator app").click()
    shown = await page.locator(".key-text").inner_text()
    account.totp = TOTP(shown.replace(" ", ""))
    await page.get_by_label("Code").fill("000000")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_text("This is not the code that the app shows now.")).to_be_visible()
    await look(page, "set-up")
    await page.get_by_label("Code").fill(account.now(-1))
    await page.get_by_role("button", name="Confirm").click()

    codes = (await page.get_by_label("Recovery codes").locator("code").inner_text()).split()
    assert len(codes) == 10
    await look(page, "codes")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download as text").click()
    kept = await (await downloading.value).path()
    assert await asyncio.to_thread(kept.read_text) == "\n".join(
        ["Monster recovery codes", "", *codes, ""]
    )
    await page.get_by_role("link", name="I have kept them").click()
    await expect(page.get_by_text("10 left")).to_be_visible()

    await sign_out(page)
    await sign_in(page, account)
    await look(page, "second-step")
    await page.get_by_label("Code").fill(account.now())
    await page.get_by_role("button", name="Go on").click()
    await page.wait_for_url(f"**{HOME}")

    await page.get_by_role("link", name="Remove the authenticator app").click()
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Remove the app").click()
    await expect(page.get_by_text("This is not your password.")).to_be_visible()
    await look(page, "remove")
    await page.get_by_label("Password").fill(account.password)
    await page.get_by_role("button", name="Remove the app").click()
    await expect(page.get_by_text("The authenticator app is removed.")).to_be_visible()


async def test_a_passkey_from_registration_to_sign_in(page: Page, platform: Platform) -> None:
    account = await Account(platform.tenant.dashboard).settle()
    await with_key(page.context, page)
    await sign_in(page, account)
    await page.get_by_role("link", name="Add a passkey").click()
    await look(page, "new-passkey")
    await page.get_by_label("Name").fill("Blue key")
    await page.get_by_role("button", name="Register").click()
    await expect(page.get_by_text("Blue key is registered.")).to_be_visible()
    await page.get_by_role("link", name="I have kept them").click()
    await expect(page.get_by_role("row", name=re.compile("Blue key.*Never"))).to_be_visible()

    await page.get_by_role("link", name="Add a passkey").click()
    await page.get_by_label("Name").fill("Once more")
    await page.get_by_role("button", name="Register").click()
    await expect(page.get_by_role("alert")).to_have_text(
        "This device has a passkey of yours already."
    )
    await sign_out(page)
    await sign_in(page, account)
    await look(page, "second-step-passkey")
    await page.get_by_role("button", name="Use a passkey").click()
    await page.wait_for_url(f"**{HOME}")
    await expect(page.get_by_role("row", name=re.compile("Blue key.*now"))).to_be_visible()
    await look(page, "passkeys")


async def test_at_an_address_the_page_says_where_passkeys_work(
    page: Page, platform: Platform
) -> None:
    account = await Account(platform.tenant.dashboard).settle()
    await page.goto(platform.url)
    await page.get_by_label("E-mail").fill(account.email)
    await page.get_by_label("Password", exact=True).fill(account.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{platform.url}/")
    await page.goto(platform.url + HOME)
    await expect(page.get_by_text("you are at another address")).to_be_visible()
    await expect(page.get_by_role("link", name="Add a passkey")).to_have_count(0)
    await look(page, "address")
