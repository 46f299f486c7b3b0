"""Where a workspace sets up its directory: tokens, groups and the roles they give."""

import re

import httpx
import pytest

from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client
from tests.directory import connect, rows

Two = tuple[Tenant, Tenant]
HTML = {"Accept": "text/html"}
HERE = "/settings/scim"


async def _page(person: httpx.AsyncClient, **query: str) -> str:
    answer = await person.get(HERE, params=query, headers=HTML)
    assert answer.status_code == 200
    return answer.text


async def test_a_token_is_shown_once(tenant: Tenant) -> None:
    admin = tenant.member("admin")

    made = await admin.post(f"{HERE}/tokens", data={"name": "Okta"}, headers=HTML)

    token = re.findall(r"scim_[\w-]{22}_[\w-]{43}", made.text)[0]
    assert made.status_code == 200
    assert not made.headers.get("set-cookie")
    assert (await client(tenant.dashboard, token).get("/scim/v2/Users")).status_code == 200
    page = await _page(admin)
    assert "Okta" in page
    assert token not in page
    stored = rows(tenant, "select row_to_json(t)::text from scim_token t where name = 'Okta'")
    assert all(token not in row for row in stored)
    told = rows(tenant, "select details::text from audit_log where tenant_id = %s", tenant.id)
    assert told == ['{"after": {"name": "Okta"}}']


async def test_tokens_by_the_api(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    made = (await admin.post("/api/scim-tokens", json={"name": "Entra"})).json()

    listed = (await admin.get("/api/scim-tokens")).json()
    assert [(one["id"], one["name"], one["last_used_at"]) for one in listed] == [
        (made["id"], "Entra", None)
    ]
    assert "token" not in listed[0]
    await client(tenant.dashboard, made["token"]).get("/scim/v2/Users")
    assert (await admin.get("/api/scim-tokens")).json()[0]["last_used_at"]

    assert (await admin.delete(f"/api/scim-tokens/{made['id']}")).status_code == 204
    again = await admin.delete(f"/api/scim-tokens/{made['id']}")
    assert again.json()["error"]["code"] == "scim_token_not_found"
    told = rows(tenant, "select action from audit_log where tenant_id = %s order by seq", tenant.id)
    assert told == ["CREATE", "REVOKE"]


async def test_a_workspace_has_few_tokens(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    for _ in range(20):
        await admin.post("/api/scim-tokens", json={"name": "x"})

    one_more = await admin.post("/api/scim-tokens", json={"name": "x"})
    on_screen = await admin.post(f"{HERE}/tokens", data={"name": "Typed"}, headers=HTML)

    assert one_more.json()["error"]["code"] == "too_many_scim_tokens"
    assert on_screen.status_code == 422
    assert 'value="Typed"' in on_screen.text
    assert "revoke one" in on_screen.text


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b"])
async def test_a_token_needs_a_name(tenant: Tenant, name: str) -> None:
    admin = tenant.member("admin")

    answer = await admin.post("/api/scim-tokens", json={"name": name})
    on_screen = await admin.post(f"{HERE}/tokens", data={"name": name}, headers=HTML)

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "name")
    assert on_screen.status_code == 422
    assert 'id="name-error"' in on_screen.text
    assert (await admin.get("/api/scim-tokens")).json() == []


async def test_editors_do_not_set_up_directories(tenant: Tenant) -> None:
    directory = await connect(tenant)
    group, editor = await directory.group(), tenant.member("editor")
    token = f"/api/scim-tokens/{directory.token_id}"

    for answer in (
        await editor.get("/api/scim-tokens"),
        await editor.post("/api/scim-tokens", json={"name": "x"}),
        await editor.delete(token),
        await editor.get("/api/groups"),
        await editor.patch(f"/api/groups/{group['id']}", json={"role": "admin"}),
        await editor.get(HERE),
        await editor.post(f"{HERE}/tokens", data={"name": "x"}),
        await editor.get(f"{HERE}/tokens/{directory.token_id}/revoke"),
        await editor.post(f"{HERE}/tokens/{directory.token_id}/revoke"),
        await editor.post(f"{HERE}/groups/{group['id']}", data={"role": "admin"}),
    ):
        assert answer.status_code == 403, answer.request.url
        assert answer.json()["error"]["code"] == "forbidden"


async def test_what_others_have_does_not_exist(two_tenants: Two) -> None:
    mine, theirs = two_tenants
    directory = await connect(theirs)
    group, admin = await directory.group(), mine.member("admin")
    gives = {"role": "admin"}

    for answer in (
        await admin.delete(f"/api/scim-tokens/{directory.token_id}"),
        await admin.get(f"{HERE}/tokens/{directory.token_id}/revoke"),
        await admin.post(f"{HERE}/tokens/{directory.token_id}/revoke"),
        await admin.patch(f"/api/groups/{group['id']}", json=gives),
        await admin.post(f"{HERE}/groups/{group['id']}", data=gives),
        await admin.patch(f"/api/groups/{new_id()}", json=gives),
    ):
        assert answer.status_code == 404
    assert (await admin.get("/api/groups")).json() == []
    assert (await admin.get("/api/scim-tokens")).json() == []
    assert (await directory.ask("GET", "/Users")).status_code == 200


async def test_a_role_is_chosen_on_screen(tenant: Tenant) -> None:
    directory, admin = await connect(tenant), tenant.member("admin")
    ada = await directory.bring()
    group = await directory.group(ada["id"], name="Analysts")

    answer = await admin.post(f"{HERE}/groups/{group['id']}", data={"role": "editor"}, headers=HTML)
    wrong = await admin.post(f"{HERE}/groups/{group['id']}", data={"role": "owner"})
    listed = (await admin.get("/api/groups")).json()

    assert answer.headers["location"] == HERE
    assert "Analysts gives the role editor." in await _page(admin)
    assert wrong.status_code == 422
    assert [(one["name"], one["role"], one["members"]) for one in listed] == [
        ("Analysts", "editor", 1)
    ]


async def test_groups_are_searched_and_paged(tenant: Tenant, statements: Statements) -> None:
    directory, admin = await connect(tenant), tenant.member("admin")
    assert "No groups yet" in await _page(admin)
    for number in range(51):
        await directory.group(name=f"Team {number:02}")

    first = await _page(admin)
    assert "Team 50" in first
    assert "Team 00" not in first
    following = re.findall(r'href="/settings/scim\?q=&amp;(after=[^"]+)"', first)[0]
    assert "Team 00" in await _page(admin, after=following.removeprefix("after="))
    assert "Team 07" in await _page(admin, q="team 07")
    assert "No group is found" in await _page(admin, q="%")
    part = await admin.get(HERE, params={"q": "07"}, headers={"HX-Request-Type": "partial"})
    assert part.text.strip().startswith("<div")
    with statements.exactly(4):  # two to know who asks
        await admin.get("/api/groups?limit=200")
