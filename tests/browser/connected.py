"""What the company has connected: systems, servers, tools; and a run that waits for a person."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import psycopg

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.contracts.tools import AttachedTool
from monster.engine.tools.charts import Charts
from monster.engine.tools.jira import Jira
from tests.builders import Tenant, create_agent, owner_conninfo
from tests.mcp import remote
from tests.systems.jira_server import TOKEN, USERNAME, jira_server

AGENT = "Repairs"
_SCRIPT = [
    {
        "text": "I write it down for the people who repair printers.",
        "calls": [
            [
                "jira_create",
                {
                    "project": "OPS",
                    "type": "Bug",
                    "summary": "The printer on the third floor jams",
                    "description": "It began on Monday.\n\n" + "Paper comes out folded. " * 12,
                },
            ]
        ],
    },
    {"text": "The issue is there."},
]
_SALES = b"month,sales\nMay,40\nJune,42\nJuly,58\nAugust,31\n"
_LONG = "sales of the whole year, by month, department and colour - final version (2).csv"
_EXPIRED = "update credential set status = 'expired', last_error = %s where id = %s"
_WHY = "Atlassian does not renew what was agreed to: connect it again."


async def connect(tenant: Tenant) -> Mapping[str, str]:
    """Addresses of the pages that show it, by what is on them."""
    engine, owner = tenant.caller(*Permission), tenant.member("owner", tenant.user_id)
    app = await _app(engine)
    jira = await _jira(tenant, engine)
    server = await _server(engine)
    tool = await _tool(engine)
    agent = (await create_agent(owner, name=AGENT, model="script:test"))["id"]
    attached = await _attach(owner, agent, jira, server, tool)
    conversation = await _wait(tenant, engine, agent, jira)
    return {
        "connection-jira": f"/connections/{jira}",
        "connect-sql": f"/connections/new?factory={await _factory(engine, 'postgresql')}",
        "connect-gmail": f"/connections/new?factory={await _factory(engine, 'gmail')}",
        "oauth-provider-full": f"/settings/oauth-providers/{app}",
        "mcp-changed": f"/settings/mcp/{server}",
        "custom-tool-full": f"/settings/custom-tools/{tool}",
        "agent-tools": f"/agents/{agent}/tools",
        "agent-tool": f"/agents/{agent}/tools/{attached}",
        "agent-tool-new": f"/agents/{agent}/tools/new?factory={Jira.factory_id()}",
        "conversation-waits": f"/conversations/{conversation}",
        "conversation-files-full": f"/conversations/{conversation}/files",
    }


async def _factory(engine: httpx.AsyncClient, system: str) -> str:
    found = (await engine.get("/v1/tool_factories")).json()
    return next(one["id"] for one in found if one["system_name"] == system)


async def _app(engine: httpx.AsyncClient) -> str:
    provider = {"system_name": "atlassian", "name": "Our Atlassian app", "client_id": "a1b2c3d4"}
    secret = {"client_secret": "not a real one", "scopes": ["read:jira-work", "offline_access"]}
    return (await _post(engine, "/v1/oauth_providers", provider | secret))["id"]


async def _jira(tenant: Tenant, engine: httpx.AsyncClient) -> str:
    """One that works; and, beside it, one that nobody renews."""
    async with jira_server() as served:
        values = {"jira_url": served.url, "jira_username": USERNAME, "jira_token": TOKEN}
        body = {"system_name": "jira", "scope": "shared", "values": values}
        works = await _post(engine, "/v1/credentials", body | {"name": "JIRA of everyone"})
        tested = await engine.post(f"/v1/credentials/{works['id']}/test", json={})
        assert tested.is_success, tested.text
        name = "The tickets of the colleagues in the north, read only"
        old = await _post(engine, "/v1/credentials", body | {"name": name})
    with psycopg.connect(owner_conninfo(tenant.engine), autocommit=True) as database:
        database.execute(_EXPIRED, [_WHY, uuid.UUID(old["id"])])
    return works["id"]


async def _server(engine: httpx.AsyncClient) -> str:
    """What it offers was accepted, and is not what it offers now."""
    with remote.served() as url:
        made = await _post(engine, "/v1/mcp_servers", {"name": "Naughty", "url": url})
        path = f"/v1/mcp_servers/{made['id']}"
        names = ["greet", "large", "picture"]
        await engine.patch(path, json={"allowed": names})
        offered = (await engine.post(f"{path}/discover", json={})).json()
        accepted = {"digest": offered["found"]["digest"], "effects": {"greet": "read"}}
        answer = await engine.post(f"{path}/accept", json=accepted)
        assert answer.is_success, answer.text
        await remote.change(url)
        await engine.patch(path, json={"allowed": [*names, "environment"]})
        found = None
        while not (found and found["changed"]):  # soon it is known
            found = (await engine.post(f"{path}/discover", json={})).json()["found"]
    return made["id"]


async def _tool(engine: httpx.AsyncClient) -> str:
    body = {
        "name": "Stock of the warehouse",
        "description": "What is there, and what is on its way.",
        "base_url": "https://stock.harbour.example",
        "auth_config": {"strategy_token": {"1. key": {"description": "Key", "type": "secret"}}},
        "headers": {"Authorization": "Bearer {key}"},
        "functions": [
            {"name": "items", "description": "Lists what is there.", "path": "/v1/items"},
            {
                "name": "move_between_the_shelves_of_the_warehouse",
                "description": "Moves an item to another shelf.",
                "method": "POST",
                "path": "/v1/items/{id}/moves",
                "parameters": [{"name": "id", "place": "path", "required": True}],
            },
        ],
    }
    return (await _post(engine, "/v1/tool_factories/custom", body))["id"]


async def _attach(owner: httpx.AsyncClient, agent: str, jira: str, server: str, tool: str) -> str:
    attached = [
        {"tool_factory_id": str(Jira.factory_id()), "name": "jira", "credential_id": jira},
        {"tool_factory_id": str(Charts.factory_id()), "name": "charts"},
        {"tool_factory_id": server, "name": "naughty"},
        {"tool_factory_id": tool, "name": "stock_of_the_warehouse_in_the_north"},
    ]
    path = f"/api/agents/{agent}/tools"
    made = [await _post(owner, path, one | {"approval": "always"}) for one in attached]
    return made[0]["id"]


async def _wait(tenant: Tenant, engine: httpx.AsyncClient, agent: str, jira: str) -> str:
    """The conversation in which a call waits for a person, with files."""
    tool = AttachedTool(
        name="jira",
        tool_factory_id=Jira.factory_id(),
        credential_id=uuid.UUID(jira),
        functions=("create",),
        approval="always",
    )
    spec = AgentSpec(
        version=1,
        user_id=tenant.user_id,
        scope="shared",
        name=AGENT,
        model="script:test",
        instruction=json.dumps(_SCRIPT),
        tools=(tool,),
    )
    answer = await engine.put(f"/v1/agents/{agent}", json=spec.model_dump(mode="json"))
    assert answer.is_success, answer.text
    begun = await _post(engine, "/v1/conversations", {"agent_id": agent, "title": "A printer jams"})
    path = f"/v1/conversations/{begun['id']}"
    for name in ("sales 2026.csv", _LONG):
        assert (await engine.put(f"{path}/files/{name}", content=_SALES)).is_success
    asked = {"message": "Tell them that the printer jams.", "conversation_id": begun["id"]}
    run = await engine.post(f"/v1/agents/{agent}/runs", json=asked)
    assert run.json()["status"] == "waiting", run.text
    return begun["id"]


async def _post(http: httpx.AsyncClient, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
