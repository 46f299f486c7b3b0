"""The pages of platform admins: sound in both themes and sizes, and one journey through them."""

import re
from collections.abc import Mapping

import pytest
from playwright.async_api import Browser

from monster.dashboard.identity.scope import COOKIE
from monster.kit.ids import new_id
from tests import admins
from tests.browser.conftest import Platform
from tests.browser.look import ROOT, SIZES, Size, Theme, Visitor, out_of_reach, too_wide, violations
from tests.builders import Tenant

PICTURES = ROOT / "tests" / "browser" / "pictures"


@pytest.fixture(scope="module")
def pages(platform: Platform) -> Mapping[str, str]:
    """Paths by the name of their picture."""
    person = new_id()
    for role in ("viewer", "editor"):
        platform.tenant.member(role)
    platform.tenant.member("editor", person)
    suspended = Tenant(platform.tenant.dashboard, platform.tenant.engine)
    suspended.member("owner")
    admins.query(
        platform.tenant.dashboard,
        "update tenant set suspended_at = now() - interval '3 hours', name = %s where id = %s",
        "A company with quite a long name that nobody would ever shorten GmbH & Co. KG",
        suspended.id,
    )
    admins.query(
        platform.tenant.dashboard,
        "insert into procrastinate_jobs (queue_name, task_name, status, attempts, args) values"
        " ('x', 'agents.deliver_spec', 'failed', 10, jsonb_build_object('error', %s::text))",
        "EngineUnavailable",
    )
    return {
        "tenants": "/admin",
        "none": "/admin?q=nothing-like-it",
        "new": "/admin/tenants/new",
        "tenant": f"/admin/tenants/{platform.tenant.id}",
        "suspended": f"/admin/tenants/{suspended.id}",
        "delete": f"/admin/tenants/{platform.tenant.id}/delete",
        "users": "/admin/users",
        "user": f"/admin/users/{person}",
        "impersonate": f"/admin/users/{person}/impersonate",
        "system": "/admin/system",
    }


@pytest.fixture
def admin(browser: Browser, platform: Platform) -> Visitor:
    session = admins.sign_in(platform.tenant.dashboard).cookies[COOKIE]
    return Visitor(browser, platform.url, session)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_of_the_platform_is_sound(
    admin: Visitor, pages: Mapping[str, str], size: Size, theme: Theme
) -> None:
    PICTURES.mkdir(exist_ok=True)
    problems = list[str]()
    async with admin.at("/admin", size, theme) as page:
        for name, path in pages.items():
            await page.goto(path, wait_until="load")
            await page.screenshot(path=PICTURES / f"admin-{name}-{size}-{theme}.png")
            found = list(await violations(page))
            if over := await too_wide(page):
                found.append(f"{over} px too wide")
            if size == "wide" and theme == "light" and (lost := await out_of_reach(page)):
                found.append(f"Tab does not reach {lost} controls")
            problems += [f"{name}: {problem}" for problem in found]
    assert not problems, "\n".join(problems)


async def test_an_admin_acts_as_somebody_and_comes_back(admin: Visitor, platform: Platform) -> None:
    person = new_id()
    platform.tenant.member("editor", person)
    async with admin.at(f"/admin/users/{person}") as page:
        await page.get_by_role("link", name="Act as this person").click()
        await page.get_by_label("Reason").fill("Ticket 4512")
        await page.get_by_role("button", name="Act as this person").click()
        banner = page.get_by_role("region", name="Impersonation")
        await banner.wait_for()
        await page.screenshot(path=PICTURES / "admin-acting-wide-light.png")
        assert not await violations(page)
        assert await page.get_by_role("link", name="Platform").count() == 0
        await banner.get_by_role("button", name="Stop").click()
        await page.wait_for_url(re.compile("/admin/users/"))
        await page.get_by_role("heading", name="Ada").wait_for()


async def test_a_search_swaps_the_list_and_the_order_is_chosen(admin: Visitor) -> None:
    async with admin.at("/admin") as page:
        await page.get_by_label("Search workspaces").fill("nothing-like-it")
        await page.get_by_text("No workspace matches").wait_for()
        await page.get_by_label("Search workspaces").fill("")
        await page.get_by_label("Order").select_option("name")
        await page.wait_for_url(re.compile("sort=name"))
        await page.get_by_role("table").wait_for()


async def test_an_account_is_deleted_after_the_dialog_has_said_what_goes(
    admin: Visitor, platform: Platform
) -> None:
    company = Tenant(platform.tenant.dashboard, platform.tenant.engine)
    company.member("owner", company.user_id)
    async with admin.at(f"/admin/users/{company.user_id}") as page:
        await page.get_by_label("More for Ada").click()
        await page.get_by_role("button", name="Delete", exact=True).click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_text("Acme is left without an owner.").wait_for()
        await page.screenshot(path=PICTURES / "admin-user-delete-wide-light.png")
        await dialog.get_by_role("button", name="Delete the account").click()
        await page.wait_for_url(re.compile("/admin/users$"))
