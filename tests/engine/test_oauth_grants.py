"""Grants in use: renewed in time, kept through whatever fails, ended when they are over."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
import pytest
from aiohttp import web
from fastapi import FastAPI

from monster.engine import database
from monster.engine.access.scope import Scope
from monster.engine.credentials import service as credentials
from monster.engine.credentials.connections import Use
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.factory import TokenSource
from monster.engine.tools.jira import Jira
from monster.kit.embedded import Embedded
from tests import catalogue
from tests.builders import Tenant
from tests.oauth import grants
from tests.oauth.provider import PERMISSIONS, authorize, new_credential
from tests.oauth.quirks import CLIENT, SECRET, Quirks
from tests.oauth.world import engine_for
from tests.systems.jira_server import JiraServer
from tests.systems.served import Refused

GMAIL = {
    "strategy_oauth": {
        "token_creds": "The credentials that Google's command-line tools wrote",
        "client_id": "The client that they belong to",
    }
}
CREDS = {
    "type": "authorized_user",
    "client_id": "pasted-client",
    "client_secret": "pasted-secret",
    "refresh_token": "1//pasted-refresh-token",
    "token_uri": "http://127.0.0.1:1/elsewhere",
}


@dataclass
class Believing(JiraServer):
    """Takes the tokens that our double of a provider gives; `seen` are all that came."""

    seen: list[str] = field(default_factory=list[str])

    def authenticate(self, request: web.Request) -> None:
        self.seen.append(request.headers.get("Authorization", ""))
        if not self.seen[-1].startswith("Bearer access-token-"):
            raise Refused(401, {"message": "no"})


@pytest.fixture(scope="module")
async def there() -> AsyncIterator[Quirks]:
    served = Quirks()
    async with served.serving():
        yield served


@pytest.fixture(scope="module")
async def app(postgres: Embedded, there: Quirks) -> AsyncIterator[FastAPI]:
    jira = Believing()
    apps = {name: there.app(name) for name in ("atlassian", "google")}
    async with jira.serving(), engine_for(postgres, jira.url, oauth_apps=apps) as found:
        yield found


@dataclass
class Acme:
    """A workspace with one connection to JIRA, by the platform's registration."""

    tenant: Tenant
    there: Quirks
    postgres: Embedded
    credential: str = ""

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant.id, "engine", frozenset(PERMISSIONS), self.tenant.user_id)

    async def connect(self) -> dict[str, Any]:
        (state,) = [
            pair[6:]
            for pair in (await authorize(self.tenant, self.credential)).split("&")
            if pair.startswith("state=")
        ]
        answer = await self.tenant.caller(*PERMISSIONS).post(
            "/v1/oauth/callback", json={"state": state, "code": "code-0123456789"}
        )
        assert answer.status_code == 200, answer.text
        self.there.sent.clear()
        return answer.json()

    async def source(self) -> TokenSource:
        state = self.tenant.engine.state
        async with state.flows.grants.transaction(self.scope) as session:
            store, credential = state.connections.store, self.credential
            opened = await credentials.resolve_secrets(session, self.scope, store, credential)
        return state.flows.grants.source(self.scope, opened)

    async def token(self) -> str:
        return await (await self.source()).token()

    async def look(self) -> dict[str, Any]:
        caller = self.tenant.caller(*PERMISSIONS)
        return (await caller.get(f"/v1/credentials/{self.credential}")).json()

    def end_token(self) -> None:
        grants.end_token(self.postgres, self.credential)

    def due(self) -> None:
        """It is time to renew it, but it is still good."""
        grants.change(self.postgres, self.credential, refresh_at="now()")

    def refreshed_with(self) -> list[str]:
        return [sent["refresh_token"] for sent in self.there.sent]


@pytest.fixture
async def acme(
    dashboard: FastAPI, app: FastAPI, there: Quirks, postgres: Embedded
) -> AsyncIterator[Acme]:
    there.says.clear()
    made = Acme(Tenant(dashboard, app), there, postgres)
    made.credential = await new_credential(made.tenant, None)
    await made.connect()
    yield made
    there.before_answer = None


async def test_a_token_that_is_good_is_used_as_it_is(acme: Acme) -> None:
    connections = acme.tenant.engine.state.connections
    found = await connections.find(acme.scope, Jira.factory_id(), acme.credential, Use())
    assert await found.live.call("list_projects", {})
    assert acme.there.sent == []
    assert "refresh_token" not in found.live.values  # no system sees what renews a grant
    assert "access_token" not in found.live.values


async def test_each_refresh_token_is_sent_once(acme: Acme) -> None:
    for _ in range(3):
        acme.end_token()
        await acme.token()
    assert len(set(acme.refreshed_with())) == 3
    assert (await acme.look())["status"] == "active"


