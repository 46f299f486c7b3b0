"""Platform admins and people, and how they act as somebody else."""

import asyncio
import uuid
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from monster.dashboard.identity.scope import COOKIE
from monster.dashboard.impersonation.pages import ASIDE
from monster.dashboard.web import csrf as origin
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests import admins
from tests.builders import ORIGIN, Tenant, browser, create_agent, transport

URL = "/api/admin/users"


@pytest.fixture
def admin_id() -> uuid.UUID:
    return new_id()


@pytest.fixture
def admin(dashboard: FastAPI, admin_id: uuid.UUID) -> httpx.AsyncClient:
    return admins.sign_in(dashboard, admin_id)


async def test_people_are_found_by_address_and_name(
    admin: httpx.AsyncClient, tenant: Tenant, statements: Statements
) -> None:
    first, second = sorted((new_id(), new_id()))
    for person in (first, second):
        tenant.member("editor", person)
    with statements.exactly(3):  # session; enter the person, page
        found = await admin.get(URL, params={"q": str(first)[:30]})
    assert {one["id"] for one in found.json()} >= {str(first)}
    exact = (await admin.get(URL, params={"q": f"{first}@EXAMPLE"})).json()
    assert [(one["id"], one["tenant_name"]) for one in exact] == [(str(first), "Acme")]
    part = (await admin.get(URL, params={"q": f"{str(first)[1:]}@example"})).json()
    assert part == []  # only how an address begins
    after = await admin.get(URL, params={"q": "Ada", "after": str(second), "limit": 1})
    assert after.json()[0]["id"] == str(first)
    assert (await admin.get(URL, params={"q": "%"})).json() == []
    fragment = await admin.get(
        "/admin/users", params={"q": "nobody at all"}, headers={"HX-Request-Type": "partial"}
    )
    assert "Nobody matches" in fragment.text
    assert "<html" not in fragment.text


async def test_one_person_with_all_workspaces(
    admin: httpx.AsyncClient, tenant: Tenant, other: Tenant
) -> None:
    person = new_id()
    tenant.member("owner", person)
    other.member("viewer", person)
    shown = (await admin.get(f"{URL}/{person}")).json()
    assert shown["sessions"] == 2
    roles = {one["tenant_id"]: one["role"] for one in shown["memberships"]}
    assert roles == {str(tenant.id): "owner", str(other.id): "viewer"}
    page = await admin.get(f"/admin/users/{person}")
    assert "Acme is left without an owner." in page.text
    assert (await admin.get(f"{URL}/{new_id()}")).status_code == 404


async def test_deactivated_they_are_out_at_once(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, tenant: Tenant
) -> None:
    member = tenant.member("owner", tenant.user_id)
    assert (await admin.post(f"{URL}/{tenant.user_id}/deactivate")).status_code == 204
    assert (await member.get("/api/agents")).status_code == 401
    assert (await admin.post(f"{URL}/{tenant.user_id}/activate")).status_code == 204
    assert (await admin.get(f"{URL}/{tenant.user_id}")).json()["user"]["is_active"] is True
    assert (await member.get("/api/agents")).status_code == 401  # the session stays ended
    told = [row["details"] for row in admins.log(tenant, admins.PLATFORM, admin_id)]
    assert told[0] == {"before": {"is_active": True}, "after": {"is_active": False}}
    assert len(told) == 2


async def test_unlocked_and_signed_out(admin: httpx.AsyncClient, tenant: Tenant) -> None:
    member = tenant.member("owner", tenant.user_id)
    admins.query(
        tenant.dashboard,
        "update \"user\" set failed_login_attempts = 5, locked_until = now() + interval '1 hour'"
        " where id = %s",
        tenant.user_id,
    )
    shown = (await admin.get(f"{URL}/{tenant.user_id}")).json()
    assert shown["user"]["locked_until"]
    assert (await admin.post(f"{URL}/{tenant.user_id}/unlock")).status_code == 204
    assert (await admin.post(f"{URL}/{tenant.user_id}/end-sessions")).status_code == 204
    shown = (await admin.get(f"{URL}/{tenant.user_id}")).json()
    assert (shown["user"]["locked_until"], shown["sessions"]) == (None, 0)
    assert (await member.get("/api/agents")).status_code == 401


