"""The audit log of both services as JSON: what is recorded, found, exported and verified."""

import csv
import io
import json
import uuid
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from monster.contracts.tokens import Permission
from monster.dashboard import database
from monster.dashboard.agents import service as agents
from monster.dashboard.app import create_app
from monster.dashboard.identity.scope import Scope
from monster.dashboard.settings import Settings
from monster.dashboard.welcome import service as welcome
from monster.kit import tenancy
from monster.kit.addresses import parse_networks
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.audit import audited
from tests.builders import (
    PRIVATE_PEM,
    Tenant,
    browser,
    client,
    create_agent,
    owner_conninfo,
    publish,
    transport,
)
from tests.process import MASTER_KEY

URL = "/api/audit"
ALL = tuple(Permission)


async def index(tenant: Tenant, name: str) -> None:
    answer = await tenant.caller(*ALL).post("/v1/indexes", json={"name": name})
    assert answer.status_code == 201, answer.text


@pytest.fixture
async def filled(tenant: Tenant) -> Tenant:
    """Three rows in each log, in turn."""
    member = tenant.member(user_id=tenant.user_id)
    for n in range(3):
        await create_agent(member, name=f"Agent {n}")
        await index(tenant, f"Index {n}")
    return tenant


# What is recorded


async def test_agents_from_first_to_last(tenant: Tenant) -> None:
    member = tenant.member(user_id=tenant.user_id)
    agent = await create_agent(member, instruction="x" * 3000)
    path = f"/api/agents/{agent['id']}"
    headers = {"User-Agent": "Firefox"}
    await member.patch(path, json={"name": "Scout", "description": "New"}, headers=headers)
    await publish(member, agent["id"])
    await member.delete(path)

    rows = audited(tenant.dashboard, tenant.id)
    assert [row.what for row in rows] == [
        f"{action} agent {agent['id']}" for action in ("CREATE", "UPDATE", "PUBLISH", "DELETE")
    ]
    assert {(row.principal, row.user_id) for row in rows} == {("user", tenant.user_id)}
    created, changed, published, deleted = (row.details for row in rows)
    assert created["after"]["instruction"].endswith("… (3000 characters)")
    assert changed == {
        "name": "Scout", "before": {"description": ""}, "after": {"description": "New"}
    }  # fmt: skip
    assert published == {"name": "Scout", "version": 1, "note": ""}
    assert deleted["before"]["published_version"] == 1
    assert (rows[1].ip_address or "").startswith("127.")
    assert rows[1].user_agent == "Firefox"


async def test_agents_on_screens(tenant: Tenant) -> None:
    member = tenant.member(user_id=tenant.user_id)
    page = {"Accept": "text/html"}
    made = await member.post("/agents", data={"name": "A", "scope": "private"}, headers=page)
    path = made.headers["Location"]
    form = {"name": "B", "description": "", "instruction": "", "scope": "private"}
    await member.post(f"{path}/instructions", data=form, headers=page)
    await member.post(f"{path}/model", data={"source": "builtin"}, headers=page)
    await member.post(f"{path}/publish", data={"note": "n"}, headers=page)
    await member.post(f"{path}/delete", headers=page)

    rows = audited(tenant.dashboard, tenant.id)
    actions = [row.action for row in rows]
    assert actions == ["CREATE", "UPDATE", "UPDATE", "PUBLISH", "DELETE"]
    assert rows[1].details["before"] == {"name": "A"}


async def test_what_failed_is_not_recorded(tenant: Tenant) -> None:
    member = tenant.member()
    await create_agent(member)
    other = await create_agent(member, name="Other")
    path = f"/api/agents/{other['id']}"
    taken = {"name": "Scout", "model": "m"}
    assert (await member.post("/api/agents", json=taken)).status_code == 409
    assert (await member.patch(path, json={"name": "Scout"})).status_code == 409
    assert (await tenant.member("viewer").delete(path)).status_code == 403
    assert (await member.delete(f"/api/agents/{new_id()}")).status_code == 404
    assert len(audited(tenant.dashboard, tenant.id)) == 2