async def test_many_who_wait_share_one_refresh(acme: Acme) -> None:
    acme.end_token()
    sources = [await acme.source() for _ in range(20)]
    tokens = await asyncio.gather(*(source.token() for source in sources))
    assert len(set(tokens)) == 1
    assert len(acme.there.sent) == 1


async def test_a_provider_that_is_away_for_a_moment_costs_nothing(acme: Acme) -> None:
    acme.end_token()
    acme.there.says += [(503, "away"), (500, {"error": "invalid_grant"})]
    assert (await acme.token()).startswith("access-token-")
    assert len(set(acme.refreshed_with())) == 1
    assert len(acme.there.sent) == 3


async def test_a_provider_that_is_away_for_long_does_not_end_the_grant(acme: Acme) -> None:
    acme.end_token()
    acme.there.says += [(503, "away")] * 3
    with pytest.raises(ToolFailed, match="answers 503") as caught:
        await acme.token()
    assert not isinstance(caught.value, ConnectionRefused)
    kept = await acme.look()
    assert (kept["status"], kept["secrets"]) == ("active", ["access_token", "refresh_token"])
    assert (await acme.token()).startswith("access-token-")


async def test_a_token_that_is_still_good_is_used_while_the_provider_is_away(acme: Acme) -> None:
    before = await acme.token()
    acme.due()
    acme.there.says += [(503, "away")]
    assert await acme.token() == before
    assert await acme.token() == before
    assert len(acme.there.sent) == 1  # it is left alone for a while


async def test_a_token_is_renewed_before_it_ends(acme: Acme) -> None:
    before = await acme.token()
    acme.due()
    assert await acme.token() != before
    assert len(acme.there.sent) == 1


async def test_a_grant_that_was_ended_says_so(acme: Acme) -> None:
    acme.end_token()
    acme.there.says += [(403, {"error": "invalid_grant", "error_description": "Revoked."})]
    with pytest.raises(ConnectionRefused, match="Revoked"):
        await acme.token()
    gone = await acme.look()
    assert (gone["status"], gone["secrets"]) == ("expired", [])
    assert gone["last_error"] == "Atlassian says: invalid_grant Revoked."
    with pytest.raises(ConnectionRefused):  # and nobody asks again with what is worth nothing
        await acme.token()
    assert len(acme.there.sent) == 1
    again = await acme.connect()
    assert (again["id"], again["status"], again["last_error"]) == (acme.credential, "active", None)
    assert (await acme.token()).startswith("access-token-")


async def test_a_registration_that_is_wrong_is_no_end(acme: Acme) -> None:
    """Somebody changed the client secret: whoever repairs that need not ask everybody to agree."""
    acme.end_token()
    acme.there.says += [(401, {"error": "invalid_client"})]
    with pytest.raises(ToolFailed, match="invalid_client"):
        await acme.token()
    failing = await acme.look()
    assert (failing["status"], failing["secrets"]) == (
        "failing",
        ["access_token", "refresh_token"],
    )
    await acme.token()
    assert (await acme.look())["status"] == "active"


async def test_who_is_cancelled_loses_nothing_that_the_provider_gave(acme: Acme) -> None:
    acme.end_token()
    source = await acme.source()
    asked = asyncio.Event()
    acme.there.before_answer = asked.set
    waiting = asyncio.create_task(source.token())
    await asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    acme.there.before_answer = None
    assert (await acme.token()).startswith("access-token-")
    acme.end_token()
    await acme.token()
    first, second = acme.refreshed_with()
    assert second != first  # what the cancelled one was given


async def test_a_claim_of_somebody_else_is_respected_until_it_lapses(acme: Acme) -> None:
    acme.end_token()
    lapses = "now() + interval '1.5 s'"
    grants.change(acme.postgres, acme.credential, refreshing_until=lapses)
    waiting = asyncio.create_task(acme.token())
    await asyncio.sleep(0.7)
    assert acme.there.sent == []
    assert (await waiting).startswith("access-token-")
    assert len(acme.there.sent) == 1


async def test_what_somebody_else_has_renewed_is_taken(acme: Acme) -> None:
    acme.end_token()
    stale = await acme.source()
    fresh = await acme.token()
    assert await stale.token() == fresh
    assert len(acme.there.sent) == 1


async def test_connecting_anew_while_the_old_grant_is_renewed(acme: Acme) -> None:
    """What comes of the old one is given back, and does not take the new one's place."""
    acme.end_token()
    source, asked, go_on = await acme.source(), asyncio.Event(), asyncio.Event()
    acme.there.hold = go_on
    acme.there.before_answer = asked.set
    waiting = asyncio.create_task(source.token())
    await asked.wait()
    acme.there.hold = None
    acme.there.before_answer = None
    acme.there.revoked.clear()
    await acme.connect()
    held = await acme.token()
    go_on.set()
    with pytest.raises(ToolFailed, match="replaced"):
        await waiting
    assert await acme.token() == held
    assert (await acme.look())["status"] == "active"
    assert len(acme.there.revoked) == 1


