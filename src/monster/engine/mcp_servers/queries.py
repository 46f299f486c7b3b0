"""All SQL about MCP servers. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.credentials.models import Credential
from monster.engine.tool_factories.models import ToolFactory
from monster.kit.db import violates


def _servers(scope: Scope) -> Select[ToolFactory]:
    return select(ToolFactory).where(
        ToolFactory.tenant_id == scope.tenant_id, ToolFactory.kind == "mcp_server"
    )


async def get(session: AsyncSession, scope: Scope, server_id: uuid.UUID) -> ToolFactory | None:
    return await session.scalar(_servers(scope).where(ToolFactory.id == server_id))


async def hold(session: AsyncSession, scope: Scope, server_id: uuid.UUID) -> ToolFactory | None:
    """As `get`; nobody else changes it until this transaction ends."""
    found = _servers(scope).where(ToolFactory.id == server_id)
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def page(session: AsyncSession, scope: Scope, limit: int) -> Sequence[ToolFactory]:
    """Oldest first."""
    return (await session.scalars(_servers(scope).order_by(ToolFactory.id).limit(limit))).all()


async def has_connections(session: AsyncSession, scope: Scope, server_id: uuid.UUID) -> bool:
    """Anybody's."""
    found = exists().where(
        Credential.tenant_id == scope.tenant_id, Credential.tool_factory_id == server_id
    )
    return bool(await session.scalar(select(found)))


async def insert_if_free(
    session: AsyncSession, scope: Scope, values: Mapping[str, Any]
) -> ToolFactory | None:
    """None if the name is taken."""
    new = insert(ToolFactory).values(tenant_id=scope.tenant_id, kind="mcp_server", **values)
    free = new.on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    return await session.scalar(free.returning(ToolFactory))


async def save(
    session: AsyncSession, scope: Scope, server_id: uuid.UUID, values: Mapping[str, Any]
) -> ToolFactory | None:
    """None if the name is taken; the transaction is of no use then."""
    changed = update(ToolFactory).where(
        ToolFactory.tenant_id == scope.tenant_id, ToolFactory.id == server_id
    )
    saved = changed.values(**values).returning(ToolFactory)
    try:
        return await session.scalar(saved, execution_options={"populate_existing": True})
    except IntegrityError as error:
        if violates(error, "uq_tool_factory_tenant_id_name"):
            return None
        raise
