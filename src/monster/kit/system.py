"""How a database and its queue are, for the people who run the platform."""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from monster.kit import revisions

_SHOWN = 20  # failed jobs

_STATE = text("""
    select current_database(), pg_database_size(current_database()),
        (select version_num from alembic_version),
        (select count(*) from pg_stat_activity where datname = current_database()
            and usename = current_user),
        (select count(*) from pg_stat_activity where datname = current_database()
            and usename = current_user and state = 'idle'),
        array(select last_heartbeat from procrastinate_workers order by last_heartbeat desc),
        (select count(*) from procrastinate_jobs where status = 'todo'),
        (select count(*) from procrastinate_jobs where status = 'doing'),
        (select count(*) from procrastinate_jobs where status = 'failed')
""")

_FAILURES = text("""
    select id, task_name, attempts, args->>'error',
        (select max(at) from procrastinate_events where job_id = j.id)
    from procrastinate_jobs j where status = 'failed' order by id desc limit :limit
""")

_RETRY = text("""
    update procrastinate_jobs set status = 'todo', attempts = 0, scheduled_at = now()
    where id = :id and status = 'failed' returning task_name
""")


class Failure(NamedTuple):
    id: int
    name: str
    attempts: int
    error: str | None
    at: datetime | None


class DatabaseState(NamedTuple):
    name: str
    size: int
    revision: str
    connections: int
    idle: int
    workers: list[datetime]
    waiting: int
    running: int
    failed: int
    failures: list[Failure]
    head: str


async def look(session: AsyncSession, migrations: Path) -> DatabaseState:
    """Two statements, however much there is."""
    values: tuple[Any, ...] = tuple((await session.execute(_STATE)).one())
    failures = [Failure(*row) for row in await session.execute(_FAILURES, {"limit": _SHOWN})]
    return DatabaseState(*values, failures=failures, head=revisions.head(migrations))


async def retry(session: AsyncSession, job_id: int) -> str | None:
    """The name of a failed job that is to be tried again, from its first attempt on."""
    return await session.scalar(_RETRY, {"id": job_id})