async def test_what_the_platform_does_itself(tenant: Tenant, sessions: SessionMaker) -> None:
    tenant.member("owner", tenant.user_id)
    async with tenancy.transaction(sessions, tenant.id) as session:
        await welcome.publish_guide(session, tenant.id, tenant.user_id, new_id())
        (guide,) = await agents.page(session, Scope.system(tenant.id), "", None, 1)

    rows = audited(tenant.dashboard, tenant.id)
    assert [row.what for row in rows] == [f"CREATE agent {guide.id}", f"PUBLISH agent {guide.id}"]
    assert {(row.principal, row.user_id) for row in rows} == {("system", None)}


async def test_somebody_who_acts_as_another_is_named_in_both_logs(tenant: Tenant) -> None:
    member = tenant.member("owner", tenant.user_id)
    behind = _become(tenant, member)
    await create_agent(member)
    await member.post("/knowledge", data={"name": "I", "description": "", "scope": "private"})

    for app in (tenant.dashboard, tenant.engine):
        (row,) = audited(app, tenant.id)
        assert (row.user_id, row.impersonator_id) == (tenant.user_id, behind)
        assert (row.ip_address or "").startswith("127.")
    rows = (await tenant.member("admin").get(URL, params={"user_id": str(behind)})).json()
    assert {row["service"] for row in rows} == {"dashboard", "engine"}
    assert {row["user_name"] for row in rows} == {"Ada"}


def _become(tenant: Tenant, member: httpx.AsyncClient) -> uuid.UUID:
    """A platform admin is behind this session from now on."""
    behind = new_id()
    with psycopg.connect(owner_conninfo(tenant.dashboard), autocommit=True) as owner:
        owner.execute(
            'insert into "user" (id, email, name, is_active, is_admin) values (%s, %s, %s, true,'
            " true)",
            [behind, f"{behind}@example.com", "Grace"],
        )
        owner.execute(
            "update login_session set impersonator_id = %s where csrf = %s",
            [behind, member.headers["X-CSRF-Token"]],
        )
    return behind


# Reading it


async def test_both_logs_are_one(filled: Tenant, statements: Statements) -> None:
    admin = filled.member("admin")
    # session, role; tenant, page; (engine:) tenant, page; tenant, names
    with statements.exactly(8):
        everything = (await admin.get(URL)).json()

    assert [(row["service"], row["seq"]) for row in everything] == [
        ("engine", 3), ("dashboard", 3), ("engine", 2), ("dashboard", 2), ("engine", 1),
        ("dashboard", 1),
    ]  # fmt: skip
    assert {row["user_name"] for row in everything} == {"Ada"}
    pages = list[Any]()
    params = {"limit": 4}
    while page := (await admin.get(URL, params=params)).json():
        pages += page
        params = {"limit": 4, "after": page[-1]["id"]}
    assert pages == everything
    back = {"limit": 2, "before": everything[3]["id"]}
    assert (await admin.get(URL, params=back)).json() == everything[1:3]
    for row in everything:
        assert (await admin.get(f"{URL}/{row['id']}")).json() == row


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"service": "engine"}, 3),
        ({"service": "dashboard"}, 3),
        ({"resource_type": "agent"}, 3),
        ({"action": "CREATE"}, 6),
        ({"q": "agent 1"}, 1),
        ({"user_id": str(new_id())}, 0),
        ({"since": "2001-01-01T00:00:00Z"}, 6),
        ({"until": "2001-01-01T00:00:00Z"}, 0),
    ],
)
async def test_filters(filled: Tenant, filters: dict[str, str], found: int) -> None:
    admin = filled.member("admin")
    assert len((await admin.get(URL, params=filters)).json()) == found
    exported = await admin.get(f"{URL}/export", params={**filters, "format": "json"})
    assert len(exported.json()) == found


@pytest.mark.parametrize(
    ("field", "value"),
    [("service", "worker"), ("limit", "201"), ("since", "x"), ("q", "a\0"), ("nonsense", "1")],
)
async def test_bad_filters_are_named(tenant: Tenant, field: str, value: str) -> None:
    answer = await tenant.member("admin").get(URL, params={field: value})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


