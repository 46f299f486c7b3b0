"""Single sign-on in a real browser: set up by an admin, used by a colleague."""

from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect
from pydantic import SecretStr

from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.dashboard.identity.scope import COOKIE
from monster.dashboard.settings import Settings
from monster.kit.addresses import parse_networks
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.browser.conftest import Platform, served
from tests.browser.look import ROOT, SIZES, Size, Theme, Visitor, out_of_reach, too_wide, violations
from tests.builders import PRIVATE_PEM, Tenant, transport
from tests.oidc.company import CLIENT, SECRET, Company, company
from tests.oidc.people import CALLBACK, add_provider
from tests.process import MASTER_KEY
from tests.serving import free_ports

PICTURES = ROOT / "tests" / "browser" / "pictures"


@pytest.fixture(scope="module")
async def open_platform(postgres: Embedded, engine: FastAPI) -> AsyncIterator[Platform]:
    """At the address that providers are told, and allowed to ask one on loopback."""
    port, _ = free_ports()
    settings = Settings(
        database_url=SecretStr(postgres.url(database.NAME, database.ROLE)),
        signing_key=SecretStr(PRIVATE_PEM),
        account_key=SecretStr(MASTER_KEY),
        public_url=f"http://127.0.0.1:{port}",
        outbound_allow=parse_networks(("127.0.0.1",)),
    )
    app = create_app(settings, transport(engine))
    async with served(app, "on", port) as url:
        yield Platform(url, Tenant(app, engine))


@pytest.fixture(scope="module")
def works(open_platform: Platform) -> Iterator[Company]:
    with company(open_platform.url + CALLBACK) as running:
        yield running


async def _set_up(page: Page, works: Company) -> None:
    await page.get_by_role("link", name="Add a provider").first.click()
    await page.get_by_label("Name", exact=True).fill("Company")
    await page.get_by_label("Issuer").fill(works.issuer)
    await page.get_by_label("Client ID").fill(CLIENT)
    await page.get_by_label("Client secret", exact=True).fill(SECRET)
    await page.get_by_label("Claim that tells the role").fill("groups")
    await page.get_by_label("Values that make an editor").fill("writers")
    await page.get_by_role("button", name="Add the provider").click()
    await page.get_by_role("button", name="Test", exact=True).click()
    await expect(page.locator("#toasts")).to_contain_text("Company works.")
    assert not await violations(page)


async def test_an_admin_sets_it_up_and_a_colleague_comes_in(
    browser: Browser, open_platform: Platform, works: Company
) -> None:
    works.hire(
        "ida", email=f"ida.{new_id()}@company.example", name="Ida Rhodes", groups=["writers"]
    )
    token = open_platform.sign_in("owner")
    async with Visitor(browser, open_platform.url, token).at("/settings/sso") as page:
        await _set_up(page, works)
        await page.get_by_label("Your account").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/sign-in")
        await page.get_by_role("link", name="Sign in with your company").click()
        await page.get_by_label("Short name of the workspace").fill(str(open_platform.tenant.id))
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("link", name="Go on with Company").click()
        await page.get_by_label("Login").fill("ida")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Ida")
        await expect(page.locator(".tenant-here")).to_contain_text("Editor")


async def test_whoever_gives_up_at_the_company_reads_why(
    browser: Browser, open_platform: Platform, works: Company
) -> None:
    tenant = Tenant(open_platform.tenant.dashboard, open_platform.tenant.engine)
    await add_provider(tenant, works.issuer)
    visitor = Visitor(browser, open_platform.url)
    async with visitor.at(f"/sign-in/sso/{tenant.id}", refusal=403) as page:
        await page.get_by_role("link", name="Cancel").click()
        await expect(page.get_by_text("did not let you in")).to_be_visible()
        assert not await violations(page)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_its_pages_are_sound(
    browser: Browser, open_platform: Platform, size: Size, theme: Theme
) -> None:
    tenant = Tenant(open_platform.tenant.dashboard, open_platform.tenant.engine)
    for name in ("Okta", "Entra ID"):
        made = await add_provider(tenant, "https://login.example.com", name=name)
    token = tenant.member("admin").cookies[COOKIE]
    inside, outside = (
        Visitor(browser, open_platform.url, token),
        Visitor(browser, open_platform.url),
    )
    home = f"/settings/sso/{made['id']}"
    wanted = [
        (inside, "/settings/sso", 200),
        (inside, "/settings/sso/new", 200),
        (inside, home, 200),
        (inside, f"{home}/delete", 200),
        (outside, "/sign-in/sso", 200),
        (outside, f"/sign-in/sso/{tenant.id}", 200),
        (outside, "/sign-in/sso/nobody-here", 404),
        (outside, CALLBACK, 403),
    ]
    PICTURES.mkdir(exist_ok=True)
    for number, (visitor, path, status) in enumerate(wanted):
        async with visitor.at(path, size, theme, status=status) as page:
            picture = PICTURES / f"sso-{number}-{size}-{theme}.png"
            await page.screenshot(path=picture, full_page=True)
            assert not await violations(page), path
            assert await too_wide(page) == 0, path
            assert await out_of_reach(page) == 0, path
