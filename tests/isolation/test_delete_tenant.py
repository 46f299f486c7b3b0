"""A tenant is deleted with everything: no row of any table names it, and its secrets are noise."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql

from monster.contracts.tokens import Permission
from monster.dashboard import database as dashboard_database
from monster.dashboard.closing import jobs as closing
from monster.dashboard.closing.schemas import DeleteTenant
from monster.dashboard.engine_client import EngineUnavailable, HttpEngine
from monster.dashboard.worker import create_worker
from monster.engine import database as engine_database
from monster.engine.access.scope import Scope
from monster.engine.credentials import service as credentials
from monster.engine.secrets.errors import SecretsSealed
from monster.kit import tenancy
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests import catalogue, knowledge, talk
from tests.builders import KEY, Tenant, client, create_agent, dashboard_settings, make_spec, publish

DATABASES = (dashboard_database.NAME, engine_database.NAME)
VALUE = "sk-0a1b2c3d4e5f"
ENGINE_WAY = (Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)


@pytest.fixture
def real_engine(engine: FastAPI) -> HttpEngine:
    return HttpEngine(client(engine), KEY)


@pytest.fixture
def filled(postgres: Embedded, dashboard: FastAPI, engine: FastAPI) -> Iterator[list[Tenant]]:
    """Two with a row in every table of both databases."""
    two = [Tenant(dashboard, engine), Tenant(dashboard, engine)]
    for name in DATABASES:
        with psycopg.connect(postgres.conninfo(name)) as owner:
            for tenant in two:
                catalogue.fill(owner, tenant.id)
    yield two
    for name in DATABASES:  # other tests start engines, which would miss the key of such a row
        with psycopg.connect(postgres.conninfo(name)) as owner:
            for tenant in two:
                remove(owner, tenant.id)


def remove(owner: psycopg.Connection[Any], tenant_id: uuid.UUID) -> None:
    owner.execute("select set_config('app.tenant_id', %s, true)", [str(tenant_id)])
    owner.execute("select delete_tenant(%s)", [tenant_id])


def mentions(postgres: Embedded, tenant_id: uuid.UUID) -> dict[str, int]:
    """By table of either database, also of the queue: rows in which the id stands anywhere."""
    found: dict[str, int] = {}
    tables = "select relname from pg_class where relkind = 'r' and relnamespace = %s::regnamespace"
    for name in DATABASES:
        with psycopg.connect(postgres.conninfo(name)) as owner:
            for (table,) in owner.execute(tables, ["public"]).fetchall():
                query = sql.SQL(
                    "select count(*) from {} t where position(%s in t::text) > 0"
                    " or position(%s in t::text) > 0"
                ).format(sql.Identifier(table))
                row = owner.execute(query, [str(tenant_id), tenant_id.hex]).fetchone()
                assert row
                if row[0]:
                    found[f"{name}.{table}"] = row[0]
    return found


async def work(postgres: Embedded, sessions: SessionMaker, engine: HttpEngine) -> None:
    settings = dashboard_settings(postgres.url(dashboard_database.NAME, dashboard_database.ROLE))
    worker = create_worker(settings, sessions, engine)
    async with worker.open_async():
        await worker.run_worker_async(
            wait=False,
            install_signal_handlers=False,
            listen_notify=False,
            delete_jobs="successful",
        )


async def furnish(tenant: Tenant) -> tuple[str, str]:
    """As people do it; returns the ids of its credential and of its conversation's run."""
    owner = tenant.member("owner", tenant.user_id)
    agent = await create_agent(owner)
    await publish(owner, agent["id"])
    keeper = knowledge.keeper(tenant)
    await knowledge.upload(keeper, await knowledge.make_index(keeper))
    body = {"system_name": "openai", "name": "Main", "values": {"api_key": VALUE}}
    made = await tenant.caller(*ENGINE_WAY).post("/v1/credentials", json=body)
    assert made.status_code == 201, made.text
    talking = talk.caller(tenant, await talk.publish(tenant, [{"text": "Hello."}]))
    run = await talking.ask_json("Anybody there?")
    return made.json()["id"], run["id"]


