"""Runs whose model takes a credential, over the wire of the provider."""

import asyncio
from typing import Any

import orjson
import psycopg
import pytest

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.engine import database
from monster.engine.access.scope import Scope
from monster.engine.find_model import FindModels
from monster.engine.models.protocol import ModelError
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant
from tests.talk import PERMISSIONS, Caller, text_of
from tests.upstream import WIRES, Anthropic, OpenAI, Wire, refuse, upstream

KEY = "sk-run-0123456789"
WRITE = Permission.CREDENTIALS_WRITE


async def connect(tenant: Tenant, wire: Wire, url: str, **changes: str) -> str:
    body = {"system_name": wire.system, "name": "Main", "base_url": url} | changes
    answer = await tenant.caller(WRITE).post(
        "/v1/credentials", json={**body, "secrets": {"api_key": KEY}}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def agent(tenant: Tenant, model: str, credential_id: str | None) -> Caller:
    spec = AgentSpec(
        version=1,
        user_id=tenant.user_id,
        scope="shared",
        name="Scout",
        model=model,
        credential_id=credential_id,  # pyright: ignore[reportArgumentType] (text will do)
        instruction="Be brief.",
        inside=("refuse",),
    )
    agent_id = str(new_id())
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    answer = await publisher.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    assert answer.status_code == 200, answer.text
    return Caller(agent_id, tenant.caller(*PERMISSIONS))


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.system)
async def test_a_run_through_a_tool_to_an_answer(tenant: Tenant, wire: Wire) -> None:
    async with upstream(
        wire.call("c1", "refuse", '{"a": 1}'), wire.text("It ", "failed")
    ) as served:
        connection = await connect(tenant, wire, served.url)
        scout = await agent(tenant, f"{wire.system}:small", connection)
        events = await scout.ask("go")

    kinds = [event.type for event in events if event.type != "message.delta"]
    assert kinds[-1] == "run.completed"
    assert {"tool.call", "tool.result"} < set(kinds)
    assert text_of(events) == "It failed"
    assert served.asked[0].headers[wire.key_header] == wire.key_prefix + KEY
    assert "not today" in orjson.dumps(served.asked[1].body).decode()


async def test_a_plain_turn_costs_no_statement_more(tenant: Tenant, statements: Statements) -> None:
    async with upstream(OpenAI.text("hello")) as served:
        scout = await agent(tenant, "openai:small", await connect(tenant, OpenAI, served.url))
        first = await scout.ask("hi")
        conversation = first[0].data["conversation_id"]
        await scout.ask("again", conversation)
        with statements.exactly(4):
            assert text_of(await scout.ask("and again", conversation)) == "hello"


async def test_use_is_written_down_once_a_minute(tenant: Tenant, postgres: Embedded) -> None:
    read = tenant.caller(Permission.CREDENTIALS_READ)
    async with upstream(OpenAI.text("hello")) as served:
        connection = await connect(tenant, OpenAI, served.url)
        find = fresh_finder(tenant)
        used: list[Any] = []
        for _ in range(2):
            await find(scope(tenant), {"model": "openai:small", "credential_id": connection})
            used.append((await read.get(f"/v1/credentials/{connection}")).json()["last_used_at"])
        with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as db:
            query = "update credential set last_used_at = now() - interval '61 s' where id = %s"
            db.execute(query, [connection])
        await find(scope(tenant), {"model": "openai:small", "credential_id": connection})
        later = (await read.get(f"/v1/credentials/{connection}")).json()["last_used_at"]
    assert used[0] == used[1] is not None
    assert later > used[0]


def scope(tenant: Tenant) -> Scope:
    return Scope(tenant.id, "engine", frozenset(), tenant.user_id)


def fresh_finder(tenant: Tenant) -> FindModels:
    """Forgets at once what the engine's own forgets after some seconds."""
    state = tenant.engine.state
    return FindModels({}, state.sessions, state.master_key, state.providers, fresh=0)


async def test_a_deleted_connection_is_not_used_any_more(tenant: Tenant) -> None:
    connection = await connect(tenant, OpenAI, "http://127.0.0.1:1")
    spec, find = {"model": "openai:small", "credential_id": connection}, fresh_finder(tenant)
    _, name = await find(scope(tenant), spec)
    assert name == "small"
    await tenant.caller(WRITE).delete(f"/v1/credentials/{connection}")
    with pytest.raises(ModelError, match=r"connect openai: .* is gone"):
        await find(scope(tenant), spec)


async def test_somebody_elses_private_connection_is_never_used(tenant: Tenant) -> None:
    async with upstream(OpenAI.text("hello")) as served:
        connection = await connect(tenant, OpenAI, served.url, scope="private")
        scout = await agent(tenant, "openai:small", connection)
        own = await scout.ask_json("hi")
        colleague = Caller(scout.agent_id, tenant.caller(*PERMISSIONS, user_id=new_id()))
        theirs = await colleague.ask_json("hi")

    assert own["status"] == "completed"
    assert theirs["status"] == "failed"
    assert theirs["reason"].startswith("model: connect openai: ")
    assert len(served.asked) == 1


async def test_another_tenants_connection_does_not_exist(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    async with upstream(OpenAI.text("hello")) as served:
        connection = await connect(tenant, OpenAI, served.url)
        run = await (await agent(other, "openai:small", connection)).ask_json("hi")
    assert run["reason"].startswith("model: connect openai: ")
    assert served.asked == []


@pytest.mark.parametrize(
    ("model", "connected", "reason"),
    [
        ("openai:small", False, "connect openai: this agent's model has no connection"),
        ("openai:small", True, "connect openai: the agent's connection is for anthropic"),
        ("nobody:small", False, "there is no provider 'nobody'"),
        ("builtin:script", False, "there is no built-in model 'script'"),
        ("nonsense", False, "there is no provider 'nonsense'"),
    ],
)
async def test_a_missing_connection_is_a_reason_that_tells_what_to_do(
    tenant: Tenant, model: str, reason: str, *, connected: bool
) -> None:
    connection = await connect(tenant, Anthropic, "http://127.0.0.1:1") if connected else None
    run = await (await agent(tenant, model, connection)).ask_json("hi")
    assert run["status"] == "failed"
    assert run["reason"].startswith(f"model: {reason}")


async def test_a_refused_key_is_a_reason_that_names_the_connection(tenant: Tenant) -> None:
    async with upstream(refuse(401, f"no such key: {KEY}")) as served:
        connection = await connect(tenant, OpenAI, served.url, name="Ours")
        run = await (await agent(tenant, "openai:small", connection)).ask_json("hi")
    assert run["reason"] == (
        "model: the provider refused the connection 'Ours': replace its key under Connections"
        " (the provider says: no such key: •••)"
    )


async def test_many_turns_at_once_share_one_look(tenant: Tenant) -> None:
    async with upstream(OpenAI.text("hello")) as served:
        scout = await agent(tenant, "openai:small", await connect(tenant, OpenAI, served.url))
        runs = await asyncio.gather(*(scout.ask_json("hi") for _ in range(20)))
    assert {run["response"] for run in runs} == {"hello"}


async def test_without_a_model_the_agent_says_how_to_connect_one(tenant: Tenant) -> None:
    run = await (await agent(tenant, "builtin:quote", None)).ask_json("How are you?")
    assert run["status"] == "completed"
    assert "Connect a model" in run["response"]
