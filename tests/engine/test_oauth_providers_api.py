"""Registrations with OAuth providers through the front door."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from monster.contracts.tokens import Permission
from monster.engine import database
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant
from tests.oauth.provider import PERMISSIONS, REDIRECT, new_credential
from tests.oauth.world import engine_for

READ, WRITE = PERMISSIONS
URL = "/v1/oauth_providers"
SECRET = "s3cret-of-the-app"
ENDPOINTS = {
    "authorize_url": "https://login.example.com/authorize",
    "token_url": "https://login.example.com/token",
}


async def create(caller: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    body = {"system_name": "custom", "name": "Ours", "client_id": "monster"}
    body |= {"client_secret": SECRET, "endpoints": ENDPOINTS, **changes}
    answer = await caller.post(URL, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_create_read_list_change_delete(tenant: Tenant, statements: Statements) -> None:
    caller = tenant.caller(*PERMISSIONS)
    made = await create(caller, scopes=["a", "b"])
    second = await create(caller, name="Open", client_secret=None)
    with statements.exactly(3):  # set the tenant, the rows, which of them have a secret
        listed = (await caller.get(URL)).json()
    rest = (await caller.get(URL, params={"after": made["id"]})).json()
    changed = await caller.patch(f"{URL}/{made['id']}", json={"name": "New", "client_secret": ""})

    assert listed == [made, second]
    assert rest == [second]
    assert (made["has_secret"], second["has_secret"]) == (True, False)
    assert {n: v for n, v in made["endpoints"].items() if v} == ENDPOINTS
    assert made["scopes"] == ["a", "b"]
    assert changed.json() == made | {"name": "New", "has_secret": False}
    assert (await caller.get(f"{URL}/{made['id']}")).json() == changed.json()
    assert (await caller.delete(f"{URL}/{made['id']}")).status_code == 204
    gone = await caller.get(f"{URL}/{made['id']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "oauth_provider_not_found")


async def test_the_secret_is_sealed_and_never_told(tenant: Tenant, postgres: Embedded) -> None:
    caller = tenant.caller(*PERMISSIONS, Permission.AUDIT_READ)
    made = await create(caller)
    shown = str(made) + (await caller.get(URL)).text + (await caller.get("/v1/audit")).text
    query = "select key, ciphertext from secret where tenant_id = %s"
    with psycopg.connect(postgres.conninfo(database.NAME)) as db:
        ((key, ciphertext),) = db.execute(query, [tenant.id]).fetchall()
    assert key == f"{made['id']}:client_secret"
    assert SECRET not in shown
    assert SECRET.encode() not in ciphertext


async def test_where_it_leads_cannot_be_changed(tenant: Tenant) -> None:
    """It is trusted with the secret, and with the grants of others."""
    caller = tenant.caller(*PERMISSIONS)
    made = await create(caller)
    for change in ({"endpoints": ENDPOINTS}, {"system_name": "google"}):
        answer = await caller.patch(f"{URL}/{made['id']}", json=change)
        assert answer.status_code == 422
    assert (await caller.get(f"{URL}/{made['id']}")).json() == made


async def test_what_is_used_stays(tenant: Tenant) -> None:
    caller = tenant.caller(*PERMISSIONS)
    made = await create(caller)
    credential = await new_credential(tenant, made["id"])
    answer = await caller.delete(f"{URL}/{made['id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "oauth_provider_in_use")
    await caller.delete(f"/v1/credentials/{credential}")
    assert (await caller.delete(f"{URL}/{made['id']}")).status_code == 204


BAD: list[tuple[dict[str, Any], str]] = [
    ({"endpoints": {}}, "endpoints.token_url"),
    ({"system_name": "nobody"}, "system_name"),
    ({"client_id": "two words"}, "client_id"),
    ({"client_id": ""}, "client_id"),
    ({"name": " "}, "name"),
    ({"scopes": ["two words"]}, "scopes.0"),
    ({"color": "red"}, "color"),
    ({"endpoints": ENDPOINTS | {"pkce": False}, "client_secret": None}, "client_secret"),
    ({"endpoints": ENDPOINTS | {"client_auth": "magic"}}, "endpoints.client_auth"),
    ({"endpoints": ENDPOINTS | {"color": "red"}}, "endpoints.color"),
    *(
        ({"endpoints": ENDPOINTS | {name: url}}, f"endpoints.{name}")
        for name in ("authorize_url", "token_url", "revoke_url", "userinfo_url", "device_url")
        for url in (
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "//login.example.com/token",
            "http://login.example.com/token",
            "https://user:word@login.example.com/token",
            "https://login.example.com/token#x",
            "https://169.254.169.254/latest",
            "https://10.0.0.1/token",
            "https://[::1]/token",
            "https://[fd00::1]/token",
            "https://exa mple.com/",
        )
    ),
]


@pytest.mark.parametrize(("changes", "field"), BAD, ids=str)
async def test_bad_input_is_named(tenant: Tenant, changes: dict[str, Any], field: str) -> None:
    body = {"system_name": "custom", "name": "Ours", "client_id": "monster"}
    body |= {"client_secret": SECRET, "endpoints": ENDPOINTS, **changes}
    answer = await tenant.caller(*PERMISSIONS).post(URL, json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
    assert SECRET not in answer.text


async def test_a_name_is_given_once(tenant: Tenant) -> None:
    caller = tenant.caller(*PERMISSIONS)
    await create(caller)
    second = await create(caller, name="Second")
    body = {"system_name": "google", "name": "Ours", "client_id": "x"}
    for answer in (
        await caller.post(URL, json=body),
        await caller.patch(f"{URL}/{second['id']}", json={"name": "Ours"}),
    ):
        found = answer.json()["error"]
        assert (answer.status_code, found["code"]) == (409, "oauth_provider_name_taken")


async def test_each_permission_opens_its_own_door(tenant: Tenant) -> None:
    reader, writer = tenant.caller(READ), tenant.caller(WRITE)
    url = f"{URL}/{(await create(writer))['id']}"
    for answer in (
        await reader.post(URL, json={"system_name": "google", "name": "x", "client_id": "x"}),
        await reader.patch(url, json={"name": "x"}),
        await reader.delete(url),
        await writer.get(URL),
        await writer.get(url),
        await writer.get(f"{URL}/kinds"),
    ):
        assert answer.status_code == 403, answer.request.url


async def test_another_tenant_sees_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    made = await create(tenant.caller(*PERMISSIONS))
    stranger = other.caller(*PERMISSIONS)
    assert (await stranger.get(URL)).json() == []
    for method in ("GET", "PATCH", "DELETE"):
        body = {"name": "x"} if method == "PATCH" else None
        answer = await stranger.request(method, f"{URL}/{made['id']}", json=body)
        assert answer.status_code == 404
    grant = {"system_name": "jira", "strategy": "strategy_oauth", "name": "x"}
    grant |= {"oauth_provider_id": made["id"]}
    answer = await stranger.post("/v1/credentials", json=grant)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "oauth_provider_not_found")


async def test_a_registration_is_for_systems_that_take_its_tokens(tenant: Tenant) -> None:
    caller = tenant.caller(*PERMISSIONS)
    google = await create(caller, system_name="google", endpoints={})
    for changes in (
        {"oauth_provider_id": google["id"]},
        {"oauth_provider_id": google["id"], "strategy": "strategy_token"},
    ):
        body = {"system_name": "jira", "strategy": "strategy_oauth", "name": "x", **changes}
        if body["strategy"] == "strategy_token":
            at = "https://acme.atlassian.net"
            body["values"] = {"jira_token": "x", "jira_username": "x", "jira_url": at}
        answer = await caller.post("/v1/credentials", json=body)
        found = answer.json()["error"]
        assert (answer.status_code, found["field"]) == (422, "oauth_provider_id"), answer.text


async def test_what_monster_knows_and_where_the_platform_is_registered(
    dashboard: FastAPI, postgres: Embedded
) -> None:
    apps = {
        "atlassian": {"client_id": "platform", "client_secret": "platform-secret"},
        "google": {"token_url": "https://gateway.example/token"},
    }
    async with engine_for(postgres, "http://127.0.0.1:1", oauth_apps=apps) as app:
        acme = Tenant(dashboard, app)
        caller = acme.caller(*PERMISSIONS)
        kinds = {one["system_name"]: one for one in (await caller.get(f"{URL}/kinds")).json()}
        credential = await new_credential(acme, None)
        answer = await caller.post(
            f"/v1/credentials/{credential}/authorize", json={"redirect_uri": REDIRECT}
        )
    assert len(kinds) == 10
    assert [name for name, one in kinds.items() if one["available"]] == ["atlassian"]
    assert "redirect URI" in kinds["google"]["help"]
    url = httpx.URL(answer.json()["url"])
    assert (url.host, url.params["client_id"]) == ("auth.atlassian.com", "platform")
    assert "platform-secret" not in str(kinds) + answer.text


async def test_unknown_ids_do_not_exist(tenant: Tenant) -> None:
    answer = await tenant.caller(*PERMISSIONS).get(f"{URL}/{new_id()}")
    assert answer.status_code == 404
