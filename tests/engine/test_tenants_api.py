"""Whole tenants through the engine's front door: suspended, deleted; and the engine itself."""

import asyncio
import re
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from monster.contracts.tokens import Permission
from monster.engine import database
from monster.kit import tenancy
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant
from tests.talk import caller, publish

URL, SYSTEM = "/v1/tenant", "/v1/system"
WRITE, READ_SYSTEM = Permission.TENANT_WRITE, Permission.SYSTEM_READ
SLOW = [{"text": " ".join("abcdefghijklmnopqrst"), "delay": 0.1}]


async def suspend(tenant: Tenant, *, suspended: bool = True) -> None:
    answer = await tenant.caller(WRITE).put(URL, json={"suspended": suspended})
    assert (answer.status_code, answer.json()) == (200, {"suspended": suspended})


def rows(postgres: Embedded, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.conninfo(database.NAME)) as owner:
        return owner.execute(query.encode(), values).fetchall()


async def until_running(postgres: Embedded, tenant: Tenant, count: int) -> None:
    for _ in range(250):
        if len(rows(postgres, "select 1 from run where tenant_id = %s", tenant.id)) >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the run never began")


async def test_every_operation_refuses_a_suspended_tenant(tenant: Tenant, engine: FastAPI) -> None:
    """All but what lifts that and, once more, takes everything away."""
    everything = tenant.caller(*(set(Permission) - {WRITE}))
    await suspend(tenant)
    paths = engine.openapi()["paths"]
    operations = {(method.upper(), path) for path, item in paths.items() for method in item}
    bodies = {
        "POST /v1/agents/{agent_id}/runs": {"message": "hi"},
        "POST /v1/conversations": {"agent_id": str(new_id())},
        "PATCH /v1/conversations/{conversation_id}": {"title": "x"},
        "POST /v1/indexes": {"name": "x"},
        "POST /v1/indexes/{index_id}/search": {"query": "x"},
    }
    refused = 0
    for method, path in operations:
        values = {name: new_id() for name in re.findall(r"{(\w+)}", path)} | {"job_id": 1}
        body = bodies.get(f"{method} {path}")
        answer = await everything.request(method, path.format(**values), json=body)
        if answer.status_code == 422:  # not understood, before anything is looked up
            continue
        assert answer.status_code == 403, (method, path, answer.text)
        assert answer.json()["error"]["code"] == "workspace_suspended", (method, path)
        refused += 1
    assert refused > 18
    await suspend(tenant, suspended=False)
    assert (await everything.get("/v1/conversations")).status_code == 200


async def test_suspended_again_nothing_changes_and_it_is_written_once(
    tenant: Tenant, postgres: Embedded
) -> None:
    for suspended in (True, True, False, False):
        await suspend(tenant, suspended=suspended)
    query = "select action, principal from audit_log where tenant_id = %s order by seq"
    assert rows(postgres, query, tenant.id) == [("SUSPEND", "system"), ("RESUME", "system")]


async def test_what_runs_stops_and_what_waits_never_begins(
    tenant: Tenant, postgres: Embedded
) -> None:
    agent = caller(tenant, await publish(tenant, SLOW))
    running = asyncio.create_task(agent.ask("first"))
    await until_running(postgres, tenant, 1)
    ((conversation,),) = rows(
        postgres, "select id::text from conversation where tenant_id = %s", tenant.id
    )
    queued = asyncio.create_task(agent.ask("second", conversation))
    await until_running(postgres, tenant, 2)

    await suspend(tenant)
    events = await asyncio.wait_for(running, 5)
    await asyncio.wait_for(queued, 10)

    assert events[-1].type == "run.cancelled"
    query = "select status from run where tenant_id = %s"
    assert rows(postgres, query, tenant.id) == [("cancelled",)] * 2
    answer = await agent.http.post(f"/v1/agents/{agent.agent_id}/runs", json={"message": "third"})
    assert answer.json()["error"]["code"] == "workspace_suspended"
    assert len(rows(postgres, query, tenant.id)) == 2
    await suspend(tenant, suspended=False)
    assert (await caller(tenant, await publish(tenant, [{"text": "a"}])).ask_json("x"))["response"]


