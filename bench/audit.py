"""What the audit log costs: `python -m bench.audit [ROWS]`.

Times a transaction that changes one small row, with and without recording it; several writers of
one tenant and of as many tenants; then how many rows are verified a second. On an embedded
PostgreSQL of its own; about half a minute.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from uuid import UUID

import psycopg
from sqlalchemy import text

from monster.dashboard import database
from monster.kit import audit, audit_check, db, embedded, tenancy
from monster.kit.audit import Action, Actor, Entry
from monster.kit.db import SessionMaker
from monster.kit.ids import new_id

logger = logging.getLogger("bench")

TIMES = 500
WRITERS = 8
ROWS = 100_000
BATCH = 100  # rows of a transaction
BEFORE = {"name": "Scout", "description": "Finds things.", "scope": "private", "config": {"a": 1}}
AFTER = BEFORE | {"description": "Finds most things, and says so."}
CHANGE = text("""
    insert into folder (tenant_id, id, user_id, name, scope)
    values (:tenant, :id, :id, 'bench', 'private')
""")

FILL = """
    insert into audit_log (tenant_id, id, principal, user_id, action, resource_type,
        resource_id, details, ip_address, user_agent)
    select %s, gen_random_uuid(), 'user', gen_random_uuid(), 'UPDATE', 'agent', 'a' || n,
        '{"before": {"description": "Finds things."}, "after": {"description": "All"}}',
        '203.0.113.7', 'Mozilla/5.0 (X11; Linux x86_64)' from generate_series(1, %s) n
"""

Change = Callable[[SessionMaker, UUID], Awaitable[None]]


async def plain(sessions: SessionMaker, tenant_id: UUID) -> None:
    async with tenancy.transaction(sessions, tenant_id) as session:
        await session.execute(CHANGE, {"tenant": tenant_id, "id": new_id()})


async def recorded(sessions: SessionMaker, tenant_id: UUID) -> None:
    async with tenancy.transaction(sessions, tenant_id) as session:
        await session.execute(CHANGE, {"tenant": tenant_id, "id": new_id()})
        entry = Entry(Action.UPDATE, "agent", new_id(), BEFORE, AFTER)
        await audit.record(session, Actor(tenant_id, "user", new_id()), entry)


async def in_turn(sessions: SessionMaker, times: int) -> tuple[float, float]:
    """Milliseconds of each, the medians: whatever disturbs the machine disturbs both."""
    tenant_id, took = new_id(), dict[Change, list[float]]({plain: [], recorded: []})
    for _ in range(times):
        for change, spent in took.items():
            began = time.perf_counter()
            await change(sessions, tenant_id)
            spent.append((time.perf_counter() - began) * 1000)
    return median(took[plain]), median(took[recorded])


async def side_by_side(sessions: SessionMaker, tenants: list[UUID]) -> float:
    """Changes a second, of a writer for each tenant that is named."""

    async def write(tenant_id: UUID) -> None:
        for _ in range(TIMES // len(tenants)):
            await recorded(sessions, tenant_id)

    began = time.perf_counter()
    await asyncio.gather(*(write(tenant_id) for tenant_id in tenants))
    return TIMES / (time.perf_counter() - began)


async def measure_writing(sessions: SessionMaker) -> None:
    await in_turn(sessions, 50)  # connections and plans are made
    bare, full = await in_turn(sessions, TIMES)
    logger.info("a change                    %7.2f ms", bare)
    logger.info("the same, recorded          %7.2f ms  (+%.2f)", full, full - bare)
    same = await side_by_side(sessions, [new_id()] * WRITERS)
    apart = await side_by_side(sessions, [new_id() for _ in range(WRITERS)])
    logger.info("%d writers of one tenant     %7.0f changes/s", WRITERS, same)
    logger.info("%d writers, a tenant each    %7.0f changes/s", WRITERS, apart)


def fill(connection: psycopg.Connection, rows: int) -> float:
    """Rows a second that the trigger lets in. In one huge transaction it would become slow: each
    row leaves a dead version of the head, which only the next transaction can clear away."""
    tenant_id, began = new_id(), time.perf_counter()
    for _ in range(rows // BATCH):
        connection.execute(FILL, [tenant_id, BATCH])
        connection.commit()
    return rows / (time.perf_counter() - began)


def measure_verification(conninfo: str, rows: int) -> None:
    with psycopg.connect(conninfo) as connection:
        written = fill(connection, rows)
        began = time.perf_counter()
        checked = audit_check.verify(connection)
        speed = checked.rows / (time.perf_counter() - began)
    assert not checked.broken
    logger.info("chained by the trigger      %7.0f rows/s", written)
    logger.info("verified                    %7.0f rows/s  (%d rows)", speed, checked.rows)


async def run(server: embedded.Embedded) -> None:
    engine = db.make_engine(server.url(database.NAME, database.ROLE))
    await measure_writing(db.make_sessions(engine))
    await engine.dispose()


def main(rows: int) -> None:
    logging.basicConfig(format="%(message)s")
    logger.setLevel(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="monster-") as name:
        Path(name).chmod(0o755)  # the server may run as another user, see kit/embedded.py
        server = embedded.start(Path(name) / "pg", {database.NAME: database.MIGRATIONS})
        try:
            asyncio.run(run(server))
            measure_verification(server.conninfo(database.NAME), rows)
        finally:
            server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