async def test_another_tenant_sees_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    tenant, other = two_tenants
    await create_agent(tenant.member())
    await index(tenant, "One")
    rows = (await tenant.member("owner").get(URL)).json()
    stranger = other.member("owner")

    assert len(rows) == 2
    assert (await stranger.get(URL)).json() == []
    for row in rows:
        answer = await stranger.get(f"{URL}/{row['id']}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "audit_not_found")
    assert (await stranger.get(f"{URL}/export?format=json")).json() == []
    checked = (await stranger.get(f"{URL}/verify")).json()
    assert (checked["dashboard"]["rows"], checked["engine"]["rows"]) == (1, 0)  # that export


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_it_takes_an_admin(tenant: Tenant, role: str) -> None:
    member = tenant.member(role)
    for path in (URL, f"{URL}/export", f"{URL}/verify", f"{URL}/{new_id()}"):
        assert (await member.get(path)).status_code == 403, path
        assert (await client(tenant.dashboard).get(path)).status_code == 401, path
    assert audited(tenant.dashboard, tenant.id) == []


# Export


async def test_an_export_is_complete_and_recorded(tenant: Tenant) -> None:
    """Of more rows than are held at once."""
    admin = tenant.member("admin", tenant.user_id)
    _write(tenant, 450)
    await index(tenant, "One")

    exported = await admin.get(f"{URL}/export", params={"format": "json"})
    assert exported.headers["Content-Type"] == "application/json"
    assert exported.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    rows = exported.json()
    assert len({row["id"] for row in rows}) == 451
    assert rows == sorted(rows, key=lambda row: row["id"], reverse=True)
    sheet = await admin.get(f"{URL}/export", params={"format": "csv", "service": "dashboard"})
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(sheet.text.split("\r\n")) == 1 + 451 + 1  # with the first export
    first, second = audited(tenant.dashboard, tenant.id)[-2:]
    assert (first.what, first.user_id) == ("EXPORT audit_log None", tenant.user_id)
    assert first.details == {"format": "json"}
    assert second.details == {"format": "csv", "service": "dashboard"}


async def test_cells_are_escaped_and_start_no_formula(tenant: Tenant) -> None:
    member = tenant.member("admin", tenant.user_id)
    nasty = ['=cmd|" /C calc"!A0', "+1", "-1", "@SUM(A1)", "\tx", 'a "quoted", one\r\nnext']
    for name in nasty:
        await create_agent(member, name=f"A{name}", description=name)
    _write(tenant, 1, "=1+1", "-agent")

    sheet = await member.get(f"{URL}/export")
    rows = list(csv.DictReader(io.StringIO(sheet.text, newline="")))
    assert len(rows) == len(nasty) + 1
    assert rows[0]["resource_id"] == "'=1+1"
    assert rows[0]["user_agent"] == "'-agent"
    for cell in (cell for row in rows for cell in row.values()):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    told = [json.loads(row["details"])["after"]["description"] for row in rows[:0:-1]]
    assert told == [name.strip() for name in nasty]


def _write(tenant: Tenant, count: int, resource_id: str = "r", user_agent: str = "a") -> None:
    with psycopg.connect(owner_conninfo(tenant.dashboard), autocommit=True) as owner:
        for _ in range(count):
            owner.execute(
                "insert into audit_log (tenant_id, id, principal, action, resource_type,"
                " resource_id, user_agent, details) values (%s, %s, 'system', 'TEST', 'thing',"
                " %s, %s, '{}')",
                [tenant.id, new_id(), resource_id, user_agent],
            )


async def test_an_export_of_nothing_is_whole(tenant: Tenant) -> None:
    admin = tenant.member("admin")
    assert (await admin.get(f"{URL}/export?format=json&service=engine")).json() == []
    sheet = (await admin.get(f"{URL}/export?service=engine")).text
    assert sheet.startswith("created_at,service,seq,")
    assert sheet.count("\r\n") == 1
    answer = await admin.get(f"{URL}/export?format=xml")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "format")


