"""Something to look at: an agent, what it was asked, and what it knows."""

import json
from typing import Any

import httpx

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from tests.builders import Tenant, client, create_agent, publish
from tests.talk import Caller

AGENT = "Harbour desk"

_ANSWER = """**Order 4512** left the warehouse this morning.

1. It should arrive on *Thursday*.
2. If it does not, [say so](https://harbour.example/help).

| Step | Time |
|---|---|
| Packed | 07:40 |
| Left | 09:12 |

```python
print("a line of code that is long enough to need room to the right of what a phone shows")
```
"""
_SCRIPT = [{"text": "I look it up.", "calls": [["refuse", {"order": 4512}]]}, {"text": _ANSWER}]
_EVERYTHING = frozenset(Permission)


async def furnish(tenant: Tenant) -> None:
    everything = tenant.caller(*_EVERYTHING)
    agent_id = await _conversation(tenant, everything)
    await _program(tenant, everything, agent_id)
    index = await _post(everything, "/v1/indexes", {"name": "Handbook", "description": "For all."})
    file = ("returns.md", b"# Returns\n\nWithin 30 days.", "text/markdown")
    path = f"/v1/indexes/{index['id']}/documents"
    answer = await everything.post(path, files={"file": file}, data={"source_key": "returns.md"})
    assert answer.status_code == 201, answer.text


async def _conversation(tenant: Tenant, everything: httpx.AsyncClient) -> str:
    member = tenant.member("owner", tenant.user_id)
    agent_id = (await create_agent(member, name=AGENT, model="script:test"))["id"]
    await publish(member, agent_id)
    spec = AgentSpec(
        version=1,
        user_id=tenant.user_id,
        scope="shared",
        name=AGENT,
        model="script:test",
        instruction=json.dumps(_SCRIPT),
        tools=("refuse",),
    )
    await everything.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    await Caller(agent_id, everything).ask_json("Where is order 4512?")
    return agent_id


async def _program(tenant: Tenant, everything: httpx.AsyncClient, agent_id: str) -> None:
    """A key that has spent something, on behalf of somebody."""
    permissions = ["runs:write", "contacts:write", "contacts:read"]
    key = {"name": "Web shop", "permissions": permissions, "budget_tokens": 2000}
    made = await _post(everything, "/v1/api-keys", key)
    await _post(everything, "/v1/api-keys", {"name": "Old script", "permissions": permissions})
    program = client(tenant.engine, made["key"])
    contact = {"ext_id": "crm-4711", "name": "Grace Hopper", "meta": {"plan": "pro"}}
    body = {"message": "Where is order 4512?", "contact": contact}
    answer = await program.post(f"/v1/agents/{agent_id}/runs", json=body)
    assert answer.status_code == 200, answer.text


async def _post(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, str]:
    answer = await http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
