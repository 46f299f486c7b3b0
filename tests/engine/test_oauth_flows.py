"""Connecting by OAuth, against a strict provider: there and back, and all that must not work."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from monster.contracts.tokens import Permission
from monster.engine import database
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.builders import Tenant
from tests.oauth.provider import (
    PERMISSIONS,
    REDIRECT,
    SECRET,
    Provider,
    authorize,
    connect,
    new_credential,
    provider,
    register,
)
from tests.oauth.world import Jira, engine_for

CALLBACK = "/v1/oauth/callback"


@pytest.fixture(scope="module")
def there() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
async def jira(there: Provider) -> AsyncIterator[Jira]:
    served = Jira(provider=there)
    async with served.serving():
        yield served


@pytest.fixture(scope="module")
async def app(postgres: Embedded, jira: Jira) -> AsyncIterator[FastAPI]:
    async with engine_for(postgres, jira.url) as found:
        yield found


@pytest.fixture
def acme(dashboard: FastAPI, app: FastAPI) -> Tenant:
    return Tenant(dashboard, app)


async def begun(acme: Tenant, there: Provider) -> tuple[str, dict[str, str]]:
    """A credential, and what the provider has sent back about it."""
    credential = await new_credential(acme, await register(acme, there))
    came = await there.agree(await authorize(acme, credential))
    return credential, dict(came.params)


async def look(acme: Tenant, credential: str) -> dict[str, object]:
    return (await acme.caller(*PERMISSIONS).get(f"/v1/credentials/{credential}")).json()


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


async def test_there_and_back(acme: Tenant, there: Provider, postgres: Embedded) -> None:
    credential = await new_credential(acme, await register(acme, there))
    before = await look(acme, credential)
    url = await authorize(acme, credential)
    after = await connect(acme, there, credential)

    assert (before["status"], before["secrets"]) == ("pending", [])
    assert (after["id"], after["status"]) == (credential, "active")
    assert after["account"].startswith("Ada Lovelace at ")
    assert after["secrets"] == ["access_token", "refresh_token"]
    assert after["expires_at"] is None  # the connection goes on: only its tokens end
    asked = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    assert asked["redirect_uri"] == REDIRECT
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"].split() == [
        "read:jira-work", "write:jira-work", "read:jira-user", "offline_access", "openid", "email",
    ]  # fmt: skip
    query = "select expires_at - refresh_at, expires_at - now() from credential where id = %s"
    with psycopg.connect(postgres.conninfo(database.NAME)) as db:
        found = db.execute(query, [credential]).fetchone()
    assert found
    assert 150 <= found[0].total_seconds() <= 300
    assert 3500 <= found[1].total_seconds() <= 3600


async def test_a_state_is_used_once(acme: Tenant, there: Provider) -> None:
    _, came = await begun(acme, there)
    caller = acme.caller(*PERMISSIONS)
    answers = await asyncio.gather(*(caller.post(CALLBACK, json=came) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    refused(await caller.post(CALLBACK, json=came), 404, "oauth_flow_not_found")


async def test_a_state_is_its_persons_alone(acme: Tenant, there: Provider) -> None:
    _, came = await begun(acme, there)
    colleague = acme.caller(*PERMISSIONS, user_id=new_id())
    stranger = Tenant(acme.dashboard, acme.engine).caller(*PERMISSIONS)
    unwell = Tenant(acme.dashboard, acme.engine, user_id=acme.user_id).caller(*PERMISSIONS)
    for caller in (colleague, stranger, unwell):
        refused(await caller.post(CALLBACK, json=came), 404, "oauth_flow_not_found")
    assert (await acme.caller(*PERMISSIONS).post(CALLBACK, json=came)).status_code == 200


async def test_a_state_lasts_ten_minutes(acme: Tenant, there: Provider, postgres: Embedded) -> None:
    credential, came = await begun(acme, there)
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as db:
        left = "select expires_at - now() from oauth_flow where credential_id = %s"
        row = db.execute(left, [credential]).fetchone()
        assert row
        assert 500 < row[0].total_seconds() <= 600
        old = "update oauth_flow set expires_at = now() where credential_id = %s"
        db.execute(old, [credential])
    answer = await acme.caller(*PERMISSIONS).post(CALLBACK, json=came)
    refused(answer, 404, "oauth_flow_not_found")


@pytest.mark.parametrize(
    "uri",
    [
        "http://monster.example/connections/oauth/callback/",
        "http://monster.example/connections/oauth/callback?next=/",
        "http://monster.example.evil.example/connections/oauth/callback",
        "http://monster.example@evil.example/connections/oauth/callback",
        "https://monster.example/connections/oauth/callback",
        "http://monster.example/elsewhere",
        "javascript:alert(1)//connections/oauth/callback",
    ],
)
async def test_people_come_back_to_us_and_nowhere_else(
    acme: Tenant, there: Provider, uri: str
) -> None:
    credential = await new_credential(acme, await register(acme, there))
    answer = await acme.caller(*PERMISSIONS).post(
        f"/v1/credentials/{credential}/authorize", json={"redirect_uri": uri}
    )
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "redirect_uri")


async def test_who_does_not_agree_is_told_what_the_provider_says(
    acme: Tenant, there: Provider
) -> None:
    credential = await new_credential(acme, await register(acme, there))
    (state,) = parse_qs(urlsplit(await authorize(acme, credential)).query)["state"]
    said = {"state": state, "error": "access_denied", "error_description": "cancelled"}
    answer = await acme.caller(*PERMISSIONS).post(CALLBACK, json=said)
    refused(answer, 424, "oauth_failed")
    after = await look(acme, credential)
    assert after["status"] == "pending"
    assert after["last_error"] == "Ours says: access_denied cancelled"


async def test_a_code_of_another_attempt_is_of_no_use(acme: Tenant, there: Provider) -> None:
    """Whoever slips a code of their own into somebody's browser: PKCE binds it to its attempt."""
    credential, came = await begun(acme, there)
    other = await there.agree(await authorize(acme, credential), "mallory")
    slipped = came | {"code": other.params["code"]}
    refused(await acme.caller(*PERMISSIONS).post(CALLBACK, json=slipped), 424, "oauth_failed")
    assert (await look(acme, credential))["status"] == "pending"


