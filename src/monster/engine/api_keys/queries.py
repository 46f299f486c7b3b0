"""All SQL about API keys. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence
from typing import LiteralString

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.api_keys.models import ApiKey

# Agents stand above keys: of them only this is asked.
_SHARED: LiteralString = """
    select agent_id from agent_spec where tenant_id = :tenant and agent_id = any(:agents)
        and deleted_at is null and spec->>'scope' = 'shared'
"""
_FRESH = {"populate_existing": True}  # what was read before is read again
_CONTACT: LiteralString = "select id from contact where tenant_id = :tenant and id = :contact"


async def add(session: AsyncSession, scope: Scope, values: Mapping[str, object]) -> ApiKey:
    new = insert(ApiKey).values(tenant_id=scope.tenant_id, **values).returning(ApiKey)
    return (await session.scalars(new)).one()


async def get(session: AsyncSession, scope: Scope, key_id: uuid.UUID) -> ApiKey | None:
    rows = select(ApiKey).where(ApiKey.tenant_id == scope.tenant_id).where(ApiKey.id == key_id)
    return await session.scalar(rows)


async def page(
    session: AsyncSession, scope: Scope, query: str, after: uuid.UUID | None, limit: int
) -> Sequence[ApiKey]:
    """Newest first."""
    rows = select(ApiKey).where(ApiKey.tenant_id == scope.tenant_id)
    if query:
        rows = rows.where(ApiKey.name.icontains(query, autoescape=True))
    if after is not None:
        rows = rows.where(ApiKey.id < after)
    return (await session.scalars(rows.order_by(ApiKey.id.desc()).limit(limit))).all()


async def change(
    session: AsyncSession, scope: Scope, key_id: uuid.UUID, values: Mapping[str, object]
) -> ApiKey | None:
    """None also if it is revoked: what is over is not changed."""
    changed = update(ApiKey).where(ApiKey.tenant_id == scope.tenant_id).where(ApiKey.id == key_id)
    alive = changed.where(ApiKey.revoked_at.is_(None)).values(updated_at=func.now(), **values)
    return await session.scalar(alive.returning(ApiKey), execution_options=_FRESH)


async def revoke(session: AsyncSession, scope: Scope, key_id: uuid.UUID) -> ApiKey | None:
    """None if there is none that is not revoked."""
    return await change(session, scope, key_id, {"revoked_at": func.now()})


async def shared_agents(
    session: AsyncSession, scope: Scope, agent_ids: Sequence[uuid.UUID]
) -> set[uuid.UUID]:
    params = {"tenant": scope.tenant_id, "agents": list(agent_ids)}
    return {row[0] for row in await session.execute(text(_SHARED), params)}


async def has_contact(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> bool:
    params = {"tenant": scope.tenant_id, "contact": contact_id}
    return await session.scalar(text(_CONTACT), params) is not None
