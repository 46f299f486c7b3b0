"""MCP servers as companies use them: kept apart, and held to what somebody approved."""

import asyncio
import io
import logging
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from monster.contracts.agents import AgentSpec
from monster.contracts.pinning import pin
from monster.contracts.tokens import Permission
from monster.contracts.tools import AttachedTool, FunctionOut
from monster.engine import database
from monster.engine.app import create_app
from monster.engine.models.script import ScriptedModel
from monster.engine.settings import Settings
from monster.kit import logs
from monster.kit.addresses import parse_networks
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.builders import PUBLIC_PEM, Tenant
from tests.mcp.connect import at, everything, own, program
from tests.process import MASTER_KEY
from tests.talk import PERMISSIONS, Caller, Script

READ, WRITE = Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE
PLATFORM = Permission.SYSTEM_WRITE
URL = "/v1/mcp_servers"
CHANGED = "this tool is not the one you approved"


@dataclass
class Server:
    """One of a company, as its people see it."""

    tenant: Tenant
    id: str

    @property
    def caller(self) -> httpx.AsyncClient:
        return self.tenant.caller(READ, WRITE, PLATFORM)

    @classmethod
    async def of(cls, tenant: Tenant, **body: object) -> "Server":
        told = {"name": f"Server {new_id()}", **body}
        answer = await tenant.caller(WRITE, PLATFORM).post(URL, json=told)
        assert answer.status_code == 201, answer.text
        return cls(tenant, answer.json()["id"])

    async def now(self) -> dict[str, Any]:
        return (await self.caller.get(f"{URL}/{self.id}")).json()

    async def discover(self, **body: object) -> dict[str, Any]:
        answer = await self.caller.post(f"{URL}/{self.id}/discover", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def accept(self, digest: str, **effects: str) -> httpx.Response:
        body = {"digest": digest, "effects": effects}
        return await self.caller.post(f"{URL}/{self.id}/accept", json=body)

    async def approve(self, **effects: str) -> None:
        """What it offers now, after a look at it."""
        found = (await self.discover())["found"]
        answer = await self.accept(found["digest"], **effects)
        assert answer.status_code == 200, answer.text

    async def publish(
        self, script: Script, credential_id: str | None = None, agent: tuple[str, int] | None = None
    ) -> Caller:
        """An agent that may use all of it, by a script; again, with `agent`: id and version."""
        functions = [FunctionOut.model_validate(one) for one in (await self.now())["tools"]]
        tool = AttachedTool(
            name="it",
            tool_factory_id=uuid.UUID(self.id),
            credential_id=uuid.UUID(credential_id) if credential_id else None,
            pinned=tuple(pin(one) for one in functions),
            approval="never",
        )
        agent_id, version = agent or (str(new_id()), 1)
        spec = AgentSpec(
            version=version,
            user_id=self.tenant.user_id,
            name="Scout",
            model="script:test",
            instruction=orjson.dumps(script).decode(),
            tools=(tool,),
        )
        publisher = self.tenant.caller(Permission.AGENTS_PUBLISH)
        answer = await publisher.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
        assert answer.status_code == 200, answer.text
        return Caller(agent_id, self.tenant.caller(*PERMISSIONS))


def calls(*wanted: tuple[str, Mapping[str, object]]) -> Script:
    return [{"calls": [[f"it_{name}", arguments]]} for name, arguments in wanted] + [
        {"text": "done"}
    ]


async def results(caller: Caller) -> list[str]:
    """What each call of a turn came to, in order."""
    seen = await caller.ask("go")
    assert seen[-1].type == "run.completed", seen
    return [one.data["content"] for one in seen if one.type == "tool.result"]


@pytest.fixture(scope="module")
async def patient(postgres: Embedded) -> AsyncIterator[FastAPI]:
    """An engine whose runs may take as long as a program needs to start on a busy machine."""
    settings = Settings(
        database_url=SecretStr(postgres.url(database.NAME, database.ROLE)),
        dashboard_public_key=PUBLIC_PEM,
        master_key=SecretStr(MASTER_KEY),
        outbound_allow=parse_networks(("127.0.0.1",)),
        lease_seconds=3600,
        data_dir=Path(postgres.server.pgdata).parent / "data",
    )
    app = create_app(settings, {"script": ScriptedModel()})
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def tenant(dashboard: FastAPI, patient: FastAPI) -> Tenant:
    return Tenant(dashboard, patient)


@pytest.fixture
def other(dashboard: FastAPI, patient: FastAPI) -> Tenant:
    return Tenant(dashboard, patient)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    logs.configure(as_json=True, stream=stream)
    yield stream
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


async def connected(tenant: Tenant, server: Server, **values: str) -> str:
    body = {"tool_factory_id": server.id, "name": f"Mine {new_id()}", "values": values}
    answer = await tenant.caller(WRITE).post("/v1/credentials", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_two_companies_agents_on_one_program_see_nothing_of_each_other(
    tenant: Tenant, other: Tenant, log: io.StringIO
) -> None:
    told: list[dict[str, Any]] = []
    for company, mark in ((tenant, "aaaa-4d2c"), (other, "bbbb-9e7f")):
        server = await Server.of(
            company,
            **program(),
            auth="values",
            parameters={"TOKEN": "Of the person"},
            environments={"KEY": f"key-{mark}"},
        )
        credential = await connected(company, server, TOKEN=f"token-{mark}")
        await server.approve(environment="read")
        script = calls(("mutter", {"variable": "TOKEN"}), ("environment", {}), ("spy", {}))
        _, environment, spied = await results(await server.publish(script, credential))
        told.append({"all": environment + spied, "it": orjson.loads(environment)})

    first, second = told
    assert first["it"]["folder"] != second["it"]["folder"]
    names = set(first["it"]["variables"]) - {"LC_CTYPE"}
    assert names == {"PATH", "LANG", "HOME", "TMPDIR", "TOKEN", "KEY"}
    assert "9e7f" not in first["all"]
    assert "4d2c" not in second["all"]
    assert log.getvalue().count("my TOKEN is ") == 2
    for mark in ("4d2c", "9e7f"):
        assert mark not in log.getvalue()


async def test_two_people_of_a_company_have_processes_of_their_own(tenant: Tenant) -> None:
    server = await Server.of(tenant, **program(), auth="values", parameters={"TOKEN": "Yours"})
    one, two = [await connected(tenant, server, TOKEN=f"token-{n}") for n in (1, 2)]
    assert (await server.discover(credential_id=one))["found"]
    await server.approve()
    script = calls(("environment", {}))
    folders = [
        orjson.loads((await results(await server.publish(script, which)))[0])["folder"]
        for which in (one, two)
    ]
    assert folders[0] != folders[1]


@pytest.mark.parametrize("how", ["change", "change_quietly"])
async def test_a_tool_that_changes_after_publishing_is_stopped(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "change_quietly":  # found out when the list is read again, at the latest
        monkeypatch.setattr("monster.engine.mcp.session._FRESH", 0.0)
    server = await Server.of(tenant, **program())
    await server.approve()
    script = calls(("greet", {"name": "Ada"}), (how, {}), ("greet", {"name": "Eve"}))
    agent = await server.publish(script)

    before, _, after = await results(agent)
    assert "Hello, Ada" in before
    assert CHANGED in after
    assert "Eve" not in after
    seen = await server.now()
    assert seen["status"] == "failing"
    assert CHANGED in seen["last_error"]

    (changed,) = (await server.discover())["found"]["changed"]
    assert changed["before"]["description"] == "Greets somebody."
    assert "mail me the keys" in changed["now"]["description"]
    assert CHANGED in (await results(await _greeting(server, agent.agent_id)))[0]  # nobody agreed

    await server.approve()
    assert (await server.now())["status"] == "active"
    again = await server.publish(calls(("greet", {"name": "Eve"})), agent=(agent.agent_id, 3))
    assert "Hello, Eve" in (await results(again))[0]


async def _greeting(server: Server, agent_id: str) -> Caller:
    """Published again, but of what was accepted before."""
    return await server.publish(calls(("greet", {"name": "Eve"})), agent=(agent_id, 2))


async def test_what_was_found_counts_once_it_was_accepted(tenant: Tenant) -> None:
    server = await Server.of(tenant, **program(), allowed=["greet", "environment"])
    found = (await server.discover())["found"]
    assert [one["name"] for one in found["new"]] == ["environment", "greet"]
    assert [one["hint"] for one in found["new"]] == ["read", "write"]
    assert (await server.now())["tools"] == []

    other = await server.accept("0" * 64)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "mcp_nothing_to_accept")
    unknown = await server.accept(found["digest"], spy="read")
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (422, "effects.spy")
    accepted = (await server.accept(found["digest"], environment="read")).json()
    assert {one["name"]: one["effect"] for one in accepted["tools"]} == {
        "environment": "read",
        "greet": "write",  # what the server says of itself is a hint
    }
    assert accepted["found"] is None
    assert (await server.discover())["found"] is None
    again = await server.accept(found["digest"])
    assert again.status_code == 409


async def test_a_crash_makes_a_call_that_acts_wait_for_a_person(tenant: Tenant) -> None:
    server = await Server.of(tenant, **program())
    await server.approve()
    caller = await server.publish(calls(("crash", {})))
    run = await caller.ask_json("go")
    assert run["status"] == "waiting"

    await _reads(server, "crash")
    greet = ("greet", {"name": "Ada"})
    caller = await server.publish(calls(greet, ("crash", {}), greet))
    _, crashed, greeted = await results(caller)
    assert "ended the connection" in crashed
    assert "Hello, Ada" in greeted


async def _reads(server: Server, name: str) -> None:
    answer = await server.caller.patch(f"{URL}/{server.id}", json={"effects": {name: "read"}})
    assert answer.status_code == 200, answer.text


async def test_a_token_that_is_refused_is_said_to_the_person(tenant: Tenant) -> None:
    async with own("the-right-token") as url:
        server = await Server.of(tenant, **at(url), auth="token")
        wrong = await connected(tenant, server, token="a-wrong-token")
        refused = await server.caller.post(
            f"{URL}/{server.id}/discover", json={"credential_id": wrong}
        )
        assert (refused.status_code, refused.json()["error"]["code"]) == (424, "mcp_server_failed")
        assert "a-wrong-token" not in refused.text

        right = await connected(tenant, server, token="the-right-token")
        tested = await tenant.caller(WRITE).post(f"/v1/credentials/{right}/test")
        assert (tested.json()["status"], tested.json()["account"]) == ("active", "Naughty 1.2")
        assert (await server.discover(credential_id=right))["found"]["new"]


async def test_without_a_connection_one_is_asked_for(tenant: Tenant) -> None:
    server = await Server.of(tenant, **program(), auth="values", parameters={"TOKEN": "Yours"})
    answer = await server.caller.post(f"{URL}/{server.id}/discover", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (424, "mcp_not_connected")


async def test_the_reference_server_in_a_conversation(tenant: Tenant) -> None:
    server = await Server.of(tenant, **everything())
    await server.approve(echo="read")
    script = calls(("echo", {"message": "hi"}), ("get-tiny-image", {}))
    echo, picture = await results(await server.publish(script))
    assert echo == "Echo: hi"
    assert orjson.loads(picture)["files"][0]["type"] == "image/png"


async def test_many_at_once_share_what_they_may_share(tenant: Tenant) -> None:
    server = await Server.of(tenant, **program())
    await server.approve()
    agent = await server.publish(calls(("environment", {})))
    told = await asyncio.gather(*(results(agent) for _ in range(8)))
    assert len({orjson.loads(one[0])["folder"] for one in told}) == 1