# Verification


async def test_what_was_changed_from_outside_is_named(filled: Tenant) -> None:
    admin = filled.member("admin")
    whole = (await admin.get(f"{URL}/verify")).json()
    assert (whole["intact"], whole["dashboard"]["rows"], whole["engine"]["rows"]) == (True, 3, 3)
    assert len(whole["engine"]["head"]) == 64

    with psycopg.connect(owner_conninfo(filled.engine), autocommit=True) as owner:
        query = "update audit_log set principal = 'nobody' where tenant_id = %s and seq = 2"
        owner.execute(query, [filled.id])
    checked = (await admin.get(f"{URL}/verify")).json()
    _restore(filled)

    assert (checked["intact"], checked["dashboard"]["intact"]) == (False, True)
    ((only,), row) = checked["engine"]["breaks"], audited(filled.engine, filled.id)[1]
    assert (only["seq"], only["id"], only["action"]) == (2, str(row.id), "CREATE")
    assert (only["resource_type"], only["resource_id"]) == ("index", row.resource_id)
    assert only["reason"] == "this row was changed"


def _restore(tenant: Tenant) -> None:
    with psycopg.connect(owner_conninfo(tenant.engine), autocommit=True) as owner:
        query = "update audit_log set principal = 'user' where tenant_id = %s and seq = 2"
        owner.execute(query, [tenant.id])


async def test_where_it_came_from_is_told_by_trusted_proxies_alone(
    tenant: Tenant, postgres: Embedded
) -> None:
    """In both logs, and for what the browser is sent."""
    member = tenant.member("admin")
    served = _dashboard(postgres, transport(tenant.engine), "10.0.0.0/8")
    forwarded = {"X-Forwarded-For": "6.6.6.6, 198.51.100.1", "X-Forwarded-Proto": "https"}
    for peer, name in (("10.0.0.1", "Trusted"), ("203.0.113.9", "Untrusted")):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(served, client=(peer, 4321)),
            base_url="http://monster",
            cookies=dict(member.cookies),
            headers=dict(member.headers) | forwarded,
        ) as visitor:
            form = {"name": name, "description": "", "scope": "private"}
            made = await visitor.post("/knowledge", data=form, headers={"Accept": "text/html"})
            assert made.status_code == 303, made.text
            assert ("Secure" in made.headers["Set-Cookie"]) == (name == "Trusted")
            await create_agent(visitor, name=name)

    for app in (tenant.dashboard, tenant.engine):
        found = [row.ip_address for row in audited(app, tenant.id)]
        assert found == ["198.51.100.1", "203.0.113.9"]


async def test_without_the_engine_there_is_half_an_answer_or_none(
    filled: Tenant, deaf: FastAPI
) -> None:
    member = filled.member("admin")
    admin = browser(deaf, member.cookies["monster_session"], member.headers["X-CSRF-Token"])
    for path in (URL, f"{URL}/verify", f"{URL}/export"):
        answer = await admin.get(path)
        assert answer.status_code == 503, path
        assert answer.json()["error"]["code"] == "engine_unavailable"
    assert len((await admin.get(URL, params={"service": "dashboard"})).json()) == 3
    page = await admin.get("/audit", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "The engine does not answer" in page.text
    assert "created the agent <strong>Agent 1" in page.text


class _Deaf(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody is there", request=request)


@pytest.fixture
def deaf(postgres: Embedded) -> FastAPI:
    """A dashboard whose engine is gone."""
    return _dashboard(postgres, _Deaf())


def _dashboard(postgres: Embedded, engine: httpx.AsyncBaseTransport, *proxies: str) -> FastAPI:
    settings = Settings(
        database_url=SecretStr(postgres.url(database.NAME, database.ROLE)),
        signing_key=SecretStr(PRIVATE_PEM),
        account_key=SecretStr(MASTER_KEY),
        trusted_proxies=parse_networks(proxies),
    )
    return create_app(settings, engine)