async def test_no_connection_to_the_database_waits_for_a_provider(acme: Acme) -> None:
    held: list[int] = []
    pool = acme.tenant.engine.state.sessions.kw["bind"].pool
    acme.there.before_answer = lambda: held.append(pool.checkedout())
    await acme.connect()
    acme.end_token()
    await acme.token()
    assert held == [0, 0]


def factory(acme: Acme, auth_config: dict[str, Any]) -> str:
    with psycopg.connect(acme.postgres.conninfo(database.NAME), autocommit=True) as db:
        made = {"name": "Mail", "kind": "custom", "auth_config": orjson.dumps(auth_config).decode()}
        row = catalogue.add(db, "tool_factory", tenant_id=acme.tenant.id, tools="[]", **made)
    return str(row["id"])


async def pasted(acme: Acme, text: str) -> Any:  # noqa: ANN401
    body = {"tool_factory_id": factory(acme, GMAIL), "name": "Pasted", "scope": "private"}
    return await acme.tenant.caller(*PERMISSIONS).post(
        "/v1/credentials", json={**body, "values": {"token_creds": text}}
    )


async def test_a_grant_that_was_made_elsewhere_is_pasted(acme: Acme) -> None:
    made = await pasted(acme, orjson.dumps(CREDS, option=orjson.OPT_INDENT_2).decode())
    assert (made.status_code, made.json()["status"]) == (201, "active"), made.text
    assert "pasted-refresh" not in made.text
    acme.credential, acme.there.revoked = made.json()["id"], []
    acme.there.sent.clear()
    assert (await acme.token()).startswith("access-token-")
    sent = acme.there.sent[0]
    assert (sent["client_id"], sent["client_secret"]) == ("pasted-client", "pasted-secret")
    assert sent["refresh_token"] == CREDS["refresh_token"]
    url = f"/v1/credentials/{acme.credential}"
    assert (await acme.tenant.caller(*PERMISSIONS).delete(url)).status_code == 204
    assert acme.there.revoked == []  # it is somebody's who may use it elsewhere, too


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "{}",
        "[]",
        '{"type": "service_account", "client_email": "x", "refresh_token": "secret-x"}',
        '{"refresh_token": "secret-x"}',
        '{"client_id": "x", "refresh_token": "two words"}',
    ],
)
async def test_what_is_no_grant_is_not_taken_for_one(acme: Acme, text: str) -> None:
    answer = await pasted(acme, text)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "values.token_creds")
    assert "secret-x" not in answer.text


async def test_another_grant_is_pasted_over_the_first(acme: Acme) -> None:
    made = await pasted(acme, orjson.dumps(CREDS).decode())
    acme.credential = made.json()["id"]
    await acme.token()
    other = orjson.dumps(CREDS | {"refresh_token": "1//another"}).decode()
    url = f"/v1/credentials/{acme.credential}"
    await acme.tenant.caller(*PERMISSIONS).patch(url, json={"values": {"token_creds": other}})
    acme.there.sent.clear()
    await acme.token()
    assert acme.refreshed_with() == ["1//another"]


CLIENT_PARAMETERS = {
    "1. client_id": "Client ID",
    "2. client_secret": "Client secret",
    "3. token_url": "Where tokens are given",
    "4. scope": {"description": "Scopes", "type": "text", "required": False},
}


async def test_a_program_needs_nobody_to_agree(acme: Acme) -> None:
    body = {
        "tool_factory_id": factory(acme, {"strategy_client_credentials": CLIENT_PARAMETERS}),
        "name": "Program",
        "values": {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "token_url": f"{acme.there.url}/linear/token",
            "scope": "read write",
        },
    }
    answer = await acme.tenant.caller(*PERMISSIONS).post("/v1/credentials", json=body)
    assert (answer.status_code, answer.json()["status"]) == (201, "active"), answer.text
    acme.credential = answer.json()["id"]
    acme.there.sent.clear()
    first = await acme.token()
    assert await acme.token() == first
    acme.end_token()
    assert await acme.token() != first
    assert [one["grant_type"] for one in acme.there.sent] == ["client_credentials"] * 2
    assert acme.there.sent[0]["scope"] == "read write"
    assert (await acme.look())["expires_at"] is None


async def test_a_shared_grant_is_renewed_by_whoever_uses_it(acme: Acme) -> None:
    acme.end_token()
    colleague = Acme(
        Tenant(acme.tenant.dashboard, acme.tenant.engine, acme.tenant.id),
        acme.there,
        acme.postgres,
        acme.credential,
    )
    assert (await colleague.token()).startswith("access-token-")
