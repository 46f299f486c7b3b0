"""All SQL about whole tenants. Every function starts from the caller's scope."""

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.tenants.models import SuspendedTenant


async def suspend(session: AsyncSession, scope: Scope) -> bool:
    """False if it was already."""
    row = insert(SuspendedTenant).values(tenant_id=scope.tenant_id, since=func.now())
    new = row.on_conflict_do_nothing().returning(SuspendedTenant.tenant_id)
    return await session.scalar(new) is not None


async def resume(session: AsyncSession, scope: Scope) -> bool:
    """False if it was not suspended."""
    row = delete(SuspendedTenant).where(SuspendedTenant.tenant_id == scope.tenant_id)
    return await session.scalar(row.returning(SuspendedTenant.tenant_id)) is not None


async def remove(session: AsyncSession, scope: Scope) -> int:
    """Everything the tenant has; how many of its jobs are being done all the same."""
    return await session.scalar(select(func.delete_tenant(scope.tenant_id))) or 0