async def test_every_table_forgets_a_deleted_tenant_and_no_other(
    tenant: Tenant,
    filled: list[Tenant],
    postgres: Embedded,
    sessions: SessionMaker,
    real_engine: HttpEngine,
) -> None:
    await furnish(tenant)
    real = mentions(postgres, tenant.id)
    assert {
        f"{DATABASES[0]}.agent_version",
        f"{DATABASES[0]}.procrastinate_jobs",
        f"{DATABASES[1]}.document",
        f"{DATABASES[1]}.message",
        f"{DATABASES[1]}.secret",
        f"{DATABASES[1]}.tenant_key",
    } <= real.keys()
    doomed, spared = filled
    before = mentions(postgres, spared.id)
    assert len(before) > 25
    assert before.keys() == mentions(postgres, doomed.id).keys()

    owners = (tenant.member("owner", tenant.user_id), doomed.member("owner", doomed.user_id))
    names = ("Acme", name_of(postgres, doomed))
    spared.member("owner", spared.user_id)
    before = mentions(postgres, spared.id)
    for member, name in zip(owners, names, strict=True):
        answer = await member.request("DELETE", "/api/workspace", json={"name": name})
        assert answer.status_code == 204, answer.text
    for gone in (tenant, doomed):
        assert list(mentions_here(postgres, gone)) == [f"{DATABASES[0]}.procrastinate_jobs"]
    await work(postgres, sessions, real_engine)
    for gone in (tenant, doomed):
        left = mentions(postgres, gone.id)
        assert left == {
            f"{DATABASES[0]}.procrastinate_jobs": 1,  # which sweeps once more
            f"{DATABASES[1]}.suspended_tenant": 1,  # until then nothing of it is begun
        }
        last = DeleteTenant(tenant_id=gone.id, last=True)
        await closing.delete_tenant(sessions, real_engine, last)

    assert mentions(postgres, tenant.id) == {}
    assert mentions(postgres, doomed.id) == {}
    assert mentions(postgres, spared.id) == before


def name_of(postgres: Embedded, tenant: Tenant) -> str:
    with psycopg.connect(postgres.conninfo(DATABASES[0])) as owner:
        row = owner.execute("select name from tenant where id = %s", [tenant.id]).fetchone()
    assert row
    return row[0]


def mentions_here(postgres: Embedded, tenant: Tenant) -> list[str]:
    return [table for table in mentions(postgres, tenant.id) if table.startswith(DATABASES[0])]


async def test_a_backup_of_its_secrets_opens_with_no_key_that_is_left(
    tenant: Tenant, postgres: Embedded, engine: FastAPI
) -> None:
    credential_id, _ = await furnish(tenant)
    tables = ("credential", "secret")
    backup = {table: rows_of(postgres, table, tenant) for table in tables}
    assert await opens(engine, tenant, credential_id) == VALUE

    answer = await tenant.caller(Permission.TENANT_WRITE).delete("/v1/tenant")
    assert answer.status_code == 204, answer.text
    assert not rows_of(postgres, "tenant_key", tenant)
    with psycopg.connect(postgres.conninfo(DATABASES[1])) as owner:
        owner.execute("set session_replication_role = replica")  # as a restore does it
        for table in tables:
            for row in backup[table]:
                query = sql.SQL("insert into {0} select * from json_populate_record(null::{0}, %s)")
                owner.execute(query.format(sql.Identifier(table)), [row])

    assert await opens(engine, tenant, credential_id) == ""
    body = {"system_name": "openai", "name": "New", "values": {"api_key": "sk-new"}}
    await tenant.caller(*ENGINE_WAY).post("/v1/credentials", json=body)
    with pytest.raises(SecretsSealed):  # a key of the same tenant, made anew, is another
        await opens(engine, tenant, credential_id)
    await tenant.caller(Permission.TENANT_WRITE).delete("/v1/tenant")


async def opens(engine: FastAPI, tenant: Tenant, credential_id: str) -> str:
    scope = Scope(tenant.id, "test", frozenset(), tenant.user_id)
    store = engine.state.connections.store
    async with tenancy.transaction(engine.state.sessions, tenant.id) as session:
        opened = await credentials.resolve_secrets(session, scope, store, uuid.UUID(credential_id))
    return opened.model_account.key


def rows_of(postgres: Embedded, table: str, tenant: Tenant) -> list[str]:
    query = sql.SQL("select row_to_json(t)::text from {} t where tenant_id = %s")
    with psycopg.connect(postgres.conninfo(DATABASES[1])) as owner:
        rows = owner.execute(query.format(sql.Identifier(table)), [tenant.id])
        return [row for (row,) in rows]


