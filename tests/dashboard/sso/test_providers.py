"""Identity providers through the front door: the JSON API, and the pages of the settings."""

import asyncio
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client, owner_conninfo
from tests.oidc.company import SECRET, Company, Liar
from tests.oidc.people import PAGE, add_provider, log, rows

API, HOME = "/api/identity-providers", "/settings/sso"
ISSUER = "https://login.example.com"
FORM = {
    "name": "Okta", "issuer": ISSUER, "client_id": "monster", "client_secret": SECRET,
    "scopes": "openid  email", "role_claim": "groups", "admins": "it\n\n boss ",
    "editors": "it\r\nw", "viewers": "", "default_role": "viewer",
}  # fmt: skip


async def test_create_then_read(tenant: Tenant) -> None:
    made = await add_provider(tenant, ISSUER, scopes="openid  email", roles={"it": "admin"})
    admin = tenant.member("admin")
    assert (await admin.get(f"{API}/{made['id']}")).json() == made
    assert (await admin.get(API)).json() == [made]
    assert made["scopes"] == "openid email"
    assert made["has_secret"] is True
    assert made["enabled"] is True
    assert "client_secret" not in made


async def test_the_secret_is_sealed_shown_nowhere_and_redacted(
    tenant: Tenant, other: Tenant
) -> None:
    made = await add_provider(tenant, ISSUER)
    await asyncio.gather(*(add_provider(other, ISSUER, name=str(n)) for n in range(3)))
    admin = tenant.member("admin")
    pages = [(await admin.get(path, headers=PAGE)).text for path in (HOME, f"{HOME}/{made['id']}")]
    pages.append((await admin.get(API)).text)
    assert not any(SECRET in page or "s3cret" in page for page in pages)
    stored = "select client_secret from identity_provider where tenant_id = %s"
    ((sealed,),) = rows(tenant.dashboard, stored, tenant.id)
    assert SECRET.encode() not in sealed
    for one in (tenant, other):
        keys = rows(one.dashboard, "select 1 from tenant_key where tenant_id = %s", one.id)
        assert len(keys) == 1
    assert log(tenant, "CREATE")[0]["after"]["client_secret"] == "[redacted]"
    await admin.patch(f"{API}/{made['id']}", json={"client_secret": "another"})
    assert log(tenant, "UPDATE") == [
        {"before": {"client_secret": "[redacted]"}, "after": {"client_secret": "[redacted]"}}
    ]


async def test_changes_are_what_is_sent(tenant: Tenant) -> None:
    made = await add_provider(tenant, ISSUER, roles={"it": "admin"}, role_claim="groups")
    admin = tenant.member("admin")
    changed = await admin.patch(f"{API}/{made['id']}", json={"name": "New", "roles": {}})
    assert changed.status_code == 200
    later = {"updated_at": changed.json()["updated_at"]}
    assert changed.json() == made | {"name": "New", "roles": {}} | later
    bare = await admin.patch(f"{API}/{made['id']}", json={"client_secret": None})
    assert bare.json()["has_secret"] is False
    assert log(tenant, "UPDATE")[0] == {
        "before": {"name": "Company", "roles": {"it": "admin"}},
        "after": {"name": "New", "roles": {}},
    }


async def test_a_secret_does_not_go_to_another_issuer(tenant: Tenant) -> None:
    made = await add_provider(tenant, ISSUER)
    path, moved = f"{API}/{made['id']}", {"issuer": "https://evil.example"}
    admin = tenant.member("admin")
    answer = await admin.patch(path, json=moved)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "client_secret_needed")
    assert (await admin.get(path)).json() == made
    assert (await admin.patch(path, json=moved | {"client_secret": "new"})).status_code == 200


