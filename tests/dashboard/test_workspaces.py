"""Workspaces: which a person has, which one they work in, and its settings."""

import asyncio
import uuid
from datetime import timedelta

import httpx
import psycopg
import pytest

from monster.dashboard.tenancy import service
from monster.kit.ids import new_id
from monster.kit.rates import Rate
from monster.kit.testing import Statements
from tests.builders import Tenant, client, create_agent, owner_conninfo
from tests.members import PAGE, Known, change, invite

HTMX = PAGE | {"HX-Request": "true", "HX-Request-Type": "partial"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def both(tenant: Tenant, other: Tenant) -> httpx.AsyncClient:
    """Somebody who belongs to two, and works in the first."""
    user_id = new_id()
    other.member("viewer", user_id)
    return tenant.member("editor", user_id)


async def current(http: httpx.AsyncClient) -> list[str]:
    return [one["id"] for one in (await http.get("/api/workspaces")).json() if one["is_current"]]


async def test_a_person_sees_their_workspaces_and_changes_between_them(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    http = both(tenant, other)
    mine = {one["id"]: one for one in (await http.get("/api/workspaces")).json()}
    assert {id_: one["role"] for id_, one in mine.items()} == {
        str(tenant.id): "editor",
        str(other.id): "viewer",
    }
    assert await current(http) == [str(tenant.id)]
    assert (await http.post("/api/agents", json={"name": "A", "model": "m"})).status_code == 201

    entered = await http.post(f"/api/workspaces/{other.id}/enter")

    assert entered.json()["is_current"] is True
    assert await current(http) == [str(other.id)]
    assert (await http.get("/api/agents")).json() == []
    assert code(await http.post("/api/agents", json={"name": "A", "model": "m"})) == (
        403,
        "forbidden",
    )


async def test_nobody_enters_what_is_not_theirs(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    http = tenant.member("owner")
    for where in (other.id, new_id()):
        assert code(await http.post(f"/api/workspaces/{where}/enter")) == (
            404,
            "workspace_not_found",
        )
    assert [one["id"] for one in (await http.get("/api/workspaces")).json()] == [str(tenant.id)]
    assert await current(http) == [str(tenant.id)]


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("update tenant set suspended_at = now() where id = %s", (403, "workspace_suspended")),
        (
            "update tenant_member set is_active = false where tenant_id = %s",
            (404, "workspace_not_found"),
        ),
        ("delete from tenant_member where tenant_id = %s", (404, "workspace_not_found")),
    ],
)
async def test_what_was_closed_is_not_entered(
    tenant: Tenant, other: Tenant, statement: str, refusal: tuple[int, str]
) -> None:
    http = both(tenant, other)
    change(tenant.dashboard, statement, other.id)
    assert code(await http.post(f"/api/workspaces/{other.id}/enter")) == refusal
    assert await current(http) == [str(tenant.id)]
    page = (await http.get("/workspaces", headers=PAGE)).text
    assert ("Suspended" in page) == ("suspended" in statement)
    assert f"/workspaces/{other.id}/enter" not in page


@pytest.mark.parametrize("binding", ["impersonator_id", "identity_provider_id"])
async def test_a_session_that_is_bound_stays(tenant: Tenant, other: Tenant, binding: str) -> None:
    user_id = new_id()
    other.member("viewer", user_id)
    http = tenant.member("editor", user_id)
    bind(tenant, user_id, binding)
    for answer in (
        await http.post(f"/api/workspaces/{other.id}/enter"),
        await http.post("/api/workspaces", json={"name": "Mine"}),
    ):
        assert code(answer) == (403, "not_your_account")
    assert await current(http) == [str(tenant.id)]
    assert "/enter" not in (await http.get("/workspaces", headers=PAGE)).text


def bind(tenant: Tenant, user_id: uuid.UUID, column: str) -> None:
    """All sessions of the person there, to a provider or to a platform admin."""
    session = f"update login_session set {column} = %s where user_id = %s and tenant_id = %s"
    app, other_id = tenant.dashboard, new_id()
    if column == "impersonator_id":
        tenant.member("owner", other_id)
        change(app, 'update "user" set is_admin = true where id = %s', other_id)
    else:
        change(
            app,
            "insert into identity_provider (tenant_id, id, name, issuer, client_id, scopes, "
            "default_role) values (%s, %s, 'Okta', 'https://i', 'c', 'openid', 'viewer')",
            tenant.id,
            other_id,
        )
    change(app, session, other_id, user_id, tenant.id)


async def test_anybody_makes_a_workspace_of_their_own(tenant: Tenant) -> None:
    http = tenant.member("viewer")
    made = (await http.post("/api/workspaces", json={"name": "  Harbour & Söhne  "})).json()
    assert (made["name"], made["role"], made["is_current"]) == ("Harbour & Söhne", "owner", True)
    settings = (await http.get("/api/workspace")).json()
    assert (settings["id"], settings["name"]) == (made["id"], "Harbour & Söhne")
    assert settings["slug"].startswith("harbour-sohne")
    same = await asyncio.gather(
        *(http.post("/api/workspaces", json={"name": "Twin"}) for _ in range(2))
    )
    assert [answer.status_code for answer in same] == [201, 201]
    assert len((await http.get("/api/workspaces")).json()) == 4
    for name in ("", " ", "x" * 201, "a\u0000b"):
        answer = await http.post("/api/workspaces", json={"name": name})
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "name")