async def test_the_only_owner_is_deleted_only_if_it_is_meant(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, tenant: Tenant
) -> None:
    member = tenant.member("owner", tenant.user_id)
    refused = await admin.delete(f"{URL}/{tenant.user_id}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "only_owner")
    assert (await member.get("/api/agents")).status_code == 200
    gone = await admin.delete(f"{URL}/{tenant.user_id}", params={"leave_ownerless": True})
    assert gone.status_code == 204
    assert (await admin.delete(f"{URL}/{tenant.user_id}")).status_code == 404
    assert (await member.get("/api/agents")).status_code == 401
    (here,) = admins.log(tenant, tenant.id, admin_id)
    assert (here["action"], here["resource_id"]) == ("DELETE", str(tenant.user_id))
    (told,) = admins.log(tenant, admins.PLATFORM, admin_id)
    assert (told["action"], told["resource_type"]) == ("DELETE", "user")


async def test_with_another_owner_the_account_just_goes(
    admin: httpx.AsyncClient, tenant: Tenant
) -> None:
    tenant.member("owner", tenant.user_id)
    tenant.member("owner")
    form = await admin.post(f"/admin/users/{tenant.user_id}/delete")
    assert (form.status_code, form.headers["Location"]) == (303, "/admin/users")


async def test_nobody_touches_themselves_nor_another_admin(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, dashboard: FastAPI
) -> None:
    another = new_id()
    admins.sign_in(dashboard, another)
    for person, code in ((admin_id, "yourself"), (another, "platform_admin")):
        for answer in (
            await admin.delete(f"{URL}/{person}"),
            await admin.post(f"{URL}/{person}/deactivate"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)


async def test_two_admins_delete_somebody_at_once(
    admin: httpx.AsyncClient, tenant: Tenant, dashboard: FastAPI
) -> None:
    tenant.member("viewer", tenant.user_id)
    both = (admin, admins.sign_in(dashboard))
    answers = await asyncio.gather(*(one.delete(f"{URL}/{tenant.user_id}") for one in both))
    assert sorted(answer.status_code for answer in answers) == [204, 404]


# Acting as somebody else


async def act(
    admin: httpx.AsyncClient, tenant: Tenant, user_id: uuid.UUID, **more: str
) -> httpx.AsyncClient:
    body = {"reason": "Ticket 4512", **more}
    answer = await admin.post(f"{URL}/{user_id}/impersonate", json=body)
    assert answer.status_code == 201, answer.text
    return httpx.AsyncClient(
        transport=transport(tenant.dashboard),
        base_url=ORIGIN,
        headers={"Authorization": f"Bearer {answer.json()['token']}"},
    )


async def test_an_admin_acts_as_somebody_on_record(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, tenant: Tenant
) -> None:
    tenant.member("editor", tenant.user_id)
    acting = await act(admin, tenant, tenant.user_id)
    page = await acting.get("/agents", headers={"Accept": "text/html"})
    assert "You act as" in page.text
    await create_agent(acting)

    here = admins.log(tenant, tenant.id, admin_id)
    assert here[0]["action"] == "IMPERSONATE"
    assert here[0]["details"] == {"reason": "Ticket 4512"}
    assert all(
        (row["user_id"], row["impersonator_id"]) == (tenant.user_id, admin_id) for row in here
    )
    (told,) = admins.log(tenant, admins.PLATFORM, admin_id)
    assert told["details"] == {"workspace": "Acme", "reason": "Ticket 4512"}
    assert str(tenant.id) not in str(told)
    (session,) = admins.query(
        tenant.dashboard,
        "select expires_at - now() as left from login_session where impersonator_id = %s",
        admin_id,
    )
    assert timedelta(minutes=59) < session["left"] <= timedelta(hours=1)

    for path in ("/admin", "/admin/users", URL, "/api/admin/system"):  # not in disguise
        assert (await acting.get(path)).status_code == 404
    assert (
        await acting.post(f"{URL}/{new_id()}/impersonate", json={"reason": "x"})
    ).status_code == 404

    assert (await acting.post("/api/admin/impersonation/end")).status_code == 204
    assert (await acting.get("/api/agents")).status_code == 401
    assert (await admin.get(URL)).status_code == 200  # their own went on beside it
    assert [row["action"] for row in admins.log(tenant, admins.PLATFORM, admin_id)] == [
        "IMPERSONATE",
        "LOGOUT",
    ]
    ended = await admin.post("/api/admin/impersonation/end")
    assert (ended.status_code, ended.json()["error"]["code"]) == (404, "not_acting")


async def test_what_ends_the_admin_ends_their_disguise(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, tenant: Tenant
) -> None:
    tenant.member("editor", tenant.user_id)
    acting = await act(admin, tenant, tenant.user_id)
    assert (await acting.get("/api/agents")).status_code == 200
    admins.query(tenant.dashboard, 'update "user" set is_admin = false where id = %s', admin_id)
    assert (await acting.get("/api/agents")).status_code == 401


async def test_in_a_chosen_workspace_or_where_they_begin(
    admin: httpx.AsyncClient, tenant: Tenant, other: Tenant
) -> None:
    person = new_id()
    tenant.member("editor", person)
    other.member("editor", person)
    agent = await create_agent(other.member("owner"), name="Elsewhere")
    there = await act(admin, other, person, tenant_id=str(other.id))
    assert [one["id"] for one in (await there.get("/api/agents")).json()] == [agent["id"]]
    home = await act(admin, tenant, person)
    assert (await home.get("/api/agents")).json() == []
    body = {"reason": "why", "tenant_id": str(new_id())}
    nowhere = await admin.post(f"{URL}/{person}/impersonate", json=body)
    assert (nowhere.status_code, nowhere.json()["error"]["field"]) == (409, "tenant_id")


async def test_whom_nobody_acts_as(
    admin: httpx.AsyncClient, admin_id: uuid.UUID, tenant: Tenant, dashboard: FastAPI
) -> None:
    another, idle, homeless = new_id(), new_id(), new_id()
    admins.sign_in(dashboard, another)
    for person in (idle, homeless):
        tenant.member("editor", person)
    change = 'update "user" set is_active = false where id = %s'
    admins.query(tenant.dashboard, change, idle)
    admins.query(tenant.dashboard, "delete from tenant_member where user_id = %s", homeless)
    for person in (admin_id, another, idle, homeless):
        answer = await admin.post(f"{URL}/{person}/impersonate", json={"reason": "why"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "cannot_act_as")
        page = await admin.get(f"/admin/users/{person}/impersonate")
        assert page.status_code == 409
    unknown = await admin.post(f"{URL}/{new_id()}/impersonate", json={"reason": "why"})
    assert unknown.status_code == 404
    tenant.member("editor", tenant.user_id)
    for body in ({}, {"reason": " "}, {"reason": "x" * 201}):
        wrong = await admin.post(f"{URL}/{tenant.user_id}/impersonate", json=body)
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "reason")


async def test_a_browser_gets_the_admins_session_back(
    admin: httpx.AsyncClient, tenant: Tenant
) -> None:
    tenant.member("editor", tenant.user_id)
    own = admin.cookies[COOKIE]
    empty = await admin.post(f"/admin/users/{tenant.user_id}/impersonate", data={"reason": ""})
    assert empty.status_code == 422
    begun = await admin.post(
        f"/admin/users/{tenant.user_id}/impersonate", data={"reason": "Ticket", "tenant_id": ""}
    )
    assert (begun.status_code, begun.headers["Location"]) == (303, "/")
    cookies = begun.headers.get_list("Set-Cookie")
    (aside,) = [cookie for cookie in cookies if cookie.startswith(ASIDE)]
    assert "Path=/admin/impersonation" in aside
    assert "HttpOnly" in aside
    ended = await end(tenant, begun.cookies[COOKIE], own)
    assert ended.headers["Location"] == f"/admin/users/{tenant.user_id}"
    assert ended.cookies[COOKIE] == own
    assert (await admin_with(tenant, own).get("/admin")).status_code == 200


async def test_without_their_own_session_they_come_to_the_door(
    admin: httpx.AsyncClient, tenant: Tenant, other: Tenant
) -> None:
    tenant.member("editor", tenant.user_id)
    somebody, own = other.member("owner").cookies[COOKIE], admin.cookies[COOKIE]
    for aside in ("", "nonsense", somebody):  # a cookie of somebody else lets nobody in
        begun = await admin.post(
            f"/admin/users/{tenant.user_id}/impersonate", data={"reason": "Ticket"}
        )
        admin.cookies.clear()
        admin.cookies.set(COOKIE, own)
        ended = await end(tenant, begun.cookies[COOKIE], aside)
        assert ended.headers["Location"] == "/sign-in"
        assert not ended.cookies.get(COOKIE)


def admin_with(tenant: Tenant, token: str) -> httpx.AsyncClient:
    return browser(tenant.dashboard, token, "")


async def end(tenant: Tenant, token: str, aside: str) -> httpx.Response:
    (session,) = admins.query(
        tenant.dashboard,
        "select csrf from login_session where token_hash = sha256(%s::bytea)",
        token.encode(),
    )
    acting = browser(tenant.dashboard, token, session["csrf"])
    if aside:
        acting.cookies.set(ASIDE, aside)
    forged = await acting.post("/admin/impersonation/end", headers={origin.HEADER: "wrong"})
    assert forged.status_code == 403
    return await acting.post("/admin/impersonation/end")
