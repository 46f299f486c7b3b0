"""All SQL about tool factories that tenants made. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import column, delete, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.tool_factories.models import ToolFactory
from monster.kit.db import violates

# Of the feature above this one.
_CREDENTIAL = table("credential", column("tenant_id"), column("tool_factory_id"))


async def get(session: AsyncSession, scope: Scope, factory_id: uuid.UUID) -> ToolFactory | None:
    return await session.scalar(
        select(ToolFactory).where(
            ToolFactory.tenant_id == scope.tenant_id, ToolFactory.id == factory_id
        )
    )


async def made(session: AsyncSession, scope: Scope, limit: int) -> Sequence[ToolFactory]:
    """Oldest first."""
    rows = select(ToolFactory).where(ToolFactory.tenant_id == scope.tenant_id)
    return (await session.scalars(rows.order_by(ToolFactory.id).limit(limit))).all()


async def insert_if_free(
    session: AsyncSession, scope: Scope, values: Mapping[str, Any]
) -> ToolFactory | None:
    """None if the name is taken."""
    new = insert(ToolFactory).values(tenant_id=scope.tenant_id, **values)
    free = new.on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    return await session.scalar(free.returning(ToolFactory))


async def has_credentials(session: AsyncSession, scope: Scope, factory_id: uuid.UUID) -> bool:
    found = select(1).where(
        _CREDENTIAL.c.tenant_id == scope.tenant_id, _CREDENTIAL.c.tool_factory_id == factory_id
    )
    return await session.scalar(found.limit(1)) is not None


async def save(
    session: AsyncSession, scope: Scope, factory_id: uuid.UUID, values: Mapping[str, Any]
) -> ToolFactory | None:
    """None if the name is taken, or it is gone; the transaction is of no use then."""
    changed = update(ToolFactory).where(
        ToolFactory.tenant_id == scope.tenant_id, ToolFactory.id == factory_id
    )
    fresh = {"populate_existing": True}
    saving = changed.values(**values).returning(ToolFactory)
    try:
        return await session.scalar(saving, execution_options=fresh)
    except IntegrityError as error:
        if violates(error, "uq_tool_factory_tenant_id_name"):
            return None
        raise


async def remove(session: AsyncSession, scope: Scope, factory_id: uuid.UUID) -> ToolFactory | None:
    """What it was; None if there is nothing to remove."""
    gone = delete(ToolFactory).where(
        ToolFactory.tenant_id == scope.tenant_id, ToolFactory.id == factory_id
    )
    return await session.scalar(gone.returning(ToolFactory))