async def test_making_workspaces_is_rationed(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_NEW", Rate(1, timedelta(hours=1)))
    http = tenant.member()
    assert (await http.post("/api/workspaces", json={"name": "One"})).status_code == 201
    assert code(await http.post("/api/workspaces", json={"name": "Two"})) == (
        429,
        "too_many_requests",
    )


async def test_who_has_no_workspace_is_led_to_choose_one(tenant: Tenant, other: Tenant) -> None:
    known = Known(tenant)
    http = known.browser()
    change(tenant.dashboard, "delete from tenant_member where user_id = %s", known.user_id)
    assert code(await http.get("/api/agents")) == (403, "no_workspace")
    page = await http.get("/agents", headers=PAGE)
    assert (page.status_code, page.headers["Location"]) == (303, "/workspaces")
    part = await http.get("/agents", headers=HTMX)
    assert part.headers["HX-Redirect"] == "/workspaces"

    invited = await invite(other.member("owner"), known.email.upper(), "admin")
    page = (await http.get("/workspaces", headers=PAGE)).text
    assert "You are invited" in page
    assert "as admin" in page
    joined = await http.post(f"/workspaces/invitations/{invited['id']}", headers=PAGE)
    assert (joined.status_code, joined.headers["Location"]) == (303, "/")
    assert await current(http) == [str(other.id)]
    assert (await http.get("/api/invitations")).status_code == 200
    again = await http.post(f"/workspaces/invitations/{invited['id']}")
    assert code(again) == (404, "invitation_not_found")


async def test_invitations_wait_only_for_who_has_shown_their_address(
    tenant: Tenant, other: Tenant
) -> None:
    known = Known(tenant)
    http = known.browser()
    change(
        tenant.dashboard, 'update "user" set email_verified = false where id = %s', known.user_id
    )
    invited = await invite(other.member("owner"), known.email)
    assert "You are invited" not in (await http.get("/workspaces", headers=PAGE)).text
    path = f"/workspaces/invitations/{invited['id']}"
    assert code(await http.post(path)) == (404, "invitation_not_found")
    stranger = Known(tenant)
    assert code(await stranger.browser().post(path)) == (404, "invitation_not_found")


async def test_programs_take_up_what_waits_for_them(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    known, nobody = Known(tenant), Known(tenant)
    http, path = known.browser(), "/api/workspaces/invitations"
    invited = await invite(other.member("owner"), known.email, "editor")
    listed = (await http.get(path)).json()
    assert [(one["id"], one["tenant_id"], one["role"]) for one in listed] == [
        (invited["id"], str(other.id), "editor")
    ]
    thief = nobody.browser()
    assert (await thief.get(path)).json() == []
    accept = f"{path}/{invited['id']}/accept"
    assert code(await thief.post(accept)) == (404, "invitation_not_found")
    answers = await asyncio.gather(*(http.post(accept) for _ in range(2)))
    assert [answer.status_code for answer in answers].count(204) == 1
    assert await current(http) == [str(other.id)]
    assert (await http.get(path)).json() == []


async def test_forms_make_and_enter_workspaces(tenant: Tenant, other: Tenant) -> None:
    http = both(tenant, other)
    empty = await http.post("/workspaces", data={"name": " "}, headers=PAGE)
    assert empty.status_code == 422
    assert "Give it a name" in empty.text
    made = await http.post("/workspaces", data={"name": "Harbour"}, headers=PAGE)
    assert (made.status_code, made.headers["Location"]) == (303, "/")
    back = await http.post(f"/workspaces/{other.id}/enter", headers=PAGE)
    assert back.status_code == 303
    assert await current(http) == [str(other.id)]
    assert (await http.post("/sign-out", headers=PAGE)).status_code == 303


async def test_who_has_no_workspace_can_sign_out(tenant: Tenant) -> None:
    http = tenant.member()
    change(tenant.dashboard, "delete from tenant_member where tenant_id = %s", tenant.id)
    assert (await http.post("/sign-out", headers=PAGE)).headers["Location"] == "/sign-in"
    assert (await http.get("/api/workspaces")).status_code == 401


FACTORS = """
    insert into totp (id, user_id, secret, confirmed_at)
    select gen_random_uuid(), user_id, '', now() from tenant_member where tenant_id = %s
"""


async def test_the_settings_of_a_workspace(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    admin, viewer = tenant.member("admin"), tenant.member("viewer")
    before = (await other.member("owner").get("/api/workspace")).json()
    slug = f"harbour-{tenant.id.hex}"
    body = {"name": "Harbour", "email": "it@harbour.example", "slug": slug}
    first = await admin.patch("/api/workspace", json=body | {"require_second_factor": True})
    assert code(first) == (409, "second_factor_first")
    change(tenant.dashboard, FACTORS, tenant.id)
    answer = await admin.patch("/api/workspace", json=body | {"require_second_factor": True})
    assert answer.json() == body | {"id": str(tenant.id), "require_second_factor": True}
    assert (await viewer.get("/api/workspace")).json() == answer.json()
    changed = await admin.patch("/api/workspace", json={"require_second_factor": False})
    assert changed.json() == body | {"id": str(tenant.id), "require_second_factor": False}
    for role in ("viewer", "editor"):
        refused = await tenant.member(role).patch("/api/workspace", json={"name": "Mine"})
        assert code(refused) == (403, "forbidden")
    for name in (slug, "callback"):  # another's, and one that the address itself needs
        taken = await other.member("owner").patch("/api/workspace", json={"slug": name})
        assert code(taken) == (409, "slug_taken")
    assert (await other.member("owner").get("/api/workspace")).json() == before
    with psycopg.connect(owner_conninfo(tenant.dashboard)) as connection:
        query = "select details from audit_log where tenant_id = %s order by seq desc limit 1"
        row = connection.execute(query, [tenant.id]).fetchone()
    assert row
    assert row[0]["after"] == {"require_second_factor": False}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("email", "nobody"),
        ("slug", "Größe"),
        ("slug", "-a"),
        ("slug", "a b"),
        ("slug", "x" * 81),
        ("require_second_factor", "yes"),
        ("suspended_at", None),
    ],
)
async def test_bad_settings_are_refused(tenant: Tenant, field: str, value: str | None) -> None:
    owner = tenant.member("owner")
    answer = await owner.patch("/api/workspace", json={"name": "Other", field: value})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert (await owner.get("/api/workspace")).json()["name"] == "Acme"


async def test_the_page_of_settings(tenant: Tenant, other: Tenant) -> None:
    owner, path = tenant.member("owner"), "/settings/workspace"
    await create_agent(owner)
    page = (await owner.get(path, headers=PAGE)).text
    assert "Members who lose it: 1." in page
    assert "with all their versions: 1." in page
    assert "/settings/workspace/delete" in page
    for role in ("viewer", "admin"):
        assert (
            "/settings/workspace/delete"
            not in (await tenant.member(role).get(path, headers=PAGE)).text
        )

    form = {"name": "A (b)", "email": "a@b.example", "slug": f"s-{tenant.id.hex}"}
    demanding, viewer = form | {"require_second_factor": "on"}, tenant.member("viewer")
    refused = await owner.post(path, data=demanding, headers=PAGE)
    assert (refused.status_code, "of your own first" in refused.text) == (422, True)
    change(tenant.dashboard, FACTORS, tenant.id)
    saved = await owner.post(path, data=demanding, headers=PAGE)
    assert saved.status_code == 303
    stored = (await owner.get("/api/workspace")).json()
    assert (stored["name"], stored["require_second_factor"]) == ("A (b)", True)
    assert r'pattern="A \(b\)"' in (await owner.get(path, headers=PAGE)).text
    theirs = other.member("owner")
    twice = await theirs.post(path, data=form, headers=PAGE)
    assert (twice.status_code, "Another workspace has this" in twice.text) == (422, True)
    wrong = await owner.post(path, data=form | {"email": "x"}, headers=PAGE)
    assert (wrong.status_code, "Write it like" in wrong.text) == (422, True)
    assert (await viewer.post(path, data=form, headers=PAGE)).status_code == 403


async def test_strangers_are_asked_to_sign_in(tenant: Tenant) -> None:
    stranger = client(tenant.dashboard)
    assert (await stranger.get("/api/workspaces")).status_code == 401
    page = await stranger.get("/workspaces", headers=PAGE)
    assert page.headers["Location"] == "/sign-in?next=%2Fworkspaces"


async def test_the_list_takes_the_same_statements_however_long(
    tenant: Tenant, other: Tenant, statements: Statements
) -> None:
    http = both(tenant, other)
    with statements.exactly(4):
        assert len((await http.get("/api/workspaces")).json()) == 2
