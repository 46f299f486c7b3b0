"""What the engine does with whole tenants, and what it tells about itself."""

import shutil
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.system import DatabaseOut, EngineSystem
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.database import MIGRATIONS
from monster.engine.embedding import weights
from monster.engine.tenants import queries
from monster.engine.tenants.errors import JobNotFound, TenantBusy
from monster.kit import audit, system
from monster.kit.audit import Action, Actor, Entry


async def set_state(session: AsyncSession, scope: Scope, *, suspended: bool) -> None:
    """Any number of times. What runs is stopped by the caller, once this is committed."""
    scope.require(Permission.TENANT_WRITE)
    if await (queries.suspend if suspended else queries.resume)(session, scope):
        action = Action.SUSPEND if suspended else Action.RESUME
        await audit.record(session, Actor.system(scope.tenant_id), Entry(action, "tenant"))


async def delete(session: AsyncSession, scope: Scope, *, closed: bool) -> None:
    """With everything, also the keys that open its secrets; any number of times.

    `closed` leaves the tenant suspended, so that nothing of it is begun before it is deleted once
    more: that one leaves nothing, and raises TenantBusy while a worker has a job of it in hand.
    """
    scope.require(Permission.TENANT_WRITE)
    busy = await queries.remove(session, scope)
    if closed:
        await queries.suspend(session, scope)
    elif busy:
        raise TenantBusy(f"a worker still does {busy} of its jobs")


async def look(session: AsyncSession, scope: Scope, data_dir: Path) -> EngineSystem:
    scope.require(Permission.SYSTEM_READ)
    database = DatabaseOut.model_validate(await system.look(session, MIGRATIONS))
    there = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    model, disk = weights.look(data_dir), shutil.disk_usage(there)
    return EngineSystem(
        version=version("monster"),
        database=database,
        embedding_ready=model.usable,
        embedding=model.found,
        disk_free=disk.free,
        disk_size=disk.total,
    )


async def retry(session: AsyncSession, scope: Scope, job_id: int) -> str:
    scope.require(Permission.SYSTEM_WRITE)
    name = await system.retry(session, job_id)
    if name is None:
        raise JobNotFound(f"no failed job {job_id}")
    return name
