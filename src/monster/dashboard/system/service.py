"""How the platform is: what this service knows itself, and what the engine says."""

from importlib.metadata import version

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.system import DatabaseOut, EngineSystem
from monster.contracts.tokens import Permission
from monster.dashboard.closing import service as closing
from monster.dashboard.database import MIGRATIONS
from monster.dashboard.engine_client import Caller, EngineUnavailable, HttpEngine
from monster.dashboard.identity.scope import Person
from monster.dashboard.system.errors import JobNotFound
from monster.dashboard.system.schemas import Service, SystemOut
from monster.kit import system, tenancy
from monster.kit.audit import PLATFORM, Action, Entry
from monster.kit.db import SessionMaker


async def look(sessions: SessionMaker, engine: HttpEngine, person: Person) -> SystemOut:
    person.require_admin()
    async with tenancy.outside(sessions) as session:
        database = DatabaseOut.model_validate(await system.look(session, MIGRATIONS))
    return SystemOut(
        version=version("monster"), database=database, engine=await _engine(engine, person)
    )


async def retry(
    sessions: SessionMaker, engine: HttpEngine, person: Person, service: Service, job_id: int
) -> str:
    """One that failed, from its first attempt on; returns its name. Raises JobNotFound."""
    person.require_admin()
    name = await _retry_there(engine, person, job_id) if service == "engine" else ""
    async with tenancy.outside(sessions) as session:
        name = name or await _retry(session, job_id)
        entry = Entry(Action.UPDATE, "job", f"{service} {job_id}", more={"retried": name})
        await closing.tell_platform(session, person.actor, entry)
    return name


async def _engine(engine: HttpEngine, person: Person) -> EngineSystem | None:
    try:
        said = await engine.call(_caller(person), "GET", "/v1/system", timeout=5)
    except EngineUnavailable:
        return None
    return EngineSystem.model_validate(said)


async def _retry_there(engine: HttpEngine, person: Person, job_id: int) -> str:
    answer = await engine.call(_caller(person), "POST", f"/v1/system/jobs/{job_id}/retry")
    return answer["name"]


async def _retry(session: AsyncSession, job_id: int) -> str:
    name = await system.retry(session, job_id)
    if name is None:
        raise JobNotFound(f"no failed job {job_id}")
    return name


def _caller(person: Person) -> Caller:
    permissions = frozenset({Permission.SYSTEM_READ, Permission.SYSTEM_WRITE})
    ip_address, user_agent = person.device.ip_address, person.device.user_agent
    return Caller(PLATFORM, person.user_id, permissions, None, ip_address, user_agent)