async def test_without_its_challenge_an_attempt_gets_no_code(acme: Tenant, there: Provider) -> None:
    credential = await new_credential(acme, await register(acme, there))
    url = httpx.URL(await authorize(acme, credential))
    stripped = url.copy_remove_param("code_challenge").copy_remove_param("code_challenge_method")
    came = dict((await there.agree(str(stripped))).params)
    assert came["error"] == "invalid_request"
    refused(await acme.caller(*PERMISSIONS).post(CALLBACK, json=came), 424, "oauth_failed")


@pytest.mark.parametrize("issuer", [True, False], ids=["told", "by its address"])
async def test_a_code_is_not_carried_to_another_provider(
    acme: Tenant, there: Provider, *, issuer: bool
) -> None:
    endpoints = {} if issuer else {"issuer": None}
    credential = await new_credential(acme, await register(acme, there, endpoints=endpoints))
    came = dict((await there.agree(await authorize(acme, credential))).params)
    there.forget()
    mixed = came | {"iss": "http://127.0.0.1:1"}
    refused(await acme.caller(*PERMISSIONS).post(CALLBACK, json=mixed), 424, "oauth_failed")
    assert there.events("token") == []


async def test_connecting_anew_keeps_the_credential(acme: Tenant, there: Provider) -> None:
    credential = await new_credential(acme, await register(acme, there))
    await connect(acme, there, credential)
    said = {"state": "nothing", "code": "nothing"}
    failed = await acme.caller(*PERMISSIONS).post(CALLBACK, json=said)
    still = await look(acme, credential)
    after = await connect(acme, there, credential)
    refused(failed, 404, "oauth_flow_not_found")
    assert still["status"] == "active"
    assert (after["id"], after["status"], after["last_error"]) == (credential, "active", None)


async def test_a_failed_attempt_does_not_harm_what_works(acme: Tenant, there: Provider) -> None:
    credential = await new_credential(acme, await register(acme, there))
    await connect(acme, there, credential)
    (state,) = parse_qs(urlsplit(await authorize(acme, credential)).query)["state"]
    answer = await acme.caller(*PERMISSIONS).post(
        CALLBACK, json={"state": state, "error": "server_error"}
    )
    refused(answer, 424, "oauth_failed")
    after = await look(acme, credential)
    assert (after["status"], after["last_error"]) == ("active", None)


async def test_deleting_revokes(acme: Tenant, there: Provider, jira: Jira) -> None:
    credential = await new_credential(acme, await register(acme, there))
    await connect(acme, there, credential)
    token = jira.seen[-1]
    there.forget()
    caller = acme.caller(*PERMISSIONS)
    assert (await caller.delete(f"/v1/credentials/{credential}")).status_code == 204
    assert [one["status"] for one in there.events("/token/revocation")] == [200]
    async with httpx.AsyncClient(trust_env=False) as http:
        said = await http.get(f"{there.url}/me", headers={"Authorization": f"Bearer {token}"})
    assert said.status_code == 401
    refused(await caller.get(f"/v1/credentials/{credential}"), 404, "credential_not_found")


