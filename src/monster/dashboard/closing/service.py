"""Suspends tenants and deletes them with everything, here and in the engine."""

import hashlib
import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.closing import queries
from monster.dashboard.closing.errors import TenantNotFound
from monster.dashboard.closing.schemas import DeleteTenant, PassOnState
from monster.dashboard.identity.models import Tenant
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can
from monster.kit import audit, jobs, tenancy
from monster.kit.audit import PLATFORM, Action, Actor, Entry


def digest(tenant_id: uuid.UUID) -> str:
    """What the platform's log calls a tenant: it outlives tenants, and their ids must not."""
    return hashlib.sha256(tenant_id.bytes).hexdigest()[:32]


async def tell_platform(session: AsyncSession, actor: Actor, entry: Entry) -> None:
    """The transaction is of no tenant any more, so this comes last."""
    await tenancy.enter(session, PLATFORM)
    await audit.record(session, replace(actor, tenant_id=PLATFORM), entry)


async def set_suspended(
    session: AsyncSession, scope: Scope, actor: Actor, *, suspended: bool
) -> Tenant:
    """Any number of times. From the next request on, nobody gets in; the engine is told by a job.

    For platform admins: who calls sees to that.
    """
    tenant = await _lock(session, scope)
    if (tenant.suspended_at is not None) != suspended:
        await queries.set_suspended(session, scope, suspended=suspended)
        await session.refresh(tenant)
        await jobs.defer(session, PassOnState(tenant_id=scope.tenant_id))
        action = Action.SUSPEND if suspended else Action.RESUME
        own = replace(actor, tenant_id=scope.tenant_id)
        await audit.record(session, own, Entry(action, "tenant", scope.tenant_id))
        await tell_platform(session, actor, about(action, tenant))
    return tenant


async def delete_tenant(session: AsyncSession, scope: Scope, actor: Actor | None = None) -> str:
    """With everything, here at once and in the engine by a job; returns the name it had.

    The platform's log keeps that it was deleted, by whom (`actor`, else whose scope it is), and
    what it was called.
    """
    scope.require(Can.DELETE)
    tenant = await _lock(session, scope)
    await queries.remove(session, scope)
    await jobs.defer(session, DeleteTenant(tenant_id=scope.tenant_id))
    await tell_platform(session, actor or scope.actor, about(Action.DELETE, tenant))
    return tenant.name


async def sweep(session: AsyncSession, scope: Scope) -> bool:
    """What a request on its way brought back. False while a job of it is still being done."""
    return await queries.remove(session, scope) == 0


async def is_suspended(session: AsyncSession, scope: Scope) -> bool | None:
    """None if there is no such tenant."""
    return await queries.is_suspended(session, scope)


def about(action: Action, tenant: Tenant, **more: object) -> Entry:
    """For the platform's log."""
    return Entry(action, "tenant", digest(tenant.id), more={"name": tenant.name, **more})


async def _lock(session: AsyncSession, scope: Scope) -> Tenant:
    await tenancy.enter(session, scope.tenant_id)  # a platform admin comes from another, or none
    tenant = await queries.lock(session, scope)
    if tenant is None:
        raise TenantNotFound(f"no tenant {scope.tenant_id}")
    return tenant
