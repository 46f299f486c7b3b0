"""Where menus and the command palette lead, only to what one may use; and where people land."""

import re

import httpx
import pytest

from tests import admins
from tests.builders import Tenant
from tests.members import PAGE, change, invite

_LINK = re.compile(r'class="palette-item"[^>]* href="([^"]+)"')
_FOR_ADMINS = {"/audit", "/settings/api-keys", "/settings/api-keys/new", "/settings/sso"}
_PLATFORM = {"/admin", "/admin/users", "/admin/system"}


async def _offered(http: httpx.AsyncClient, path: str = "/") -> set[str]:
    page = await http.get(path, headers=PAGE)
    assert page.status_code == 200
    return set(_LINK.findall(page.text))


async def test_the_palette_offers_what_one_may(tenant: Tenant) -> None:
    viewer, editor, admin = [
        await _offered(tenant.member(role)) for role in ("viewer", "editor", "admin")
    ]
    assert {"/chat", "/agents", "/settings/members", "/settings/profile"} <= viewer
    assert not viewer & (_FOR_ADMINS | _PLATFORM | {"/agents/new", "/contacts"})
    assert {"/agents/new", "/contacts"} <= editor
    assert not editor & (_FOR_ADMINS | _PLATFORM)
    assert admin >= _FOR_ADMINS
    assert not admin & _PLATFORM


async def test_a_platform_admin_lands_on_the_platform(tenant: Tenant) -> None:
    """Of no workspace: nothing of one is offered."""
    root = admins.sign_in(tenant.dashboard)
    landed = await root.get("/", headers=PAGE)
    assert (landed.status_code, landed.headers["Location"]) == (303, "/admin")
    offered = await _offered(root, "/admin")
    assert offered == _PLATFORM | {
        "/workspaces",
        "/settings",
        "/settings/profile",
        "/settings/security",
        "/settings/sessions",
    }
    assert (await root.get("/agents", headers=PAGE)).headers["Location"] == "/workspaces"


async def test_a_suspended_workspace_leads_to_the_others(tenant: Tenant) -> None:
    member = tenant.member("viewer")
    change(tenant.dashboard, "update tenant set suspended_at = now() where id = %s", tenant.id)
    page = await member.get("/", headers=PAGE)
    assert page.status_code == 403
    assert "This workspace is suspended" in page.text
    assert '<a class="btn btn-primary" href="/workspaces">' in page.text


@pytest.mark.parametrize("role", ["viewer", "editor", "admin", "owner"])
async def test_inviting_is_a_first_step_of_who_may(tenant: Tenant, role: str) -> None:
    page = (await tenant.member(role, tenant.user_id).get("/", headers=PAGE)).text
    assert ("Colleagues who talk to it" in page) == (role in {"admin", "owner"})


async def test_it_is_done_when_somebody_is_asked_to_come(tenant: Tenant) -> None:
    owner = tenant.member("owner", tenant.user_id)
    assert "0 of 5 done" in (await owner.get("/", headers=PAGE)).text
    await invite(owner)
    assert "1 of 5 done" in (await owner.get("/", headers=PAGE)).text


async def test_it_is_done_when_somebody_else_is_here(tenant: Tenant, other: Tenant) -> None:
    owner = tenant.member("owner", tenant.user_id)
    other.member("editor")
    assert "0 of 5 done" in (await owner.get("/", headers=PAGE)).text
    tenant.member("viewer")
    assert "1 of 5 done" in (await owner.get("/", headers=PAGE)).text