async def test_a_provider_that_is_away_keeps_nothing_from_being_deleted(
    acme: Tenant, there: Provider
) -> None:
    gone = {"revoke_url": "http://127.0.0.1:1/revoke"}
    credential = await new_credential(acme, await register(acme, there, endpoints=gone))
    await connect(acme, there, credential)
    caller = acme.caller(*PERMISSIONS)
    assert (await caller.delete(f"/v1/credentials/{credential}")).status_code == 204


async def test_a_code_that_is_typed_elsewhere(acme: Tenant, there: Provider) -> None:
    endpoints = {"authorize_url": None}
    credential = await new_credential(acme, await register(acme, there, endpoints=endpoints))
    caller, url = acme.caller(*PERMISSIONS), f"/v1/credentials/{credential}/device"
    refused(await caller.post(f"{url}/poll"), 409, "oauth_flow_over")
    told = (await caller.post(url)).json()
    early = await caller.post(f"{url}/poll")
    there.forget()
    assert (early.status_code, early.json()["status"]) == (202, "pending")
    assert there.events("token") == []  # the provider is not asked before its interval
    assert told["user_code"]
    assert told["verification_uri"] == f"{there.url}/device"

    waits = await poll(acme, credential)
    await there.type_code(told["verification_uri_complete"])
    after = await poll(acme, credential)
    again = await caller.post(f"{url}/poll")
    assert waits.status_code == 202
    assert (after.status_code, after.json()["status"]) == (200, "active"), after.text
    refused(again, 409, "oauth_flow_over")


async def poll(acme: Tenant, credential: str) -> httpx.Response:
    """Once its provider may be asked again: after five seconds, if it says nothing else."""
    await asyncio.sleep(5.1)
    return await acme.caller(*PERMISSIONS).post(f"/v1/credentials/{credential}/device/poll")


async def test_a_key_is_nothing_to_agree_to(acme: Tenant) -> None:
    caller = acme.caller(*PERMISSIONS)
    body = {"system_name": "openai", "name": "Key", "values": {"api_key": "sk-12345678"}}
    credential = (await caller.post("/v1/credentials", json=body)).json()["id"]
    url = f"/v1/credentials/{credential}"
    for answer in (
        await caller.post(f"{url}/authorize", json={"redirect_uri": REDIRECT}),
        await caller.post(f"{url}/device"),
    ):
        refused(answer, 409, "not_oauth")


async def test_without_a_registration_nobody_is_sent_anywhere(acme: Tenant) -> None:
    credential = await new_credential(acme, None)
    answer = await acme.caller(*PERMISSIONS).post(
        f"/v1/credentials/{credential}/authorize", json={"redirect_uri": REDIRECT}
    )
    refused(answer, 409, "oauth_not_registered")
    assert "Atlassian" in answer.json()["error"]["message"]


async def test_only_who_may_connect_does(acme: Tenant, there: Provider) -> None:
    credential = await new_credential(acme, await register(acme, there), scope="private")
    reader = acme.caller(Permission.CREDENTIALS_READ)
    colleague = acme.caller(*PERMISSIONS, user_id=new_id())
    url, body = f"/v1/credentials/{credential}", {"redirect_uri": REDIRECT}
    refused(await reader.post(f"{url}/authorize", json=body), 403, "forbidden")
    refused(await reader.post(CALLBACK, json={"state": "x"}), 403, "forbidden")
    for path in ("authorize", "device", "device/poll"):
        refused(await colleague.post(f"{url}/{path}", json=body), 404, "credential_not_found")


async def test_nothing_secret_is_told_or_stored_in_the_open(
    acme: Tenant, there: Provider, jira: Jira, postgres: Embedded
) -> None:
    credential = await new_credential(acme, await register(acme, there))
    shown = str(await connect(acme, there, credential))
    token, caller = jira.seen[-1], acme.caller(*PERMISSIONS, Permission.AUDIT_READ)
    for path in ("/v1/credentials", "/v1/oauth_providers", "/v1/audit"):
        shown += (await caller.get(path)).text
    tables = ("credential", "oauth_provider", "oauth_flow", "secret", "audit_log")
    with psycopg.connect(postgres.conninfo(database.NAME)) as db:
        for table in tables:
            query = f"select t::text from {table} t where tenant_id = %s"
            shown += str(db.execute(query.encode(), [acme.id]).fetchall())
    assert len(token) > 20
    assert token not in shown
    assert SECRET not in shown
