"""The engine's audit log: what is recorded, and who reads it."""

import asyncio
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from monster.contracts.tokens import CLIENT_ADDRESS, CLIENT_AGENT, ENGINE, Permission, ServiceClaims
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.audit import audited
from tests.builders import Tenant, client, make_spec, owner_conninfo, sign

READ = Permission.AUDIT_READ
ALL = tuple(Permission)
URL = "/v1/audit"


async def post(caller: httpx.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    answer = await caller.post(path, json=body or None)
    assert answer.status_code in {200, 201, 202}, answer.text
    return answer.json() or {}


async def connect(caller: httpx.AsyncClient, name: str = "Main") -> str:
    values = {"api_key": "sk-0123456789"}
    made = await post(caller, "/v1/credentials", system_name="anthropic", name=name, values=values)
    return made["id"]


def what(tenant: Tenant) -> list[str]:
    return [row.what for row in audited(tenant.engine, tenant.id)]


async def test_agents(tenant: Tenant) -> None:
    caller, agent_id = tenant.caller(*ALL), new_id()
    path = f"/v1/agents/{agent_id}"
    for version in (1, 1, 2, 1):  # of these, two change something
        await caller.put(path, json=make_spec(version).model_dump(mode="json"))
    for _ in range(2):
        await caller.delete(path)

    assert what(tenant) == [
        f"PUBLISH agent {agent_id}", f"PUBLISH agent {agent_id}", f"DELETE agent {agent_id}"
    ]  # fmt: skip
    first = audited(tenant.engine, tenant.id)[0]
    assert first.details == {"name": "Scout", "version": 1}
    assert (first.principal, first.user_id) == ("user", tenant.user_id)


async def test_the_dashboards_own_errands_are_its_own(tenant: Tenant) -> None:
    claims = ServiceClaims(
        sub="monster-dashboard",
        tenant=tenant.id,
        permissions=frozenset({Permission.AGENTS_PUBLISH}),
    )
    caller = client(tenant.engine, sign(claims.model_dump(mode="json"), ENGINE))
    await caller.put(f"/v1/agents/{new_id()}", json=make_spec().model_dump(mode="json"))

    (row,) = audited(tenant.engine, tenant.id)
    assert (row.principal, row.user_id) == ("monster-dashboard", None)


async def test_credentials_by_the_names_of_their_secrets(tenant: Tenant) -> None:
    caller = tenant.caller(*ALL)
    made = await connect(caller)
    await post(caller, f"/v1/credentials/{made}/test")
    await caller.delete(f"/v1/credentials/{made}")

    created, tested, deleted = audited(tenant.engine, tenant.id)
    assert [row.action for row in (created, tested, deleted)] == ["CREATE", "TEST", "DELETE"]
    assert {row.resource_id for row in (created, tested, deleted)} == {made}
    assert created.details["after"]["secrets"] == ["api_key"]
    assert tested.details["status"] == "failing"
    assert deleted.details["before"]["name"] == "Main"
    assert "sk-0123456789" not in str(audited(tenant.engine, tenant.id))


async def test_knowledge_without_its_contents(tenant: Tenant) -> None:
    caller = tenant.caller(*ALL)
    index = (await post(caller, "/v1/indexes", name="Handbook"))["id"]
    path, file = f"/v1/indexes/{index}/documents", ("plan.md", b"The plan is secret.", "text/plain")
    made = (await caller.post(path, files={"file": file})).json()["id"]
    again = await caller.post(path, files={"file": file})  # changes nothing
    assert again.status_code == 201
    assert (await caller.post(f"/v1/documents/{made}/retry")).status_code == 409
    await caller.delete(f"/v1/documents/{made}")
    await caller.delete(f"/v1/indexes/{index}")

    rows = audited(tenant.engine, tenant.id)
    assert [row.what for row in rows] == [
        f"CREATE index {index}", f"CREATE document {made}",
        f"DELETE document {made}", f"DELETE index {index}",
    ]  # fmt: skip
    assert rows[1].details == {"name": "plan.md", "index_id": index, "size": 19}
    assert rows[3].details == {"before": {"name": "Handbook"}}
    assert "The plan" not in str(rows)


async def test_conversations_by_their_ids_alone(tenant: Tenant) -> None:
    caller, agent_id = tenant.caller(*ALL), new_id()
    await caller.put(f"/v1/agents/{agent_id}", json=make_spec().model_dump(mode="json"))
    made = await post(caller, "/v1/conversations", agent_id=str(agent_id), title="My illness")
    path = f"/v1/conversations/{made['id']}"
    await caller.patch(path, json={"title": "My divorce"})
    await caller.delete(path)

    assert what(tenant)[1:] == [
        f"{action} conversation {made['id']}" for action in ("CREATE", "UPDATE", "DELETE")
    ]
    assert "My " not in str(audited(tenant.engine, tenant.id))


async def test_a_run_that_is_cancelled_and_none_that_has_ended(tenant: Tenant) -> None:
    caller, agent_id = tenant.caller(*ALL), new_id()
    spec = make_spec().model_copy(
        update={"model": "script:test", "instruction": '[{"delay": 60, "text": "late"}]'}
    )
    await caller.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    path = f"/v1/agents/{agent_id}/runs"
    running = asyncio.create_task(caller.post(path, json={"message": "Hello"}))
    run_id = await _begun(tenant)
    assert (await caller.post(f"/v1/runs/{run_id}/cancel")).status_code == 202
    ended = await asyncio.wait_for(running, timeout=20)
    assert ended.json()["status"] == "cancelled"
    assert (await caller.post(f"/v1/runs/{run_id}/cancel")).status_code == 202
    stranger = tenant.caller(*ALL, user_id=new_id())
    assert (await stranger.post(f"/v1/runs/{run_id}/cancel")).status_code == 404

    assert what(tenant)[1:] == [f"CANCEL run {run_id}"]


async def _begun(tenant: Tenant) -> str:
    caller = tenant.caller(*ALL)
    async with asyncio.timeout(20):
        while True:
            for one in (await caller.get("/v1/conversations")).json():
                if one["active_run"]:
                    return one["active_run"]
            await asyncio.sleep(0.02)


async def test_what_failed_is_not_recorded(tenant: Tenant) -> None:
    caller = tenant.caller(*ALL)
    await connect(caller)
    taken = {"system_name": "anthropic", "name": "Main", "values": {"api_key": "sk-1234"}}
    assert (await caller.post("/v1/credentials", json=taken)).status_code == 409
    assert (await caller.delete(f"/v1/credentials/{new_id()}")).status_code == 404
    assert (await caller.delete(f"/v1/indexes/{new_id()}")).status_code == 404
    assert len(what(tenant)) == 1


async def test_where_it_came_from_is_told_by_the_dashboard_alone(tenant: Tenant) -> None:
    told = {CLIENT_ADDRESS: "203.0.113.7", CLIENT_AGENT: "Fire%C3%9Fox%00 %3Cb%3E"}
    caller = tenant.caller(*ALL)
    answer = await caller.post("/v1/indexes", json={"name": "One"}, headers=told)
    assert answer.status_code == 201
    (row,) = audited(tenant.engine, tenant.id)
    assert (row.ip_address, row.user_agent) == ("203.0.113.7", "Fireßox <b>")

    stranger = client(tenant.engine)
    assert (await stranger.post("/v1/indexes", json={"name": "x"}, headers=told)).status_code == 401
    forwarded = {"X-Forwarded-For": "198.51.100.1"}  # of a proxy that nobody trusts
    await caller.post("/v1/indexes", json={"name": "Two"}, headers=forwarded)
    assert audited(tenant.engine, tenant.id)[1].ip_address is None


async def test_who_acts_for_somebody_is_named_too(tenant: Tenant) -> None:
    behind = new_id()
    claims = ServiceClaims(
        sub="test", tenant=tenant.id, user=tenant.user_id, impersonator=behind,
        permissions=frozenset(ALL),
    )  # fmt: skip
    caller = client(tenant.engine, sign(claims.model_dump(mode="json"), ENGINE))
    await post(caller, "/v1/indexes", name="One")

    (row,) = (await caller.get(URL)).json()
    assert (row["user_id"], row["impersonator_id"]) == (str(tenant.user_id), str(behind))
    assert len((await caller.get(URL, params={"user_id": str(behind)})).json()) == 1


# Reading it


@pytest.fixture
async def filled(tenant: Tenant) -> Tenant:
    caller = tenant.caller(*ALL)
    for n in range(5):
        await post(caller, "/v1/indexes", name=f"Index {n}")
    await connect(tenant.caller(*ALL, user_id=new_id()), "Other")
    return tenant


async def test_the_list_pages_both_ways(filled: Tenant, statements: Statements) -> None:
    caller = filled.caller(READ)
    with statements.exactly(2):  # set the tenant, read the page
        everything = (await caller.get(URL)).json()
    assert [row["seq"] for row in everything] == [6, 5, 4, 3, 2, 1]

    first = (await caller.get(URL, params={"limit": 2})).json()
    second = (await caller.get(URL, params={"limit": 2, "after": first[-1]["id"]})).json()
    back = (await caller.get(URL, params={"limit": 2, "before": second[0]["id"]})).json()
    assert first + second == everything[:4]
    assert back == first
    one = await caller.get(f"{URL}/{first[0]['id']}")
    assert one.json() == first[0]
    assert everything[1]["prev_hash"] == everything[2]["hash"]


@pytest.mark.parametrize(
    ("filters", "seqs"),
    [
        ({"action": "CREATE"}, [6, 5, 4, 3, 2, 1]),
        ({"action": "DELETE"}, []),
        ({"resource_type": "credential"}, [6]),
        ({"q": "INDEX 3"}, [4]),
        ({"q": "%"}, []),
        ({"q": "_"}, [6, 5, 4, 3, 2, 1]),
        ({"since": "2001-01-01T00:00:00Z", "until": "2001-01-02T00:00:00+02:00"}, []),
        ({"since": "2001-01-01T00:00:00Z"}, [6, 5, 4, 3, 2, 1]),
        ({"since": "9999-12-31T23:59:59Z"}, []),
        ({"until": "0001-01-01T00:00:00Z"}, []),
    ],
)
async def test_filters(filled: Tenant, filters: dict[str, str], seqs: list[int]) -> None:
    found = await filled.caller(READ).get(URL, params=filters)
    assert [row["seq"] for row in found.json()] == seqs, found.text


async def test_filters_by_person_and_thing(filled: Tenant) -> None:
    caller = filled.caller(READ)
    mine = (await caller.get(URL, params={"user_id": str(filled.user_id)})).json()
    assert len(mine) == 5
    params = {"resource_id": mine[0]["resource_id"], "resource_type": "index"}
    assert (await caller.get(URL, params=params)).json() == mine[:1]


@pytest.mark.parametrize(
    ("field", "value"),
    [("limit", "0"), ("limit", "201"), ("after", "x"), ("user_id", "x"), ("since", "yesterday"),
     ("since", "2001-01-01T00:00:00"), ("q", "a\0b"), ("q", "x" * 201), ("nonsense", "1")],
)  # fmt: skip
async def test_bad_filters_are_named(tenant: Tenant, field: str, value: str) -> None:
    answer = await tenant.caller(READ).get(URL, params={field: value})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


async def test_another_tenant_sees_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    await post(tenant.caller(*ALL), "/v1/indexes", name="One")
    (row,) = (await tenant.caller(READ).get(URL)).json()
    stranger = other.caller(*ALL)

    assert (await stranger.get(URL)).json() == []
    answer = await stranger.get(f"{URL}/{row['id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "audit_not_found")
    assert (await stranger.get(f"{URL}/verify")).json()["rows"] == 0


async def test_it_takes_the_permission(tenant: Tenant, engine: FastAPI) -> None:
    caller = tenant.caller(*(permission for permission in Permission if permission is not READ))
    for path in (URL, f"{URL}/verify", f"{URL}/{new_id()}"):
        assert (await caller.get(path)).status_code == 403, path
        assert (await client(engine).get(path)).status_code == 401, path


async def test_one_verification_at_a_time(filled: Tenant, other: Tenant) -> None:
    """It reads everything: an impatient person must not make the engine do it twice at once."""
    lock = "select pg_advisory_xact_lock(hashtextextended('audit' || %s, 0))"
    with psycopg.connect(owner_conninfo(filled.engine)) as busy:
        busy.execute(lock, [str(filled.id)])
        answer = await filled.caller(READ).get(f"{URL}/verify")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
        assert (await other.caller(READ).get(f"{URL}/verify")).status_code == 200
        shown = await filled.member("admin").get("/audit/verify", headers={"Accept": "text/html"})
        assert shown.status_code == 503
    assert (await filled.caller(READ).get(f"{URL}/verify")).status_code == 200


async def test_the_log_is_verified(filled: Tenant) -> None:
    caller = filled.caller(READ)
    checked = (await caller.get(f"{URL}/verify")).json()
    newest = (await caller.get(URL, params={"limit": 1})).json()[0]
    assert checked == {
        "intact": True, "rows": 6, "broken": 0, "breaks": [], "head": newest["hash"],
    }  # fmt: skip
