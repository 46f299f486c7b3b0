"""All SQL about suspending and deleting a tenant. Every function starts from the scope."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import Tenant
from monster.dashboard.identity.scope import Scope


async def lock(session: AsyncSession, scope: Scope) -> Tenant | None:
    """Of two who change it at once, the second waits and sees what the first did."""
    rows = select(Tenant).where(Tenant.id == scope.tenant_id)
    return await session.scalar(rows.with_for_update())


async def is_suspended(session: AsyncSession, scope: Scope) -> bool | None:
    """None if there is no such tenant."""
    found = select(Tenant.suspended_at.is_not(None)).where(Tenant.id == scope.tenant_id)
    return await session.scalar(found)


async def set_suspended(session: AsyncSession, scope: Scope, *, suspended: bool) -> None:
    row = update(Tenant).where(Tenant.id == scope.tenant_id)
    await session.execute(row.values(suspended_at=func.now() if suspended else None))


async def remove(session: AsyncSession, scope: Scope) -> int:
    """Everything the tenant has; how many of its jobs are being done all the same."""
    return await session.scalar(select(func.delete_tenant(scope.tenant_id))) or 0
