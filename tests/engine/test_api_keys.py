"""API keys through the front door: made by people, used by programs."""

import asyncio
import base64
import hashlib
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from monster.contracts.tokens import Permission
from monster.kit import clock, logs
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import ORIGIN, Tenant, client, make_spec, owner_conninfo
from tests.talk import SSE, Script, publish, read_events

ALL = tuple(Permission)
EVERYTHING = (
    "runs:write", "runs:read", "conversations:read", "conversations:write",
    "agents:read", "knowledge:read", "contacts:read", "contacts:write",
)  # fmt: skip
HELLO: Script = [{"text": "one two three"}]


async def make(tenant: Tenant, *permissions: str, **changes: object) -> dict[str, Any]:
    body = {"name": "Shop", "permissions": permissions or EVERYTHING, **changes}
    answer = await tenant.caller(*ALL).post("/v1/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def program(tenant: Tenant, *permissions: str, **changes: object) -> httpx.AsyncClient:
    """Who holds a new key."""
    return client(tenant.engine, (await make(tenant, *permissions, **changes))["key"])


def sql(tenant: Tenant, query: str, *params: object) -> list[tuple[Any, ...]]:
    """As superuser."""
    with psycopg.connect(owner_conninfo(tenant.engine), autocommit=True) as connection:
        cursor = connection.execute(query.encode(), params)
        return cursor.fetchall() if cursor.description else []


async def ask(
    caller: httpx.AsyncClient, agent_id: str, message: str = "hi", **more: object
) -> httpx.Response:
    body = {"message": message, **more}
    return await caller.post(f"/v1/agents/{agent_id}/runs", json=body, timeout=30)


async def test_a_key_is_shown_once_and_never_again(tenant: Tenant) -> None:
    made = await make(tenant, "runs:write")
    person = tenant.caller(*ALL)

    assert len(made["key"]) == 3 + 22 + 1 + 43
    assert made["key"][26:].startswith(made["prefix"])
    assert base64.urlsafe_b64decode(made["key"][3:25] + "==") == tenant.id.bytes
    for path in ("/v1/api-keys", f"/v1/api-keys/{made['id']}"):
        shown = await person.get(path)
        assert made["prefix"] in shown.text
        assert made["key"] not in shown.text
        assert made["key"][26:] not in shown.text
    assert made["key"] not in logs.mask(f"presented: {made['key']}")


async def test_what_is_stored_is_a_hash(tenant: Tenant) -> None:
    made = await make(tenant)
    rows = sql(tenant, "select k::text from api_key k where id = %s", made["id"])
    assert rows
    assert made["key"][26:] not in rows[0][0]


async def test_a_turn_by_key_is_six_statements_at_most(
    tenant: Tenant, statements: Statements
) -> None:
    agent_id = await publish_shared(tenant, HELLO)
    shop = await program(tenant, requests_per_minute=1000, budget_tokens=10**9)
    await ask(shop, agent_id)

    with statements.exactly(6):  # tenant and key; tenant and open; tenant and close
        answer = await shop.post(f"/v1/agents/{agent_id}/runs", json={"message": "hi"}, headers=SSE)

    assert [event.type for event in read_events(answer.text)][-1] == "run.completed"


async def publish_shared(tenant: Tenant, script: Script) -> str:
    agent_id = await publish(tenant, script)
    share = "update agent_spec set spec = spec || %s::jsonb where agent_id = %s"
    sql(tenant, share, '{"scope": "shared"}', agent_id)
    return agent_id


async def test_a_key_talks_and_reads_what_it_began(tenant: Tenant) -> None:
    agent_id = await publish_shared(tenant, HELLO)
    shop = await program(tenant)

    run = (await ask(shop, agent_id)).json()
    listed = (await shop.get("/v1/conversations")).json()

    assert run["status"] == "completed"
    assert [talk["id"] for talk in listed] == [run["conversation_id"]]
    path = f"/v1/conversations/{run['conversation_id']}"
    assert len((await shop.get(f"{path}/messages")).json()) == 2
    assert [r["id"] for r in (await shop.get(f"{path}/runs")).json()] == [run["id"]]
    assert (await shop.get(f"/v1/runs/{run['id']}/events")).status_code == 200
    again = await ask(shop, agent_id, conversation_id=run["conversation_id"])
    assert again.json()["conversation_id"] == run["conversation_id"]
    assert (await shop.patch(path, json={"title": "New"})).json()["title"] == "New"
    assert (await shop.delete(path)).status_code == 204


async def test_what_one_owner_said_is_hidden_from_all_others(tenant: Tenant) -> None:
    agent_id = await publish_shared(tenant, HELLO)
    contact = await new_contact(tenant)
    person = tenant.caller(*ALL)
    bound, twin = [await program(tenant, contact_id=contact) for _ in range(2)]
    shop, shop2 = [await program(tenant) for _ in range(2)]
    callers = {"person": person, "bound": bound, "shop": shop, "shop2": shop2}
    runs = {name: (await ask(caller, agent_id)).json() for name, caller in callers.items()}

    for name, caller in callers.items():
        for whose, run in runs.items():
            path = f"/v1/conversations/{run['conversation_id']}"
            expected = 200 if name == whose else 404
            for url in (path, f"{path}/messages", f"{path}/runs", f"/v1/runs/{run['id']}"):
                assert (await caller.get(url)).status_code == expected, (name, whose, url)
            events = await caller.get(f"/v1/runs/{run['id']}/events")
            assert events.status_code == expected
            if name != whose:
                refused = await ask(caller, agent_id, conversation_id=run["conversation_id"])
                assert refused.json()["error"]["code"] == "conversation_not_found"
                assert (await caller.post(f"/v1/runs/{run['id']}/cancel")).status_code == 404
                assert (await caller.delete(path)).status_code == 404
    # Another key that speaks for the same contact is the same owner.
    same = await twin.get(f"/v1/conversations/{runs['bound']['conversation_id']}")
    assert same.status_code == 200


async def new_contact(tenant: Tenant, **changes: object) -> str:
    body = {"name": "Grace Hopper", **changes}
    answer = await tenant.caller(*ALL).post("/v1/contacts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_program_names_the_contact_for_whom_it_asks(tenant: Tenant) -> None:
    agent_id = await publish_shared(tenant, HELLO)
    shop = await program(tenant)
    grace = {"ext_id": "crm/7 é%", "name": "Grace", "meta": {"plan": "pro"}}

    first = await ask(shop, agent_id, contact=grace)
    talk = first.json()["conversation_id"]
    again = await ask(shop, agent_id, contact={"ext_id": "crm/7 é%"}, conversation_id=talk)
    stranger = await ask(shop, agent_id, contact={"ext_id": "other"}, conversation_id=talk)

    assert (first.status_code, again.json()["conversation_id"]) == (200, talk)
    assert stranger.status_code == 404
    known = (await shop.get("/v1/contacts", params={"ext_id": "crm/7 é%"})).json()
    assert [(one["name"], one["meta"]) for one in known] == [("Grace", {"plan": "pro"})]
    as_grace = {"X-Contact": "crm%2F7%20%C3%A9%25"}
    path, run = f"/v1/conversations/{talk}", f"/v1/runs/{first.json()['id']}"
    for url in (path, f"{path}/messages", f"{path}/runs", run, f"{run}/events"):
        assert (await shop.get(url)).status_code == 404
        assert (await shop.get(url, headers=as_grace)).status_code == 200
    assert (await shop.get("/v1/conversations")).json() == []
    assert (await ask(shop, agent_id, conversation_id=talk)).status_code == 404
    nobody = await shop.get("/v1/conversations", headers={"X-Contact": "nobody"})
    assert nobody.json()["error"]["code"] == "contact_not_found"


async def test_who_may_name_a_contact(tenant: Tenant) -> None:
    agent_id = await publish_shared(tenant, HELLO)
    grace = {"ext_id": "grace"}
    bound = await program(tenant, contact_id=await new_contact(tenant, ext_id="ada"))
    weak = await program(tenant, "runs:write", "runs:read")

    for caller in (bound, weak, tenant.caller(*ALL)):
        assert (await ask(caller, agent_id, contact=grace)).status_code == 403
    assert (await weak.get("/v1/runs/x", headers={"X-Contact": "ada"})).status_code == 403
    assert (await bound.get("/v1/conversations", headers={"X-Contact": "ada"})).status_code == 200
    await new_contact(tenant, ext_id="grace")
    other = await bound.get("/v1/conversations", headers={"X-Contact": "grace"})
    assert other.status_code == 404


NEEDS = [
    ("GET", "/v1/conversations", "conversations:read"),
    ("GET", f"/v1/runs/{new_id()}", "runs:read"),
    ("POST", f"/v1/runs/{new_id()}/cancel", "runs:write"),
    ("PATCH", f"/v1/conversations/{new_id()}", "conversations:write"),
    ("GET", f"/v1/agents/{new_id()}", "agents:read"),
    ("GET", "/v1/agents", "agents:read"),
    ("GET", "/v1/indexes", "knowledge:read"),
    ("GET", "/v1/contacts", "contacts:read"),
    ("PUT", "/v1/contacts/by-ext-id", "contacts:write"),
]


@pytest.mark.parametrize(("method", "path", "permission"), NEEDS)
async def test_a_key_does_what_it_may_and_nothing_else(
    tenant: Tenant, method: str, path: str, permission: str
) -> None:
    body = {"title": "x"} if method == "PATCH" else {"ext_id": "x"} if method == "PUT" else None
    rest = [one for one in EVERYTHING if one != permission]

    refused = await (await program(tenant, *rest)).request(method, path, json=body)
    allowed = await (await program(tenant, permission)).request(method, path, json=body)

    assert refused.json()["error"]["code"] == "forbidden"
    assert allowed.status_code in {200, 404}, allowed.text


async def test_a_key_manages_no_keys_and_nothing_of_people(tenant: Tenant) -> None:
    shop = await program(tenant)
    body = {"name": "More", "permissions": ["runs:read"]}
    contact = await new_contact(tenant)
    for method, path in (
        ("POST", "/v1/api-keys"),
        ("GET", "/v1/api-keys"),
        ("GET", f"/v1/api-keys/{new_id()}"),
        ("DELETE", f"/v1/api-keys/{new_id()}"),
        ("PATCH", f"/v1/api-keys/{new_id()}"),
        ("GET", f"/v1/contacts/{contact}/conversations"),
        ("GET", f"/v1/contacts/{contact}/export"),
        ("POST", f"/v1/contacts/{contact}/erase"),
        ("GET", "/v1/credentials"),
    ):
        json = body if method in {"POST", "PATCH"} and "keys" in path else None
        json = {"name": "x"} if method == "PATCH" else json
        answer = await shop.request(method, path, json=json)
        assert answer.json()["error"]["code"] == "forbidden", path


@pytest.mark.parametrize("permission", ["api_keys:write", "contacts:erase", "agents:publish", "x"])
async def test_no_key_gets_what_is_not_for_keys(tenant: Tenant, permission: str) -> None:
    body = {"name": "Shop", "permissions": [permission]}
    answer = await tenant.caller(*ALL).post("/v1/api-keys", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"].startswith("permissions")


async def test_nobody_gives_more_than_they_have(tenant: Tenant) -> None:
    caller = tenant.caller(Permission.API_KEYS_WRITE, Permission.RUNS_READ)
    body = {"name": "Shop", "permissions": ["runs:read", "runs:write"]}

    refused = await caller.post("/v1/api-keys", json=body)
    made = await caller.post("/v1/api-keys", json=body | {"permissions": ["runs:read"]})

    assert (refused.status_code, refused.json()["error"]["field"]) == (403, "permissions")
    assert made.status_code == 201


BAD: list[dict[str, object]] = [
    {"name": ""},
    {"permissions": []},
    {"requests_per_minute": 0},
    {"budget_tokens": 0},
    {"budget_tokens": True},
    {"expires_at": "2020-01-01T00:00:00Z"},
    {"expires_at": "2090-01-01T00:00:00"},
    {"agent_ids": ["x"]},
    {"surprise": 1},
]


@pytest.mark.parametrize("changes", BAD, ids=str)
async def test_bad_input_names_its_field(tenant: Tenant, changes: dict[str, object]) -> None:
    body = {"name": "Shop", "permissions": ["runs:read"], **changes}
    answer = await tenant.caller(*ALL).post("/v1/api-keys", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"].partition(".")[0] == next(iter(changes))
    assert (await tenant.caller(*ALL).get("/v1/api-keys")).json() == []


async def test_agents_and_contacts_of_a_key_are_the_tenants(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    theirs = {"agent_ids": [await publish_shared(other, HELLO)]}
    private = {"agent_ids": [await publish(tenant, HELLO)]}
    contact = {"contact_id": await new_contact(other)}

    for changes in (theirs, private, contact):
        body = {"name": "Shop", "permissions": ["runs:read"], **changes}
        answer = await tenant.caller(*ALL).post("/v1/api-keys", json=body)
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"]["field"] == next(iter(changes))


async def test_another_tenants_key_does_not_exist(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    path = f"/v1/api-keys/{(await make(tenant))['id']}"
    stranger = other.caller(*ALL)

    assert (await stranger.get("/v1/api-keys")).json() == []
    assert (await stranger.get(path)).json()["error"]["code"] == "api_key_not_found"
    assert (await stranger.patch(path, json={"name": "Mine"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await tenant.caller(*ALL).get(path)).json()["revoked_at"] is None


async def test_a_key_with_another_tenants_name_in_it_is_none(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    key = (await make(tenant))["key"]
    there = base64.urlsafe_b64encode(other.id.bytes).rstrip(b"=").decode()

    swapped = f"mk_{there}_{key[26:]}"

    assert (await client(tenant.engine, swapped).get("/v1/conversations")).status_code == 401
    # Not even if the hash were right: it is looked for among the rows of the tenant it names.
    digest = hashlib.sha256(swapped.encode()).digest()
    sql(tenant, "update api_key set key_hash = %s where tenant_id = %s", digest, tenant.id)
    assert (await client(tenant.engine, swapped).get("/v1/conversations")).status_code == 401


async def test_what_is_none_gets_one_answer(tenant: Tenant) -> None:
    made = await make(tenant)
    revoked = await make(tenant)
    await tenant.caller(*ALL).delete(f"/v1/api-keys/{revoked['id']}")
    later = (clock.now() + timedelta(hours=1)).isoformat()
    expired = await make(tenant, expires_at=later)
    sql(tenant, "update api_key set expires_at = now() where id = %s", expired["id"])
    unknown = made["key"][:-1] + ("A" if made["key"][-1] != "A" else "B")

    answers = [
        await client(tenant.engine, key).get("/v1/conversations")
        for key in (revoked["key"], expired["key"], unknown, "mk_", "mk_é")
        if key.isascii()
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert (await client(tenant.engine, made["key"]).get("/v1/conversations")).status_code == 200


async def test_revoked_is_revoked_at_once_and_stays_in_the_list(tenant: Tenant) -> None:
    made = await make(tenant)
    shop, person = client(tenant.engine, made["key"]), tenant.caller(*ALL)
    path = f"/v1/api-keys/{made['id']}"
    assert (await shop.get("/v1/conversations")).status_code == 200

    assert (await person.delete(path)).status_code == 204
    assert (await shop.get("/v1/conversations")).status_code == 401
    assert (await person.delete(path)).status_code == 204
    assert (await person.patch(path, json={"name": "Back"})).status_code == 404
    assert [one["revoked_at"] is not None for one in (await person.get("/v1/api-keys")).json()] == [
        True
    ]


async def test_a_suspended_workspace_answers_no_key(tenant: Tenant) -> None:
    shop = await program(tenant)
    sql(tenant, "insert into suspended_tenant values (%s, now())", tenant.id)

    answer = await shop.get("/v1/conversations")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "workspace_suspended")


async def test_a_key_reaches_its_agents_only(tenant: Tenant) -> None:
    agent_id, another = [await publish_shared(tenant, HELLO) for _ in range(2)]
    private = await publish(tenant, HELLO)
    made = await make(tenant)
    shop = client(tenant.engine, made["key"])
    talk = (await ask(shop, another)).json()
    assert (await ask(shop, private)).status_code == 404
    assert (await shop.get(f"/v1/agents/{private}")).status_code == 404
    both = {one["agent_id"] for one in (await shop.get("/v1/agents")).json()}
    assert both == {agent_id, another}

    body = {"agent_ids": [agent_id]}
    await tenant.caller(*ALL).patch(f"/v1/api-keys/{made['id']}", json=body)

    assert (await ask(shop, agent_id)).status_code == 200
    refused = await ask(shop, another)
    assert refused.json()["error"]["code"] == "agent_not_found"
    start = {"agent_id": another, "title": "x"}
    assert (await shop.post("/v1/conversations", json=start)).status_code == 404
    assert (await shop.get(f"/v1/agents/{another}")).status_code == 404
    assert [one["agent_id"] for one in (await shop.get("/v1/agents")).json()] == [agent_id]
    path = f"/v1/conversations/{talk['conversation_id']}"
    for url in (path, f"{path}/messages", f"{path}/runs", f"/v1/runs/{talk['id']}"):
        assert (await shop.get(url)).status_code == 404, url
    listed = (await shop.get("/v1/conversations")).json()
    assert [one["agent_id"] for one in listed] == [agent_id]


async def test_a_key_asks_as_often_as_it_may(tenant: Tenant) -> None:
    shop, other = [await program(tenant, requests_per_minute=3) for _ in range(2)]

    answers = [await shop.get("/v1/conversations") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "too_many_requests"
    assert answers[-1].headers["Retry-After"] == "20"
    assert (await other.get("/v1/conversations")).status_code == 200


async def test_who_guesses_keys_is_slowed_down_and_others_are_not(
    tenant: Tenant, engine: FastAPI
) -> None:
    guess = "mk_" + base64.urlsafe_b64encode(tenant.id.bytes).decode()[:22] + "_" + "x" * 43
    made = await make(tenant)
    address = f"guesser-{new_id()}"
    headers = {"Authorization": f"Bearer {guess}"}
    transport = httpx.ASGITransport(engine, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        codes = [
            (await http.get("/v1/conversations", headers=headers)).status_code for _ in range(40)
        ]
        right = {"Authorization": f"Bearer {made['key']}"}
        known = await http.get("/v1/conversations", headers=right)

    assert codes[0] == 401
    assert codes[-1] == 429
    assert known.status_code == 200


async def test_the_last_use_is_noted_once_a_minute(tenant: Tenant) -> None:
    made = await make(tenant)
    shop = client(tenant.engine, made["key"])

    async def used() -> str:
        found = await tenant.caller(*ALL).get(f"/v1/api-keys/{made['id']}")
        return found.json()["last_used_at"]

    assert await used() is None
    await shop.get("/v1/conversations")
    first = await used()
    await shop.get("/v1/conversations")
    assert first is not None
    assert await used() == first
    sql(
        tenant,
        "update api_key set last_used_at = now() - interval '61 s' where id = %s",
        made["id"],
    )
    await shop.get("/v1/conversations")
    assert await used() > first


# Budgets

COSTS: Script = [{"text": "one two three"}]


async def spent(tenant: Tenant, key_id: str) -> int:
    return (await tenant.caller(*ALL).get(f"/v1/api-keys/{key_id}")).json()["spent_tokens"]


async def test_a_budget_is_spent_and_comes_back_with_the_month(tenant: Tenant) -> None:
    agent_id = await publish_shared(tenant, COSTS)
    made = await make(tenant, budget_tokens=1)
    shop = client(tenant.engine, made["key"])

    run = (await ask(shop, agent_id)).json()
    refused = await ask(shop, agent_id)

    cost = run["usage"]["input_tokens"] + run["usage"]["output_tokens"]
    assert cost > 0
    assert await spent(tenant, made["id"]) == cost
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "budget_spent")
    assert 0 < int(refused.headers["Retry-After"]) <= 31 * 86400
    sql(
        tenant,
        "update api_key set used_since = used_since - interval '1 month' where id = %s",
        made["id"],
    )
    assert await spent(tenant, made["id"]) == 0
    assert (await ask(shop, agent_id)).status_code == 200
    assert await spent(tenant, made["id"]) == cost
    await tenant.caller(*ALL).patch(
        f"/v1/api-keys/{made['id']}", json={"budget_tokens": None, "name": "Free"}
    )
    assert (await ask(shop, agent_id)).status_code == 200


async def test_runs_side_by_side_all_count(tenant: Tenant) -> None:
    agent_id = await publish_shared(tenant, [{"text": "one two", "delay": 0.02}])
    made = await make(tenant, budget_tokens=10**9)
    shop = client(tenant.engine, made["key"])

    runs = await asyncio.gather(*(ask(shop, agent_id) for _ in range(12)))

    costs = [
        run.json()["usage"]["input_tokens"] + run.json()["usage"]["output_tokens"] for run in runs
    ]
    assert await spent(tenant, made["id"]) == sum(costs)


async def test_a_persons_run_costs_no_key_anything(tenant: Tenant) -> None:
    agent_id = await publish_shared(tenant, COSTS)
    made = await make(tenant)
    await ask(tenant.caller(*ALL), agent_id)
    assert await spent(tenant, made["id"]) == 0


# What is written down


async def test_every_change_is_in_the_audit_log(tenant: Tenant) -> None:
    made = await make(tenant, budget_tokens=500)
    person, path = tenant.caller(*ALL), f"/v1/api-keys/{made['id']}"
    await person.patch(path, json={"name": "Shop 2", "budget_tokens": 900})
    await person.delete(path)

    rows = sql(
        tenant,
        "select action, details, user_id, principal from audit_log"
        " where tenant_id = %s and resource_type = 'api_key' order by seq",
        tenant.id,
    )
    assert [row[0] for row in rows] == ["CREATE", "UPDATE", "REVOKE"]
    assert rows[1][1]["before"] == {"name": "Shop", "monthly_budget": 500}
    assert rows[1][1]["after"] == {"name": "Shop 2", "monthly_budget": 900}
    assert {row[2:] for row in rows} == {(tenant.user_id, "user")}
    assert made["key"][26:] not in str(rows)


async def test_what_a_program_does_is_told_of_its_key(tenant: Tenant) -> None:
    made = await make(tenant)
    shop = client(tenant.engine, made["key"])
    await shop.put("/v1/contacts/by-ext-id", json={"ext_id": "secret-person"})

    rows = sql(
        tenant,
        "select principal, user_id, details from audit_log"
        " where tenant_id = %s and resource_type = 'contact'",
        tenant.id,
    )

    assert [row[:2] for row in rows] == [(f"api_key:{made['id']}", None)]
    assert "secret-person" not in str(rows)


async def test_the_list_searches_and_pages_by_key(tenant: Tenant, statements: Statements) -> None:
    names = ["One", "Two", "Three"]
    for name in names:
        await make(tenant, name=name)
    person = tenant.caller(*ALL)

    with statements.exactly(2):
        page = (await person.get("/v1/api-keys", params={"limit": 2})).json()
    rest = (await person.get("/v1/api-keys", params={"after": page[-1]["id"]})).json()

    assert [one["name"] for one in [*page, *rest]] == names[::-1]
    assert [one["name"] for one in (await person.get("/v1/api-keys?q=tw")).json()] == ["Two"]


async def test_a_shared_spec_is_what_a_key_starts_from(tenant: Tenant) -> None:
    agent_id = str(new_id())
    body = make_spec().model_dump(mode="json")
    await tenant.caller(*ALL).put(f"/v1/agents/{agent_id}", json=body)
    shop = await program(tenant, "conversations:write", "conversations:read")

    begun = await shop.post("/v1/conversations", json={"agent_id": agent_id, "title": "x"})

    assert begun.status_code == 201
    assert [one["id"] for one in (await shop.get("/v1/conversations")).json()] == [
        begun.json()["id"]
    ]