async def test_a_run_of_a_deleted_tenant_writes_nothing_more(
    tenant: Tenant, postgres: Embedded
) -> None:
    agent = caller(tenant, await publish(tenant, SLOW))
    running = asyncio.create_task(agent.ask("first"))
    await until_running(postgres, tenant, 1)
    answer = await tenant.caller(WRITE).delete(URL)
    assert answer.status_code == 204
    await asyncio.wait_for(running, 5)
    for table in ("run", "message", "run_event", "run_lease", "agent_spec", "audit_log"):
        query = f"select 1 from {table} where tenant_id = %s"
        assert rows(postgres, query, tenant.id) == [], table


async def test_deleted_and_closed_nothing_is_begun_until_it_is_deleted_again(
    tenant: Tenant, postgres: Embedded
) -> None:
    agent_id = await publish(tenant, [{"text": "a"}])
    for _ in range(2):  # any number of times
        closed = await tenant.caller(WRITE).delete(URL, params={"closed": True})
        assert closed.status_code == 204
    answer = await caller(tenant, agent_id).http.post(
        f"/v1/agents/{agent_id}/runs", json={"message": "hi"}
    )
    assert answer.json()["error"]["code"] == "workspace_suspended"
    assert (await tenant.caller(WRITE).delete(URL)).status_code == 204
    query = "select 1 from suspended_tenant where tenant_id = %s"
    assert rows(postgres, query, tenant.id) == []


async def test_one_tenant_does_not_reach_another(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    theirs = await publish(other, [{"text": "still here"}])
    await suspend(tenant)
    await tenant.caller(WRITE).delete(URL)
    assert (await caller(other, theirs).ask_json("hi"))["response"] == "still here "
    await tenant.caller(WRITE).put(URL, json={"suspended": False})


async def test_the_database_deletes_no_other_tenant_than_the_one_it_is_in(
    tenant: Tenant, other: Tenant, engine: FastAPI
) -> None:
    with pytest.raises(DBAPIError, match="of another tenant"):
        async with tenancy.transaction(engine.state.sessions, tenant.id) as session:
            await session.execute(text("select delete_tenant(:other)"), {"other": other.id})


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("PUT", URL, WRITE),
        ("DELETE", URL, WRITE),
        ("GET", SYSTEM, READ_SYSTEM),
        ("POST", f"{SYSTEM}/jobs/1/retry", Permission.SYSTEM_WRITE),
    ],
)
async def test_each_takes_its_own_permission(
    tenant: Tenant, method: str, path: str, needed: Permission
) -> None:
    without = tenant.caller(*(set(Permission) - {needed}))
    answer = await without.request(method, path, json={"suspended": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("body", [{}, {"suspended": "perhaps"}, {"suspended": True, "why": "x"}])
async def test_bad_input_is_refused(tenant: Tenant, body: dict[str, object]) -> None:
    assert (await tenant.caller(WRITE).put(URL, json=body)).status_code == 422


async def test_the_engine_tells_how_it_is(
    tenant: Tenant, postgres: Embedded, statements: Statements
) -> None:
    job = insert_failed(postgres)
    with statements.exactly(3):  # enter the tenant, state, failures
        answer = await tenant.caller(READ_SYSTEM).get(SYSTEM)
    told = answer.json()
    assert told["version"]
    assert told["disk_free"] > 0
    assert (told["database"]["name"], told["database"]["revision"]) == (
        database.NAME,
        told["database"]["head"],
    )
    (failure,) = [one for one in told["database"]["failures"] if one["id"] == job]
    assert (failure["name"], failure["error"]) == ("knowledge.parse", "Unreadable")

    retry = f"{SYSTEM}/jobs/{job}/retry"
    writer = tenant.caller(Permission.SYSTEM_WRITE)
    assert (await writer.post(retry)).json() == {"name": "knowledge.parse"}
    query = "select status::text, attempts from procrastinate_jobs where id = %s"
    assert rows(postgres, query, job) == [("todo", 0)]
    again = await writer.post(retry)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "job_not_found")
    with psycopg.connect(postgres.conninfo(database.NAME)) as owner:
        owner.execute("delete from procrastinate_jobs where id = %s", [job])


def insert_failed(postgres: Embedded) -> int:
    insert = (
        "insert into procrastinate_jobs (queue_name, task_name, status, attempts, args) values"
        " (%s, 'knowledge.parse', 'failed', 3, '{\"error\": \"Unreadable\"}') returning id"
    )
    with psycopg.connect(postgres.conninfo(database.NAME)) as owner:
        row = owner.execute(insert, ["nobody's"]).fetchone()
    assert row
    return row[0]
