"""Something to look at: agents, what one was asked and knows, people, keys, other ways in."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from tests import admins
from tests.browser import connected
from tests.builders import Tenant, client, create_agent, publish
from tests.directory import Directory
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
_STAMP = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 30" width="240" height="120">
  <rect x="2" y="2" width="56" height="26" rx="4" fill="none" stroke="#a33" stroke-width="3"/>
</svg>"""
_EVERYTHING = frozenset(Permission)
_LONG = "A company with quite a long name that nobody would ever shorten GmbH & Co. KG"
_PEOPLE = [
    ("admin", "Katherine Johnson", "katherine@harbour.example"),
    ("editor", "Grace Brewster Hopper", "grace.brewster.murray.hopper@cartography.harbour.example"),
    ("editor", "Mary Jackson", "mary@harbour.example"),
    ("viewer", "Dorothy Vaughan", "dorothy@harbour.example"),
]
_NAMED = 'update "user" set name = %s, email = %s, email_verified = true where id = %s'


async def furnish(tenant: Tenant) -> Mapping[str, str]:
    """Addresses of pages that are worth a look, by what is on them."""
    everything = tenant.caller(*_EVERYTHING)
    agent_id = await _conversation(tenant, everything)
    await _program(tenant, everything, agent_id)
    index = await _post(everything, "/v1/indexes", {"name": "Handbook", "description": "For all."})
    file = ("returns.md", b"# Returns\n\nWithin 30 days.", "text/markdown")
    path = f"/v1/indexes/{index['id']}/documents"
    answer = await everything.post(path, files={"file": file}, data={"source_key": "returns.md"})
    assert answer.status_code == 201, answer.text
    owner = tenant.member("owner", tenant.user_id)
    _people(tenant)
    await _folders(owner)
    await _ways_in(tenant, owner)
    return await connected.connect(tenant)


def _people(tenant: Tenant) -> None:
    """Named as people are; the owner, too."""
    _name(tenant, tenant.user_id, "Ada Lovelace", "ada@harbour.example")
    slug = f"acme-{tenant.id.hex[-4:]}"
    admins.query(tenant.dashboard, "update tenant set slug = %s where id = %s", slug, tenant.id)
    for role, name, email in _PEOPLE:
        person = new_id()
        tenant.member(role, person)
        _name(tenant, person, name, email)


def _name(tenant: Tenant, person: uuid.UUID, name: str, email: str) -> None:
    admins.query(tenant.dashboard, _NAMED, name, f"{person.hex[-4:]}.{email}", person)


async def _folders(owner: httpx.AsyncClient) -> None:
    """Three deep, and an agent in each."""
    above = None
    for name in ("Harbour", "Customers", "Questions of customers who wait for a long time"):
        folder = {"name": name, "parent_id": above, "scope": "shared"}
        above = (await _post(owner, "/api/folders", folder))["id"]
        await create_agent(owner, name=f"{name[:9]} helper", folder_id=above)
    await _post(owner, "/api/folders", {"name": "Private matters", "scope": "private"})


async def _ways_in(tenant: Tenant, owner: httpx.AsyncClient) -> None:
    """By a letter, by the company's own sign-on, by its directory."""
    for name in ("new.colleague", "somebody.with.a.very.long.address.indeed"):
        invitation = {"email": f"{name}@cartography.harbour.example", "role": "editor"}
        await _post(owner, "/api/invitations", invitation)
    provider = {"name": "Okta", "issuer": "https://login.harbour.example", "client_id": "monster"}
    await _post(owner, "/api/identity-providers", provider | {"client_secret": "not a real one"})
    made = await _post(owner, "/api/scim-tokens", {"name": "Okta directory"})
    directory = Directory(client(tenant.dashboard, made["token"]), made["token"], made["id"])
    ada = await directory.bring(
        f"annie.{new_id().hex[-4:]}@harbour.example", displayName="Annie Easley"
    )
    for name in ("Everybody in the north of the harbour", "Pilots"):
        await directory.group(ada["id"], name=name)


def furnish_platform(tenant: Tenant) -> None:
    """Other workspaces, one of them suspended, and a job that failed."""
    for _ in range(2):
        Tenant(tenant.dashboard, tenant.engine).member("owner")
    suspended = Tenant(tenant.dashboard, tenant.engine)
    suspended.member("owner")
    admins.query(
        tenant.dashboard,
        "update tenant set suspended_at = now() - interval '3 hours', name = %s where id = %s",
        _LONG,
        suspended.id,
    )
    admins.query(
        tenant.dashboard,
        "insert into procrastinate_jobs (queue_name, task_name, status, attempts, args) values"
        " ('x', 'agents.deliver_spec', 'failed', 10, jsonb_build_object('error', %s::text))",
        "EngineUnavailable",
    )


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
        inside=("refuse",),
    )
    await everything.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    named = {"agent_id": agent_id, "title": "Where is order 4512?"}
    talk = (await _post(everything, "/v1/conversations", named))["id"]
    for name, content in (("orders of the week.csv", b"order\n4512\n"), ("stamp.svg", _STAMP)):
        answer = await everything.put(f"/v1/conversations/{talk}/files/{name}", content=content)
        assert answer.is_success, answer.text
    asked = 'Where is order 4512?\n\nAttached files: "orders of the week.csv", "stamp.svg"'
    await Caller(agent_id, everything).ask_json(asked, talk)
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
