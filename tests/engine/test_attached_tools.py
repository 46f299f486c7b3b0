"""Tools that are attached to an agent, in a run: with whose connection, and what becomes of it."""

import uuid
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import psycopg
import pytest

from monster.contracts import pinning
from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.contracts.tools import Approval, AttachedTool, ToolFactoryOut
from monster.engine.access.scope import Scope
from monster.engine.tools.jira import Jira
from monster.kit.ids import new_id
from tests.approvals import Waits, person
from tests.builders import Tenant, owner_conninfo
from tests.systems.jira_server import TOKEN, USERNAME, JiraServer, jira_server
from tests.talk import Script, text_of

READ, WRITE = Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE
DONE = {"text": "done"}
CREATE = ["jira_create", {"project": "OPS", "summary": "Printer jams"}]
SEARCH = ["jira_search", {"jql": "project = OPS"}]


@pytest.fixture
async def jira() -> AsyncGenerator[JiraServer]:
    async with jira_server() as served:
        yield served


async def connect(
    tenant: Tenant, jira: JiraServer, user_id: uuid.UUID | None = None, **changes: object
) -> dict[str, Any]:
    values = {"jira_url": jira.url, "jira_username": USERNAME, "jira_token": TOKEN}
    body: dict[str, Any] = {"system_name": "jira", "name": f"JIRA {new_id()}", "values": values}
    caller = tenant.caller(READ, WRITE, user_id=user_id)
    answer = await caller.post("/v1/credentials", json=body | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def publish(
    tenant: Tenant,
    script: Script,
    credential_id: str | None = None,
    approval: Approval = "never",
    functions: tuple[str, ...] = (),
    of: dict[str, Any] | None = None,
) -> str:
    offered = ToolFactoryOut.model_validate(of).tools if of else ()
    tool = AttachedTool(
        name="jira",
        tool_factory_id=of["id"] if of else Jira.factory_id(),
        pinned=tuple(pinning.pin(one) for one in offered),
        credential_id=uuid.UUID(credential_id) if credential_id else None,
        functions=functions,
        approval=approval,
    )
    spec = AgentSpec(
        version=1,
        user_id=tenant.user_id,
        scope="shared",
        name="Helper",
        model="script:test",
        instruction=orjson.dumps(script).decode(),
        tools=(tool,),
    )
    agent_id = str(new_id())
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    answer = await publisher.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    assert answer.status_code == 200, answer.text
    return agent_id


async def test_reads_and_writes_where_it_is_connected(tenant: Tenant, jira: JiraServer) -> None:
    made = await connect(tenant, jira)
    agent = await publish(tenant, [{"calls": [CREATE]}, {"calls": [SEARCH]}, DONE], made["id"])
    events = await person(tenant, agent).ask("go")

    assert text_of(events) == "done "
    results = [event.data for event in events if event.type == "tool.result"]
    assert [result["failed"] for result in results] == [False, False]
    assert orjson.loads(results[0]["content"])["key"] == "OPS-1"
    assert [issue["fields"]["summary"] for issue in jira.issues.values()] == ["Printer jams"]
    assert TOKEN not in str(events)
    used = (await tenant.caller(READ).get(f"/v1/credentials/{made['id']}")).json()
    assert used["last_used_at"]


async def test_a_model_sees_the_chosen_functions_only(tenant: Tenant, jira: JiraServer) -> None:
    made = await connect(tenant, jira)
    script: Script = [{"calls": [CREATE]}, DONE]
    agent = await publish(tenant, script, made["id"], functions=("search",))
    events = await person(tenant, agent).ask("go")
    (result,) = [event.data for event in events if event.type == "tool.result"]
    assert result["content"] == "there is no tool 'jira_create'"
    assert jira.issues == {}


async def test_bad_arguments_are_told_and_nothing_is_sent(tenant: Tenant, jira: JiraServer) -> None:
    made = await connect(tenant, jira)
    calls = [["jira_create", {"project": "OPS"}], ["jira_search", {"jql": 5, "x": 1}]]
    agent = await publish(tenant, [{"calls": calls}, DONE], made["id"])
    events = await person(tenant, agent).ask("go")
    results = [event.data for event in events if event.type == "tool.result"]
    assert all(result["failed"] and "argument" in result["content"] for result in results)
    assert jira.issues == {}
    assert len(results) == 2


async def test_somebody_elses_private_connection_is_never_used(
    tenant: Tenant, jira: JiraServer
) -> None:
    made = await connect(tenant, jira, scope="private")
    agent = await publish(tenant, [{"calls": [SEARCH]}, DONE], made["id"])
    other = new_id()

    waits = Waits(person(tenant, agent, other), await person(tenant, agent, other).ask_json("go"))
    assert (waits.run["status"], waits.run["reason"]) == ("waiting", "connection: JIRA")
    assert waits.run["waiting"][0]["tool_factory_id"] == str(Jira.factory_id())
    assert jira.requests == []

    await connect(tenant, jira, other, scope="private")
    await waits.answer()
    assert (await waits.end())["status"] == "completed"
    assert len(jira.requests) == 1


async def test_another_tenants_connection_does_not_exist(
    two_tenants: tuple[Tenant, Tenant], jira: JiraServer
) -> None:
    tenant, other = two_tenants
    made = await connect(tenant, jira, scope="shared")
    agent = await publish(other, [{"calls": [SEARCH]}, DONE], made["id"])
    run = await person(other, agent).ask_json("go")
    assert (run["status"], run["reason"]) == ("waiting", "connection: JIRA")
    assert jira.requests == []


async def test_another_tenants_tool_factory_does_not_exist(
    two_tenants: tuple[Tenant, Tenant], jira: JiraServer
) -> None:
    tenant, other = two_tenants
    look = {"name": "look", "description": "Looks.", "path": "/rest/api/3/myself"}
    body = {"name": "Shop", "base_url": jira.url, "functions": [look]}
    made = await tenant.caller(READ, WRITE).post("/v1/tool_factories/custom", json=body)
    factory = made.json()
    script: Script = [{"calls": [["jira_look", {}]]}, DONE]
    asked = list[bool]()
    for who in (other, tenant):
        agent = await publish(who, script, of=factory)
        await person(who, agent).ask("go")
        asked.append(bool(jira.requests))
    assert asked == [False, True]


async def test_a_connection_that_is_refused_says_so_and_the_run_waits(
    tenant: Tenant, jira: JiraServer
) -> None:
    made = await connect(tenant, jira)
    agent = await publish(tenant, [{"calls": [CREATE]}, DONE], made["id"])
    jira.token = "ATATT-another-token"
    waits = Waits(person(tenant, agent), await person(tenant, agent).ask_json("go"))
    caller = tenant.caller(READ, WRITE)

    assert waits.run["reason"] == "connection: JIRA"
    expired = (await caller.get(f"/v1/credentials/{made['id']}")).json()
    assert expired["status"] == "expired"
    assert expired["last_error"]

    values = {"jira_token": jira.token}
    changed = await caller.patch(f"/v1/credentials/{made['id']}", json={"values": values})
    assert changed.status_code == 200, changed.text
    await waits.answer()
    assert (await waits.end())["status"] == "completed"
    assert len(jira.issues) == 1


async def test_an_answer_that_never_came_is_never_repeated(
    tenant: Tenant, jira: JiraServer
) -> None:
    made = await connect(tenant, jira)
    agent = await publish(tenant, [{"calls": [CREATE]}, DONE], made["id"])
    jira.broken = True
    waits = Waits(person(tenant, agent), await person(tenant, agent).ask_json("go"))
    assert waits.run["status"] == "waiting"
    assert waits.run["waiting"][0]["waits_for"] == "unknown"


async def test_a_write_waits_for_a_person(tenant: Tenant, jira: JiraServer) -> None:
    made = await connect(tenant, jira)
    agent = await publish(tenant, [{"calls": [CREATE]}, DONE], made["id"], "always")
    waits = Waits(person(tenant, agent), await person(tenant, agent).ask_json("go"))
    assert (waits.run["reason"], jira.issues) == ("approval", {})
    await waits.approve()
    assert (await waits.end())["status"] == "completed"
    assert len(jira.issues) == 1


async def test_what_was_read_makes_a_write_wait(tenant: Tenant, jira: JiraServer) -> None:
    made = await connect(tenant, jira)
    script: Script = [{"calls": [CREATE]}, {"calls": [SEARCH]}, {"calls": [CREATE]}, DONE]
    agent = await publish(tenant, script, made["id"], "untrusted")
    run = await person(tenant, agent).ask_json("go")
    assert (run["reason"], len(jira.issues)) == ("approval", 1)


async def test_the_value_is_in_no_row_but_sealed(tenant: Tenant, jira: JiraServer) -> None:
    made = await connect(tenant, jira)
    agent = await publish(tenant, [{"calls": [CREATE]}, DONE], made["id"])
    await person(tenant, agent).ask(f"my token is {TOKEN}, is that wise?")
    query = "select coalesce(string_agg(t::text, ''), '') from tool_call t where tenant_id = %s"
    with psycopg.connect(owner_conninfo(tenant.engine)) as connection:
        for table in ("tool_call", "credential", "secret"):
            row = connection.execute(query.replace("tool_call", table).encode(), [tenant.id])
            ((text,),) = row.fetchall()
            assert text
            assert TOKEN not in text


async def test_what_the_builder_says_is_told_with_each_function(
    tenant: Tenant, jira: JiraServer
) -> None:
    made = await connect(tenant, jira)
    find = tenant.engine.state.parts.runs.find_tools
    scope = Scope(tenant.id, "test", frozenset(), tenant.user_id)
    tool = AttachedTool(
        name="knowledge",
        tool_factory_id=Jira.factory_id(),
        credential_id=uuid.UUID(made["id"]),
        description="Issues of the warehouse are in OPS.",
        functions=("search",),
    )
    spec = {"tools": [tool.model_dump(mode="json")], "knowledge": {"indexes": [str(new_id())]}}
    (alone,) = (await find(scope, {"tools": spec["tools"]})).values()
    assert alone.schema.name == "knowledge_search"
    assert alone.schema.description.endswith("\n\nIssues of the warehouse are in OPS.")
    (own,) = (await find(scope, spec)).values()  # the engine's own is not displaced
    assert "number of its source" in own.schema.description