async def test_a_delivery_on_its_way_brings_nothing_back_for_good(
    tenant: Tenant, postgres: Embedded, sessions: SessionMaker, real_engine: HttpEngine
) -> None:
    owner = tenant.member("owner", tenant.user_id)
    agent = await create_agent(owner)
    await owner.request("DELETE", "/api/workspace", json={"name": "Acme"})
    await work(postgres, sessions, real_engine)
    # It had read its version before the tenant went.
    await real_engine.put_agent(tenant.id, uuid.UUID(agent["id"]), make_spec())
    assert f"{DATABASES[1]}.agent_spec" in mentions(postgres, tenant.id)

    await closing.delete_tenant(sessions, real_engine, DeleteTenant(tenant_id=tenant.id, last=True))
    assert mentions(postgres, tenant.id) == {}


async def test_the_last_sweep_waits_for_a_job_that_is_being_done(
    tenant: Tenant, postgres: Embedded, sessions: SessionMaker, real_engine: HttpEngine
) -> None:
    tenant.member("owner", tenant.user_id)
    last = DeleteTenant(tenant_id=tenant.id, last=True)
    for name in DATABASES:
        with psycopg.connect(postgres.conninfo(name), autocommit=True) as owner:
            owner.execute(
                "insert into procrastinate_jobs (queue_name, task_name, status, args)"
                " values ('other', 'x', 'doing', jsonb_build_object('tenant_id', %s::text))",
                [str(tenant.id)],
            )
            with pytest.raises(EngineUnavailable):
                await closing.delete_tenant(sessions, real_engine, last)
            owner.execute("delete from procrastinate_jobs where queue_name = 'other'")
    await closing.delete_tenant(sessions, real_engine, last)


async def test_only_the_owner_deletes_and_only_by_its_name(
    tenant: Tenant, postgres: Embedded
) -> None:
    admin, owner = tenant.member("admin"), tenant.member("owner", tenant.user_id)
    refused = await admin.request("DELETE", "/api/workspace", json={"name": "Acme"})
    assert refused.status_code == 403
    for body in ({"name": "acme"}, {"name": ""}, {}):
        wrong = await owner.request("DELETE", "/api/workspace", json=body)
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "name")
    form = await owner.post("/settings/workspace/delete", data={"word": "Acme Corp"})
    assert form.status_code == 422
    assert (
        await admin.post("/settings/workspace/delete", data={"word": "Acme"})
    ).status_code == 403
    assert name_of(postgres, tenant) == "Acme"

    gone = await owner.post("/settings/workspace/delete", data={"word": "Acme"})
    assert (gone.status_code, gone.headers["Location"]) == (303, "/sign-in")
    assert (await owner.get("/api/agents")).status_code == 401


async def test_who_belongs_elsewhere_stays_and_begins_there(
    tenant: Tenant, other: Tenant, postgres: Embedded
) -> None:
    owner, guest, admin = tenant.member("owner"), new_id(), new_id()
    for person in (guest, admin):
        tenant.member("viewer", person)
    other.member("editor", guest)
    query = 'select id, tenant_id, is_admin from "user" where id = any(%s)'
    with psycopg.connect(postgres.conninfo(DATABASES[0]), autocommit=True) as connection:
        connection.execute('update "user" set is_admin = true where id = %s', [admin])
        await owner.request("DELETE", "/api/workspace", json={"name": "Acme"})
        left = connection.execute(query, [[guest, admin]]).fetchall()
        people = connection.execute('select count(*) from "user" where tenant_id = %s', [tenant.id])
        assert people.fetchone() == (0,)
    assert set(left) == {(guest, other.id, False), (admin, None, True)}


async def test_the_platforms_log_keeps_the_name_and_no_id(
    tenant: Tenant, postgres: Embedded
) -> None:
    owner = tenant.member("owner", tenant.user_id)
    await owner.request("DELETE", "/api/workspace", json={"name": "Acme"})
    query = (
        "select action, resource_type, resource_id, details from audit_log"
        " where tenant_id = %s and user_id = %s"
    )
    with psycopg.connect(postgres.conninfo(DATABASES[0])) as connection:
        ((action, kind, resource, details),) = connection.execute(
            query, [uuid.UUID(int=0), tenant.user_id]
        ).fetchall()
    assert (action, kind, details) == ("DELETE", "tenant", {"name": "Acme"})
    assert str(tenant.id) not in resource
