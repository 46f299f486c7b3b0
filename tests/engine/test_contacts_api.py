"""Contacts through the front door: kept, told, and forgotten."""

import asyncio
import hashlib
import json
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests import catalogue
from tests.builders import Tenant, client, owner_conninfo
from tests.talk import Caller, Script, publish

READ, WRITE = Permission.CONTACTS_READ, Permission.CONTACTS_WRITE
ERASE = Permission.CONTACTS_ERASE
ALL = tuple(Permission)
NAME = "Grace Brewster Hopper"
EXT_ID = "navy/1906 ☂"
SCRIPT: Script = [{"calls": [["refuse", {}]]}, {"text": "done"}]


async def create(caller: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    answer = await caller.post("/v1/contacts", json={"name": NAME, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def rows(tenant: Tenant, query: str, *params: object) -> list[tuple[Any, ...]]:
    """As superuser."""
    with psycopg.connect(owner_conninfo(tenant.engine), autocommit=True) as connection:
        cursor = connection.execute(query.encode(), params)
        return cursor.fetchall() if cursor.description else []


async def speaker(tenant: Tenant, contact_id: str | None) -> httpx.AsyncClient:
    """A program that speaks for one contact, or for many."""
    body = {
        "name": "Shop",
        "contact_id": contact_id,
        "permissions": [
            "runs:write", "runs:read", "conversations:read", "contacts:read", "contacts:write",
        ],
    }  # fmt: skip
    made = await tenant.caller(*ALL).post("/v1/api-keys", json=body)
    assert made.status_code == 201, made.text
    return client(tenant.engine, made.json()["key"])


async def shared(tenant: Tenant, script: Script) -> str:
    agent_id = await publish(tenant, script)
    share = "update agent_spec set spec = spec || %s::jsonb where agent_id = %s"
    rows(tenant, share, '{"scope": "shared"}', agent_id)
    return agent_id


async def test_create_read_change(tenant: Tenant, statements: Statements) -> None:
    caller = tenant.caller(READ, WRITE)
    made = await create(caller, ext_id=EXT_ID, meta={"plan": {"name": "pro"}})
    path = f"/v1/contacts/{made['id']}"

    with statements.exactly(2):
        assert (await caller.get(path)).json() == made
    changed = await caller.patch(path, json={"meta": {"plan": None}, "ext_id": None})

    assert (made["name"], made["ext_id"]) == (NAME, EXT_ID)
    assert (changed.json()["meta"], changed.json()["ext_id"]) == ({"plan": None}, None)
    assert changed.json()["name"] == NAME
    assert changed.json()["updated_at"] > made["updated_at"]


@settings(max_examples=40)
@given(
    ext_id=st.text(
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=500
    )
)
def gather(ext_id: str) -> None:
    SEEN.add(ext_id)


SEEN = set[str]({"a" * 500, "é" * 500, "😀" * 500, " ", "\n", "'; --", "%", "a/b?c#d", "null"})


async def test_an_ext_id_holds_any_characters(tenant: Tenant) -> None:
    gather()
    caller = tenant.caller(READ, WRITE)
    for ext_id in SEEN:
        put = await caller.put("/v1/contacts/by-ext-id", json={"ext_id": ext_id, "name": "X"})
        assert put.status_code == 200, put.text
        found = await caller.get("/v1/contacts", params={"ext_id": ext_id})
        assert [(one["ext_id"], one["id"]) for one in found.json()] == [(ext_id, put.json()["id"])]
        again = await caller.put("/v1/contacts/by-ext-id", json={"ext_id": ext_id})
        assert again.json()["id"] == put.json()["id"]
        assert again.json()["name"] == "X"


async def test_somebody_without_a_name_is_called_something(tenant: Tenant) -> None:
    shop, agent_id = await speaker(tenant, None), await shared(tenant, [{"text": "hi"}])
    for ext_id, name in ((" ", "Contact"), ("crm 7 ", "crm 7"), ("x" * 300, "x" * 200)):
        put = await shop.put("/v1/contacts/by-ext-id", json={"ext_id": ext_id})
        asked = {"message": "hi", "contact": {"ext_id": f"{ext_id}\n"}}
        await shop.post(f"/v1/agents/{agent_id}/runs", json=asked)
        found = await shop.get("/v1/contacts", params={"ext_id": f"{ext_id}\n"})
        assert (put.json()["name"], found.json()[0]["name"]) == (name, name)


@pytest.mark.parametrize("ext_id", ["", "a\0b", "\ud800", "x" * 501, 5])
async def test_what_cannot_be_an_ext_id(tenant: Tenant, ext_id: object) -> None:
    body = json.dumps({"name": NAME, "ext_id": ext_id})
    answer = await tenant.caller(WRITE).post(
        "/v1/contacts", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "ext_id")


def _nested(depth: int) -> dict[str, Any]:
    return {"a": _nested(depth - 1)} if depth > 1 else {}


BAD_META = [
    "[]",
    '"text"',
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": "\\u0000"}',
    '{"\\u0000": 1}',
    '{"a": ["\\ud800"]}',
    json.dumps(_nested(9)),
    json.dumps({"a": "x" * 16400}),
]


@pytest.mark.parametrize("meta", BAD_META, ids=lambda text: text[:20])
async def test_meta_is_a_small_object(tenant: Tenant, meta: str) -> None:
    body = f'{{"name": "x", "meta": {meta}}}'
    answer = await tenant.caller(WRITE).post(
        "/v1/contacts", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["field"].partition(".")[0]) == (422, "meta")
    assert (await tenant.caller(READ).get("/v1/contacts")).json() == []


async def test_the_largest_meta_is_kept(tenant: Tenant) -> None:
    meta = {"deep": _nested(7), "text": "\\u0000 stays text", "n": [1.5, None, True]}
    made = await create(tenant.caller(WRITE), meta=meta)
    assert made["meta"] == meta


async def test_an_ext_id_is_taken_once(tenant: Tenant, other: Tenant) -> None:
    caller = tenant.caller(READ, WRITE)
    await create(caller, ext_id="a")
    second = await create(caller)

    taken = await caller.post("/v1/contacts", json={"name": NAME, "ext_id": "a"})
    changed = await caller.patch(f"/v1/contacts/{second['id']}", json={"ext_id": "a"})

    for answer in (taken, changed):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "contact_ext_id_taken"
        assert answer.json()["error"]["field"] == "ext_id"
    await create(other.caller(WRITE), ext_id="a")


async def test_the_list_searches_and_pages_by_key(tenant: Tenant, statements: Statements) -> None:
    caller = tenant.caller(READ, WRITE)
    made = [await create(caller, name=name, ext_id=f"id_{name}") for name in ("Ada", "Bob", "Cy")]

    with statements.exactly(2):
        page = (await caller.get("/v1/contacts", params={"limit": 2})).json()
    rest = (await caller.get("/v1/contacts", params={"after": page[-1]["id"]})).json()

    assert [*page, *rest] == made[::-1]
    for query in ("bo", "ID_B", "id_bob"):
        found = (await caller.get("/v1/contacts", params={"q": query})).json()
        assert [one["name"] for one in found] == ["Bob"]
    assert (await caller.get("/v1/contacts", params={"q": "%"})).json() == []


OPERATIONS = [
    ("GET", "", READ),
    ("GET", "/{id}", READ),
    ("GET", "/{id}/holdings", READ),
    ("GET", "/{id}/conversations", READ),
    ("GET", "/{id}/conversations/{id}", READ),
    ("GET", "/{id}/conversations/{id}/messages", READ),
    ("GET", "/{id}/conversations/{id}/runs", READ),
    ("POST", "", WRITE),
    ("PUT", "/by-ext-id", WRITE),
    ("PATCH", "/{id}", WRITE),
    ("GET", "/{id}/export", ERASE),
    ("POST", "/{id}/erase", ERASE),
]


@pytest.mark.parametrize(("method", "path", "permission"), OPERATIONS)
async def test_each_operation_takes_its_permission(
    tenant: Tenant, method: str, path: str, permission: Permission
) -> None:
    made = await create(tenant.caller(*ALL))
    body = {"ext_id": "x"} if method == "PUT" else {"name": "x"}
    json = None if method == "GET" or "erase" in path else body
    url = "/v1/contacts" + path.format(id=made["id"])

    without = tenant.caller(*(one for one in ALL if one != permission))
    refused = await without.request(method, url, json=json)

    assert refused.json()["error"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("method", "path"), [(m, p) for m, p, _ in OPERATIONS if p not in {"", "/by-ext-id"}]
)
async def test_another_tenants_contact_does_not_exist(
    two_tenants: tuple[Tenant, Tenant], method: str, path: str
) -> None:
    tenant, other = two_tenants
    made = await create(tenant.caller(*ALL), ext_id="mine")
    url = "/v1/contacts" + path.format(id=made["id"])
    json = {"name": "Stolen"} if method == "PATCH" else None

    answer = await other.caller(*ALL).request(method, url, json=json)

    assert answer.status_code == 404
    assert (await other.caller(*ALL).get("/v1/contacts")).json() == []
    assert (await other.caller(*ALL).get("/v1/contacts?ext_id=mine")).json() == []
    assert (await tenant.caller(READ).get(f"/v1/contacts/{made['id']}")).json() == made


async def test_a_program_for_one_contact_sees_no_other(tenant: Tenant) -> None:
    mine, theirs = [await create(tenant.caller(*ALL), ext_id=one) for one in ("a", "b")]
    bound = await speaker(tenant, mine["id"])

    assert [one["id"] for one in (await bound.get("/v1/contacts")).json()] == [mine["id"]]
    assert (await bound.get(f"/v1/contacts/{theirs['id']}")).status_code == 404
    assert (await bound.get("/v1/contacts?ext_id=b")).json() == []
    path = f"/v1/contacts/{theirs['id']}"
    assert (await bound.patch(path, json={"name": "x"})).status_code == 404
    assert (await bound.post("/v1/contacts", json={"name": "x"})).status_code == 403
    assert (await bound.put("/v1/contacts/by-ext-id", json={"ext_id": "b"})).status_code == 403


async def test_people_read_what_was_said_to_a_contact_and_change_nothing(tenant: Tenant) -> None:
    contact = await create(tenant.caller(*ALL))
    bound = await speaker(tenant, contact["id"])
    run = await Caller(await shared(tenant, SCRIPT), bound).ask_json("hi")
    person = tenant.caller(*ALL)
    base = f"/v1/contacts/{contact['id']}/conversations"
    talk = f"{base}/{run['conversation_id']}"

    listed = (await person.get(base)).json()

    assert [one["id"] for one in listed] == [run["conversation_id"]]
    assert (await person.get(talk)).json() == listed[0]
    assert [one["id"] for one in (await person.get(f"{talk}/runs")).json()] == [run["id"]]
    assert len((await person.get(f"{talk}/messages")).json()) == 4
    own = f"/v1/conversations/{run['conversation_id']}"
    assert (await person.get(own)).status_code == 404
    assert (await person.delete(own)).status_code == 404
    another = await create(person)
    wrong = f"/v1/contacts/{another['id']}/conversations/{run['conversation_id']}"
    for path in (wrong, f"{wrong}/runs", f"{wrong}/messages"):
        assert (await person.get(path)).status_code == 404


# What is kept is told, and forgotten


def about_contacts(connection: psycopg.Connection[Any]) -> set[str]:
    """Every table that a contact leads to, over however many references."""
    known = catalogue.references(connection)
    found = {"contact"}
    while more := {one.table for one in known if one.target in found} - found:
        found |= more
    return found


async def full(tenant: Tenant) -> tuple[dict[str, Any], dict[str, Any]]:
    """A contact with something in every table, and one of its runs."""
    shop = await speaker(tenant, None)
    agent_id = await shared(tenant, SCRIPT)
    body = {"message": f"I am {NAME}", "contact": {"ext_id": EXT_ID, "name": NAME}}
    run = await shop.post(f"/v1/agents/{agent_id}/runs", json=body)
    assert run.json()["status"] == "completed", run.text
    (contact,) = (await shop.get("/v1/contacts", params={"ext_id": EXT_ID})).json()
    bound = await speaker(tenant, contact["id"])
    await Caller(agent_id, bound).ask_json("and again")
    rows(
        tenant,
        "insert into attachment (tenant_id, id, conversation_id, name, mime_type, source, size,"
        " content) select tenant_id, id, id, 'a.txt', 'text/plain', 'upload', 1, 'x'"
        " from conversation where id = %s",
        run.json()["conversation_id"],
    )
    return contact, run.json()


async def test_an_export_holds_every_row_about_them(tenant: Tenant) -> None:
    contact, _ = await full(tenant)
    person = tenant.caller(*ALL)

    answer = await person.get(f"/v1/contacts/{contact['id']}/export")

    export = answer.json()
    assert "attachment" in answer.headers["Content-Disposition"]
    assert export["contact"] == contact
    names = {
        "api_key": "keys", "conversation": "conversations", "run": "runs", "message": "messages",
        "tool_call": "tool_calls", "run_event": "events", "contact": "contact",
        "attachment": "files",
    }  # fmt: skip
    with psycopg.connect(owner_conninfo(tenant.engine)) as connection:
        tables = about_contacts(connection)
        assert tables - {"run_lease"} == names.keys()  # a lease tells which process is at work
        assert set(export) == set(names.values())
        for table in tables - {"run_lease", "contact", "api_key"}:
            query = sql.SQL("select count(*) from {} where tenant_id = %s")
            (count,) = connection.execute(
                query.format(sql.Identifier(table)), [tenant.id]
            ).fetchall()[0]
            assert len(export[names[table]]) == count > 0, table
    assert len(export["keys"]) == 1
    assert "key_hash" not in answer.text
    audit = rows(tenant, "select action from audit_log where resource_id = %s", contact["id"])
    assert ("EXPORT",) in audit


async def test_a_long_export_comes_in_pieces_and_whole(tenant: Tenant) -> None:
    contact, run = await full(tenant)
    rows(
        tenant,
        "insert into run_event (tenant_id, run_id, seq, type, data)"
        " select tenant_id, id, 100000 + n, 'message.delta', '{}'"
        " from run, generate_series(1, 1200) n where id = %s",
        run["id"],
    )
    export = (await tenant.caller(*ALL).get(f"/v1/contacts/{contact['id']}/export")).json()
    seqs = [one["seq"] for one in export["events"] if one["seq"] > 100000]
    assert seqs == list(range(100001, 101201))


def mentions(tenant: Tenant, *texts: str) -> dict[str, int]:
    """In which tables of the catalogue, shared ones included, a row has one of these in it."""
    with psycopg.connect(owner_conninfo(tenant.engine)) as connection:
        tables = connection.execute(
            "select relname from pg_class where relkind in ('r', 'p')"
            " and relnamespace = 'public'::regnamespace"
        ).fetchall()
        found: dict[str, int] = {}
        for (table,) in tables:
            query = sql.SQL("select count(*) from {} t where t::text ilike any(%s)")
            patterns = [f"%{text}%" for text in texts]
            (count,) = connection.execute(
                query.format(sql.Identifier(table)), [patterns]
            ).fetchall()[0]
            if count:
                found[table] = count
    return found


async def test_erased_is_erased_everywhere(tenant: Tenant) -> None:
    contact, _ = await full(tenant)
    person = tenant.caller(*ALL)
    name, ext_id = f"N{new_id()}", f"E{new_id()}"
    path = f"/v1/contacts/{contact['id']}"
    await person.patch(path, json={"name": name, "ext_id": ext_id, "meta": {"n": name}})
    await person.get(f"{path}/export")
    assert set(mentions(tenant, contact["id"])) > {"contact", "conversation", "audit_log"}
    expected = (await person.get(f"{path}/holdings")).json()

    answer = await person.post(f"{path}/erase")

    receipt = answer.json()
    assert receipt["counts"] == expected
    assert expected["conversations"] == 2
    assert expected["keys"] == 1
    assert all(count > 0 for part, count in expected.items() if part != "leases")
    assert set(mentions(tenant, contact["id"])) == {"audit_log"}
    assert mentions(tenant, name, ext_id, ext_id.encode().hex()) == {}
    digest = receipt.pop("sha256")
    said = orjson.dumps(receipt, option=orjson.OPT_SORT_KEYS)
    assert digest == hashlib.sha256(said).hexdigest()
    (entry,) = rows(
        tenant,
        "select details from audit_log where resource_id = %s and action = 'ERASE'",
        contact["id"],
    )
    assert entry[0]["sha256"] == digest
    assert entry[0]["counts"] == receipt["counts"]
    for method, url in (("GET", path), ("POST", f"{path}/erase"), ("GET", f"{path}/export")):
        assert (await person.request(method, url)).status_code == 404


async def test_others_stay_when_one_is_erased(tenant: Tenant) -> None:
    agent_id = await shared(tenant, SCRIPT)
    one, two = [await create(tenant.caller(*ALL)) for _ in range(2)]
    first, second = [await speaker(tenant, contact["id"]) for contact in (one, two)]
    for caller in (first, second):
        await Caller(agent_id, caller).ask_json("hi")
    person = tenant.caller(*ALL)
    before = (await person.get(f"/v1/contacts/{two['id']}/holdings")).json()

    await person.post(f"/v1/contacts/{one['id']}/erase")

    assert (await person.get(f"/v1/contacts/{two['id']}/holdings")).json() == before
    assert (await second.get("/v1/conversations")).status_code == 200
    assert (await first.get("/v1/conversations")).status_code == 401


async def test_what_runs_is_stopped_by_erasing(tenant: Tenant) -> None:
    agent_id = await shared(tenant, [{"text": "a b c d e f g h", "delay": 0.2}])
    contact = await create(tenant.caller(*ALL), ext_id=f"x{new_id()}")
    bound = await speaker(tenant, contact["id"])
    asked = asyncio.create_task(
        bound.post(f"/v1/agents/{agent_id}/runs", json={"message": "hi"}, timeout=30)
    )
    person = tenant.caller(*ALL)
    path = f"/v1/contacts/{contact['id']}"
    async with asyncio.timeout(10):
        events = 0
        while not events:
            await asyncio.sleep(0.02)
            events = (await person.get(f"{path}/holdings")).json()["events"]

    receipt = (await person.post(f"{path}/erase")).json()
    async with asyncio.timeout(10):
        answer = await asked

    assert (receipt["counts"]["runs"], receipt["counts"]["leases"]) == (1, 1)
    assert answer.json()["error"]["code"] == "run_not_found"
    assert set(mentions(tenant, contact["id"], str(contact["ext_id"]))) == {"audit_log"}


async def test_the_log_names_fields_and_no_values(tenant: Tenant) -> None:
    caller = tenant.caller(*ALL)
    made = await create(caller, ext_id="private-id", meta={"tel": "555"})
    await caller.patch(f"/v1/contacts/{made['id']}", json={"name": "Other Name"})
    await caller.put("/v1/contacts/by-ext-id", json={"ext_id": "private-id", "name": "Third"})

    entries = rows(
        tenant,
        "select action, details from audit_log where resource_id = %s order by seq",
        made["id"],
    )

    assert entries == [
        ("CREATE", {"fields": ["ext_id", "meta", "name"]}),
        ("UPDATE", {"fields": ["name"]}),
        ("UPDATE", {"fields": ["name"]}),
    ]


async def test_two_programs_make_one_contact(tenant: Tenant) -> None:
    shop = await speaker(tenant, None)
    agent_id = await shared(tenant, [{"text": "hi"}])
    body = {"message": "hi", "contact": {"ext_id": "same"}}

    runs = await asyncio.gather(
        *(shop.post(f"/v1/agents/{agent_id}/runs", json=body) for _ in range(6))
    )

    assert {run.json()["status"] for run in runs} == {"completed"}
    assert len((await shop.get("/v1/contacts", params={"ext_id": "same"})).json()) == 1
    as_them = {"X-Contact": quote("same")}
    assert len((await shop.get("/v1/conversations", headers=as_them)).json()) == 6


@pytest.mark.parametrize("path", ["/v1/agents/{}/runs", "/v1/conversations"])
async def test_what_begins_while_a_contact_is_erased_is_refused(tenant: Tenant, path: str) -> None:
    agent_id = await shared(tenant, [{"text": "hi"}])
    contact = await create(tenant.caller(*ALL))
    body = {"name": "Shop", "contact_id": contact["id"]}
    wanted = {"permissions": ["runs:write", "conversations:write"]}
    made = await tenant.caller(*ALL).post("/v1/api-keys", json=body | wanted)
    bound = client(tenant.engine, made.json()["key"])
    about = {"message": "hi"} if "runs" in path else {"agent_id": agent_id, "title": "x"}
    blocked = "select count(*) from pg_locks where not granted and pid in" + (
        " (select pid from pg_stat_activity where %s = any(pg_blocking_pids(pid)))"
    )
    with psycopg.connect(owner_conninfo(tenant.engine)) as eraser:
        eraser.execute("select from contact where id = %s for update", [contact["id"]])
        asked = asyncio.create_task(bound.post(path.format(agent_id), json=about, timeout=30))
        async with asyncio.timeout(10):
            waiting = 0
            while not waiting:
                await asyncio.sleep(0.02)
                ((waiting,),) = rows(tenant, blocked, eraser.info.backend_pid)
        eraser.execute("delete from contact where id = %s", [contact["id"]])
    answer = await asked

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "contact_not_found"
