"""Code that a model writes in a run, on the files of its conversation."""

import orjson

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.contracts.tools import AttachedTool
from monster.engine.tools.code_interpreter import CodeInterpreter
from monster.engine.tools.tables import Tables
from monster.kit.ids import new_id
from tests.approvals import person
from tests.builders import Tenant
from tests.talk import text_of

CODE = """
lines = open("sales.csv").read().replace("north", "NORTH")
open("big.csv", "w").write(lines)
print(open("/etc/passwd").read() if __import__("os").path.exists("/etc/passwd") else "nothing")
"""
RUN = ["py_run_python", {"code": CODE, "files": ["sales.csv"]}]
ASK = ["sql_query_tables", {"sql": "select sum(n)::int from big", "files": ["big.csv"]}]
SCRIPT = [{"calls": [RUN]}, {"calls": [ASK]}, {"text": "done"}]


def spec(tenant: Tenant) -> AgentSpec:
    """As agents have tools unless somebody says otherwise: what acts needs an approval once there
    is something in the conversation that somebody outside wrote, such as this file."""
    return AgentSpec(
        version=1,
        user_id=tenant.user_id,
        name="Analyst",
        model="script:test",
        instruction=orjson.dumps(SCRIPT).decode(),
        tools=(
            AttachedTool(name="py", tool_factory_id=CodeInterpreter.factory_id()),
            AttachedTool(name="sql", tool_factory_id=Tables.factory_id()),
        ),
    )


async def test_it_reads_and_writes_the_files_of_the_conversation(tenant: Tenant) -> None:
    agent_id = str(new_id())
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    body = spec(tenant).model_dump(mode="json")
    assert (await publisher.put(f"/v1/agents/{agent_id}", json=body)).status_code == 200
    caller = person(tenant, agent_id)
    people = tenant.caller(Permission.CONVERSATIONS_READ, Permission.CONVERSATIONS_WRITE)
    begun = await people.post("/v1/conversations", json={"agent_id": agent_id, "title": "Sales"})
    conversation_id = begun.json()["id"]
    url = f"/v1/conversations/{conversation_id}/files"
    await people.put(f"{url}/sales.csv", content=b"region,n\nnorth,40\nsouth,2\n")

    events = await caller.ask("go", conversation_id)

    assert text_of(events) == "done "
    ran, asked = [event.data for event in events if event.type == "tool.result"]
    assert (ran["failed"], asked["failed"]) == (False, False)
    assert "root:" not in ran["content"]
    assert orjson.loads(ran["content"])["files"][0]["name"] == "big.csv"
    assert orjson.loads(asked["content"])["rows"] == [[42]]
    listed = (await people.get(url)).json()
    assert sorted((file["name"], file["source"]) for file in listed) == [
        ("big.csv", "tool"),
        ("sales.csv", "upload"),
    ]


async def test_they_are_offered(tenant: Tenant) -> None:
    offered = (await tenant.caller(Permission.CREDENTIALS_READ).get("/v1/tool_factories")).json()
    names = {one["system_name"] for one in offered}
    assert {"charts", "code_interpreter", "documents", "tables"} <= names
