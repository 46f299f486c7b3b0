"""Members: who is one, as what, and who may change it."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import psycopg
import pytest

from monster.dashboard.identity.scope import CSRF_HEADER
from monster.dashboard.permissions import TABLE, Role
from monster.kit import passwords
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, create_agent, owner_conninfo, publish
from tests.members import PAGE, PASSWORD, Known, change, member_id

URL = "/api/members"
HTMX = PAGE | {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "NOBODYS", bcrypt.hashpw(b"", bcrypt.gensalt(4)).decode())


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def owns(tenant: Tenant) -> tuple[Known, httpx.AsyncClient]:
    """The owner, who has a password."""
    owner = Known(tenant, "owner")
    http = owner.browser()
    hashed = await passwords.hash_password(PASSWORD, cost=4)
    change(
        tenant.dashboard,
        'update "user" set password_hash = %s where id = %s',
        hashed,
        owner.user_id,
    )
    return owner, http


async def joined(tenant: Tenant, role: str) -> tuple[Known, httpx.AsyncClient, str]:
    known = Known(tenant, role)
    http = known.browser()
    return known, http, f"{URL}/{await member_id(http, known.user_id)}"


async def roles(http: httpx.AsyncClient) -> list[str]:
    return sorted(one["role"] for one in (await http.get(URL)).json())


async def audited(tenant: Tenant) -> list[str]:
    query = "select action from audit_log where tenant_id = %s order by seq"
    with psycopg.connect(owner_conninfo(tenant.dashboard)) as connection:
        return [row[0] for row in connection.execute(query, [tenant.id])]


async def test_everybody_sees_who_else_is_here(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    viewer, http, _ = await joined(tenant, "viewer")
    other.member("owner")
    listed = (await http.get(URL)).json()
    assert [(one["user_id"], one["role"], one["is_active"]) for one in listed] == [
        (str(viewer.user_id), "viewer", True)
    ]
    assert listed[0]["last_seen_at"]
    assert (await http.get(URL, params={"q": viewer.email.upper()})).json() == listed
    assert (await http.get(URL, params={"q": "%"})).json() == []


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_only_admins_change_members(tenant: Tenant, role: str) -> None:
    _, _, target = await joined(tenant, "viewer")
    http = tenant.member(role)
    for answer in (
        await http.patch(target, json={"role": "editor"}),
        await http.delete(target),
        await http.post(f"{target}/make-owner", json={"password": PASSWORD}),
    ):
        assert code(answer) == (403, "forbidden")
    assert await roles(http) == sorted(["viewer", role])


async def test_another_tenant_reaches_nobody(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    _, http, target = await joined(tenant, "viewer")
    _, stranger = await owns(other)
    for answer in (
        await stranger.get(target),
        await stranger.patch(target, json={"role": "editor"}),
        await stranger.delete(target),
        await stranger.post(f"{target}/make-owner", json={"password": PASSWORD}),
    ):
        assert code(answer) == (404, "member_not_found")
    assert await roles(http) == ["viewer"]


async def test_a_role_acts_on_the_next_request(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    _, http, target = await joined(tenant, "viewer")
    body = {"name": "Scout", "model": "m"}
    assert code(await http.post("/api/agents", json=body)) == (403, "forbidden")
    assert (await admin.patch(target, json={"role": "editor"})).json()["role"] == "editor"
    assert (await http.post("/api/agents", json=body)).status_code == 201
    assert (await admin.patch(target, json={"role": "admin"})).status_code == 200
    assert (await http.patch(target, json={"role": "viewer"})).status_code == 200  # oneself, down
    assert code(await http.patch(target, json={"role": "editor"})) == (403, "forbidden")
    assert "UPDATE" in await audited(tenant)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role": "owner"}, "role"),
        ({"role": "king"}, "role"),
        ({"is_active": "no"}, "is_active"),
        ({"user_id": "x"}, "user_id"),
    ],
)
async def test_bad_changes_are_refused(tenant: Tenant, changes: dict[str, str], field: str) -> None:
    _, _, target = await joined(tenant, "viewer")
    answer = await tenant.member("owner").patch(target, json=changes)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


async def test_the_owner_is_out_of_reach(tenant: Tenant) -> None:
    _, http, target = await joined(tenant, "owner")
    admin = tenant.member("admin")
    for who in (admin, http):
        for answer in (
            await who.patch(target, json={"role": "viewer"}),
            await who.patch(target, json={"is_active": False}),
            await who.delete(target),
        ):
            assert code(answer) == (409, "owner_stays")
    assert code(await http.post(f"{URL}/leave")) == (409, "owner_stays")
    assert await roles(http) == ["admin", "owner"]


async def test_who_is_deactivated_is_out_at_once_and_comes_back(tenant: Tenant) -> None:
    _, admin, own = await joined(tenant, "admin")
    _, http, target = await joined(tenant, "editor")
    assert (await admin.patch(target, json={"is_active": False})).json()["is_active"] is False
    assert code(await http.get(URL)) == (403, "no_workspace")
    assert (await admin.patch(target, json={"is_active": True})).status_code == 200
    assert (await http.get(URL)).status_code == 200
    assert code(await admin.patch(own, json={"is_active": False})) == (409, "not_yourself")
    assert code(await admin.delete(own)) == (409, "not_yourself")


async def test_what_was_a_removed_members_alone_becomes_the_removers(tenant: Tenant) -> None:
    admin, boss, _ = await joined(tenant, "admin")
    known, http, target = await joined(tenant, "editor")
    mine = await create_agent(http, name="Mine", scope="private")
    await publish(http, mine["id"])
    shared = await create_agent(http, name="Ours")
    folder = {"name": "Drafts", "scope": "private"}
    for who in (http, boss):
        assert (await who.post("/api/folders", json=folder)).status_code == 201
    page = (await boss.get(f"/settings/members/{target[-36:]}", headers=PAGE)).text
    assert "1 private agent and 1 private folder" in page

    assert (await boss.delete(target)).status_code == 204

    assert code(await http.get("/api/agents")) == (403, "no_workspace")
    taken = (await boss.get(f"/api/agents/{mine['id']}")).json()
    assert (taken["user_id"], taken["published_version"]) == (str(admin.user_id), 2)
    kept = (await boss.get(f"/api/agents/{shared['id']}")).json()
    assert kept["user_id"] == str(known.user_id)
    assert len((await boss.get("/api/folders")).json()) == 2
    assert code(await boss.get(target)) == (404, "member_not_found")
    assert "DELETE" in await audited(tenant)


async def test_who_leaves_is_gone_and_leaves_their_own_to_the_owner(tenant: Tenant) -> None:
    owner, boss = await owns(tenant)
    _, http, target = await joined(tenant, "editor")
    mine = await create_agent(http, name="Mine", scope="private")
    assert (await http.post(f"{URL}/leave")).status_code == 204
    assert code(await http.post(f"{URL}/leave")) == (403, "no_workspace")
    agent = (await boss.get(f"/api/agents/{mine['id']}")).json()
    assert agent["user_id"] == str(owner.user_id)
    assert (await boss.get(target)).status_code == 404


async def test_the_owner_gives_the_workspace_away(tenant: Tenant) -> None:
    _, owner = await owns(tenant)
    heir, http, target = await joined(tenant, "viewer")
    path = f"{target}/make-owner"
    wrong = await owner.post(path, json={"password": "wrong"})
    assert (code(wrong), wrong.json()["error"]["field"]) == ((403, "wrong_password"), "password")
    assert code(await tenant.member("admin").post(path, json={"password": PASSWORD})) == (
        403,
        "forbidden",
    )
    assert (await owner.post(path, json={"password": PASSWORD})).json()["role"] == "owner"
    assert (await roles(http)).count("owner") == 1
    assert code(await owner.post(path, json={"password": PASSWORD})) == (403, "forbidden")
    own = await member_id(http, heir.user_id)
    assert f"{URL}/{own}" == target
    assert "TRANSFER" in await audited(tenant)


async def test_nobody_owns_who_is_deactivated_nor_twice(tenant: Tenant) -> None:
    known, owner = await owns(tenant)
    _, _, target = await joined(tenant, "viewer")
    assert (await owner.patch(target, json={"is_active": False})).status_code == 200
    body = {"password": PASSWORD}
    assert code(await owner.post(f"{target}/make-owner", json=body)) == (409, "member_inactive")
    own = f"{URL}/{await member_id(owner, known.user_id)}"
    assert code(await owner.post(f"{own}/make-owner", json=body)) == (409, "not_yourself")


async def test_of_two_transfers_at_once_one_counts(tenant: Tenant) -> None:
    _, owner = await owns(tenant)
    targets = [(await joined(tenant, "editor"))[2] for _ in range(2)]
    asked = [owner.post(f"{one}/make-owner", json={"password": PASSWORD}) for one in targets]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    assert await roles(owner) == ["admin", "editor", "owner"]


async def test_an_heir_who_is_removed_meanwhile_leaves_one_owner(tenant: Tenant) -> None:
    """Whoever comes first: there is always an owner, and never two."""
    _, owner = await owns(tenant)
    admin = tenant.member("admin")
    heir = await joined(tenant, "editor")
    answers = await asyncio.gather(
        owner.post(f"{heir[2]}/make-owner", json={"password": PASSWORD}),
        admin.delete(heir[2]),
        heir[1].post(f"{URL}/leave"),
        owner.post(f"{URL}/leave"),
    )
    assert all(answer.status_code < 500 for answer in answers)
    assert (await roles(admin)).count("owner") == 1


async def test_two_admins_who_demote_each_other_do_not_both_succeed(tenant: Tenant) -> None:
    tenant.member("owner")
    one, other = await joined(tenant, "admin"), await joined(tenant, "admin")
    answers = await asyncio.gather(
        one[1].patch(other[2], json={"role": "viewer"}),
        other[1].patch(one[2], json={"role": "viewer"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]


async def test_a_session_for_somebody_else_does_not_transfer(tenant: Tenant) -> None:
    known, owner = await owns(tenant)
    _, _, target = await joined(tenant, "editor")
    behind = Known(tenant, "admin")
    behind.browser()
    change(tenant.dashboard, 'update "user" set is_admin = true where id = %s', behind.user_id)
    acting = "update login_session set impersonator_id = %s where user_id = %s"
    change(tenant.dashboard, acting, behind.user_id, known.user_id)
    answer = await owner.post(f"{target}/make-owner", json={"password": PASSWORD})
    assert code(answer) == (403, "not_your_account")


async def test_the_list_pages_by_key_in_the_same_statements(
    tenant: Tenant, statements: Statements
) -> None:
    http = tenant.member("admin")
    for _ in range(4):
        tenant.member("viewer")
    with statements.exactly(4):
        first = (await http.get(f"{URL}?limit=3")).json()
    rest = (await http.get(f"{URL}?limit=3&after={first[-1]['id']}")).json()
    assert len({one["id"] for one in first + rest}) == 5
    assert code(await http.get(f"{URL}?limit=0")) == (422, "invalid")


@pytest.mark.parametrize("role", list(Role)[:4])
async def test_the_pages_show_what_each_role_may_do(tenant: Tenant, role: Role) -> None:
    known, http, _ = await joined(tenant, role.name.lower())
    _, _, target = await joined(tenant, "viewer")
    page = (await http.get("/settings/members", headers=PAGE)).text
    assert known.email in page
    assert ("Invite somebody" in page) == (role >= Role.ADMIN)
    one = (await http.get(f"/settings/members/{target[-36:]}", headers=PAGE)).text
    assert ("Change the role" in one) == (role >= Role.ADMIN)
    assert ("Transfer the workspace" in one) == (role is Role.OWNER)
    leave = (await http.get("/settings/members/leave", headers=PAGE)).text
    assert ("You own this workspace" in leave) == (role is Role.OWNER)
    assert (await http.get("/settings/roles", headers=PAGE)).status_code == 200


async def form(http: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    sent = {"csrf": http.headers[CSRF_HEADER]} | data
    return await http.post(f"/settings/{path}", data=sent, headers=PAGE)


async def test_forms_change_members(tenant: Tenant) -> None:
    _, owner = await owns(tenant)
    known, http, target = await joined(tenant, "viewer")
    path = f"members/{target[-36:]}"
    back = "/settings/members"
    assert (await form(owner, f"{path}/role", role="editor")).headers["Location"] == back
    assert (await form(owner, f"{path}/role", role="owner")).status_code == 422
    assert (await form(owner, f"{path}/deactivate")).headers["Location"] == back
    assert code(await http.get(URL)) == (403, "no_workspace")
    assert (await form(owner, f"{path}/reactivate")).headers["Location"] == back
    wrong = await form(owner, f"{path}/make-owner", password="wrong")
    assert (wrong.status_code, "This is not your password." in wrong.text) == (422, True)
    found = (await owner.get(back, params={"q": known.email}, headers=HTMX)).text
    assert known.email in found
    assert "<html" not in found
    assert "Nobody matches" in (await owner.get(back, params={"q": "zz"}, headers=PAGE)).text
    assert (await form(owner, f"{path}/make-owner", password=PASSWORD)).headers["Location"] == back
    assert (await form(owner, "members/leave")).headers["Location"] == "/workspaces"
    assert await roles(http) == ["owner"]


async def test_forms_invite(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    email = f"{new_id()}@example.com"
    sent = await form(admin, "members/invite", email=email, role="viewer")
    assert sent.headers["Location"] == "/settings/members"
    assert email in (await admin.get("/settings/members", headers=PAGE)).text
    twice = await form(admin, "members/invite", email=email, role="viewer")
    assert (twice.status_code, "invited already" in twice.text) == (422, True)
    wrong = await form(admin, "members/invite", email="nobody", role="viewer")
    assert (wrong.status_code, 'value="nobody"' in wrong.text) == (422, True)
    one: dict[str, Any] = (await admin.get("/api/invitations")).json()[0]
    assert (await form(admin, f"invitations/{one['id']}/resend")).status_code == 303
    assert (await form(admin, f"invitations/{one['id']}/withdraw")).status_code == 303
    assert (await admin.get("/api/invitations")).json() == []
    viewer = await form(tenant.member("viewer"), "members/invite", email=email, role="viewer")
    assert viewer.status_code == 403


async def test_the_engine_learns_who_owns_what_was_handed_over(tenant: Tenant) -> None:
    """By the job that publishing writes, too."""
    admin, boss, _ = await joined(tenant, "admin")
    _, http, target = await joined(tenant, "editor")
    mine = await create_agent(http, name="Mine", scope="private")
    await publish(http, mine["id"])
    await http.patch(f"/api/agents/{mine['id']}", json={"instruction": "Not published."})
    await boss.delete(target)
    with psycopg.connect(owner_conninfo(tenant.dashboard)) as connection:
        query = "select spec from agent_version where agent_id = %s order by version"
        first, second = (row[0] for row in connection.execute(query, [uuid.UUID(mine["id"])]))
        jobs = connection.execute(
            "select count(*) from procrastinate_jobs where args->>'agent_id' = %s", [mine["id"]]
        ).fetchone()
    assert second == first | {"version": 2, "user_id": str(admin.user_id)}
    assert jobs == (2,)


def test_the_documentation_has_the_table_of_roles() -> None:
    roles = [role for role in Role if role is not Role.SYSTEM]
    rows = [
        f"| {rule.says} | {' | '.join('yes' if role >= rule.least else '–' for role in roles)} |"
        for rule in TABLE.values()
    ]
    page = (Path(__file__).parents[2] / "docs" / "roles.md").read_text().splitlines()
    listed = [line for line in page if line.startswith("| ")][1:]
    assert listed == rows, "docs/roles.md should read:\n" + "\n".join(rows)


async def test_the_page_of_roles_shows_the_table(tenant: Tenant) -> None:
    page = (await tenant.member("viewer").get("/settings/roles", headers=PAGE)).text
    for rule in TABLE.values():
        assert rule.says in page
    ticks = sum(Role.OWNER - rule.least + 1 for rule in TABLE.values())
    assert page.count(">yes</span>") == ticks