async def test_delete(tenant: Tenant) -> None:
    made = await add_provider(tenant, ISSUER)
    admin = tenant.member("admin")
    assert (await admin.delete(f"{API}/{made['id']}")).status_code == 204
    assert (await admin.get(API)).json() == []
    assert log(tenant, "DELETE")[0]["before"]["name"] == "Company"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"issuer": "login.example.com"}, "issuer"),
        ({"issuer": "http://login.example.com"}, "issuer"),
        ({"issuer": "https://a:b@login.example.com"}, "issuer"),
        ({"issuer": "https://login.example.com:99999"}, "issuer"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "ü"}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"scopes": "email"}, "scopes"),
        ({"default_role": "owner"}, "default_role"),
        ({"roles": {"boss": "owner"}}, "roles.boss"),
        ({"roles": {"a\0": "viewer"}}, "roles"),
        ({"nothing": 1}, "nothing"),
    ],
)
async def test_bad_input(tenant: Tenant, change: dict[str, Any], field: str) -> None:
    admin = tenant.member("admin")
    body = {"name": "Company", "issuer": ISSUER, "client_id": "monster"} | change
    answer = await admin.post(API, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"].startswith(field)
    assert (await admin.get(API)).json() == []


async def test_a_name_is_unique_inside_a_tenant(tenant: Tenant, other: Tenant) -> None:
    await add_provider(tenant, ISSUER)
    await add_provider(other, ISSUER)
    second = await add_provider(tenant, ISSUER, name="Second")
    admin = tenant.member("admin")
    body = {"name": "Company", "issuer": ISSUER, "client_id": "monster"}
    for answer in (
        await admin.post(API, json=body),
        await admin.patch(f"{API}/{second['id']}", json={"name": "Company"}),
    ):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "identity_provider_name_taken"


async def test_another_tenant_sees_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    made = await add_provider(tenant, ISSUER)
    thief, path = other.member("owner"), f"{API}/{made['id']}"
    page = f"{HOME}/{made['id']}"
    for answer in (
        await thief.get(path),
        await thief.patch(path, json={"name": "Mine"}),
        await thief.delete(path),
        await thief.post(f"{path}/test"),
        await thief.get(page),
        await thief.post(page, data=FORM),
        await thief.post(f"{page}/enabled", data={"on": "false"}),
        await thief.post(f"{page}/test"),
        await thief.get(f"{page}/delete"),
        await thief.post(f"{page}/delete"),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "identity_provider_not_found"
    assert (await thief.get(API)).json() == []
    assert (await tenant.member("admin").get(path)).json() == made


async def test_an_editor_may_not(tenant: Tenant) -> None:
    made = await add_provider(tenant, ISSUER)
    editor, path, page = tenant.member("editor"), f"{API}/{made['id']}", f"{HOME}/{made['id']}"
    body = {"name": "Mine", "issuer": ISSUER, "client_id": "monster"}
    for answer in (
        await editor.get(API),
        await editor.post(API, json=body),
        await editor.get(path),
        await editor.patch(path, json={"name": "Mine"}),
        await editor.delete(path),
        await editor.post(f"{path}/test"),
        await editor.get(HOME),
        await editor.get(f"{HOME}/new"),
        await editor.post(HOME, data=FORM),
        await editor.get(page),
        await editor.post(page, data=FORM),
        await editor.post(f"{page}/enabled", data={"on": "false"}),
        await editor.post(f"{page}/test"),
        await editor.post(f"{page}/delete"),
    ):
        assert answer.status_code == 403, answer.request.url
        assert answer.json()["error"]["code"] == "forbidden"


async def test_a_provider_that_works_is_told_so(tenant: Tenant, works: Company) -> None:
    made = await add_provider(tenant, works.issuer)
    result = await tenant.member("admin").post(f"{API}/{made['id']}/test")
    assert result.json() == {"works": True, "code": None, "problem": None}
    assert log(tenant, "TEST") == [{"works": True, "code": None}]


async def test_a_list_takes_two_statements_of_its_own(
    tenant: Tenant, statements: Statements
) -> None:
    admin = tenant.member("admin")
    counts = list[int]()
    for number in range(2):
        await add_provider(tenant, ISSUER, name=f"Provider {number}")
        statements.clear()
        await admin.get(API)
        counts.append(len([one for one in statements if "identity_provider" in one]))
    assert counts[0] == counts[1] <= 2


async def test_the_list_is_searched_and_has_pages(tenant: Tenant) -> None:
    for number in range(3):
        await add_provider(tenant, f"{ISSUER}/{number}", name=f"Provider {number}")
    admin = tenant.member("admin")
    first = (await admin.get(API, params={"limit": 2})).json()
    second = (await admin.get(API, params={"limit": 2, "after": first[-1]["id"]})).json()
    assert [one["name"] for one in first + second] == [f"Provider {n}" for n in range(3)]
    found = (await admin.get(API, params={"q": "com/1"})).json()
    assert [one["name"] for one in found] == ["Provider 1"]
    page = await admin.get(HOME, params={"q": "%"}, headers=PAGE)
    assert "No provider matches" in page.text
    partial = await admin.get(HOME, headers=PAGE | {"HX-Request-Type": "partial"})
    assert "Provider 2" in partial.text
    assert "<html" not in partial.text


async def test_a_provider_is_set_up_on_pages(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    assert "with a password" in (await admin.get(HOME, headers=PAGE)).text
    new = await admin.get(f"{HOME}/new", headers=PAGE)
    assert "http://monster/sign-in/sso/callback" in new.text
    assert f"http://monster/sign-in/sso/{tenant.id}" in new.text
    answer = await admin.post(HOME, data=FORM, headers=PAGE)
    assert answer.status_code == 303
    made = (await admin.get(API)).json()[0]
    assert answer.headers["Location"] == f"{HOME}/{made['id']}"
    assert made["roles"] == {"it": "admin", "boss": "admin", "w": "editor"}
    assert made["scopes"] == "openid email"

    page = f"{HOME}/{made['id']}"
    shown = (await admin.get(page, headers=PAGE)).text
    assert "it\nboss</textarea>" in shown
    kept = FORM | {"client_secret": "", "name": "Renamed"}
    assert (await admin.post(page, data=kept, headers=PAGE)).status_code == 303
    assert (await admin.get(API)).json()[0]["has_secret"] is True
    off = await admin.post(f"{page}/enabled", data={"on": "false"}, headers=PAGE)
    assert off.status_code == 303
    assert "It is off" in (await admin.get(page, headers=PAGE)).text
    assert "Renamed" in (await admin.get(f"{page}/delete", headers=PAGE)).text
    assert (await admin.post(f"{page}/delete", headers=PAGE)).headers["Location"] == HOME
    assert (await admin.get(API)).json() == []


async def test_a_form_says_what_is_wrong_and_keeps_the_rest(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    wrong = FORM | {"issuer": "http://login.example.com", "name": "Mine"}
    for path in (HOME, f"{HOME}/{(await add_provider(tenant, ISSUER))['id']}"):
        page = await admin.post(path, data=wrong, headers=PAGE)
        assert page.status_code == 422
        assert "does not begin with https" in page.text
        assert 'value="Mine"' in page.text
        assert "s3cret" not in page.text
        taken = await admin.post(HOME, data=FORM | {"name": "Company"}, headers=PAGE)
    assert taken.status_code == 422
    assert "exists" in taken.text
    empty = await admin.post(HOME, data=FORM | {"name": "", "scopes": "x"}, headers=PAGE)
    assert "Give it a name" in empty.text
    assert "openid must be among them" in empty.text


async def test_the_page_tells_how_a_test_went(tenant: Tenant, mallory: Liar) -> None:
    made = await add_provider(tenant, mallory.issuer)
    admin, path = tenant.member("admin"), f"{HOME}/{made['id']}/test"
    assert (await admin.post(path, headers=PAGE)).status_code == 303
    mallory.metadata = {"issuer": "https://login.example.com/"}
    page = await admin.post(path, headers=PAGE)
    assert page.status_code == 200
    assert "It calls itself https://login.example.com/" in page.text


async def test_a_secret_that_does_not_open_is_said(
    tenant: Tenant, works: Company, door: FastAPI
) -> None:
    await add_provider(tenant, works.issuer)
    with psycopg.connect(owner_conninfo(door), autocommit=True) as owner:
        owner.execute("update tenant_key set wrapped_key = 'x' where tenant_id = %s", [tenant.id])
    body = {"name": "Two", "issuer": ISSUER, "client_id": "m", "client_secret": "x"}
    answer = await tenant.member("admin").post(API, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "client_secret_sealed")


async def test_strangers_are_sent_to_the_door(tenant: Tenant) -> None:
    assert (await client(tenant.dashboard).get(HOME, headers=PAGE)).status_code == 303
    assert (await client(tenant.dashboard).get(f"{API}/{new_id()}")).status_code == 401
