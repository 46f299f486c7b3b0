"""All SQL about the tools of agents. Every function starts from the caller's scope.

Who may see the agent is decided before.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.scope import Scope
from monster.dashboard.tools.models import Tool
from monster.kit.db import violates


def _of(scope: Scope, agent_id: uuid.UUID) -> ColumnElement[bool]:
    return and_(Tool.tenant_id == scope.tenant_id, Tool.agent_id == agent_id)


async def page(session: AsyncSession, scope: Scope, agent_id: uuid.UUID) -> Sequence[Tool]:
    """All of them, in order: there are not many."""
    rows = select(Tool).where(_of(scope, agent_id)).order_by(Tool.position, Tool.id)
    return (await session.scalars(rows)).all()


async def get(
    session: AsyncSession, scope: Scope, agent_id: uuid.UUID, tool_id: uuid.UUID
) -> Tool | None:
    return await session.scalar(select(Tool).where(_of(scope, agent_id), Tool.id == tool_id))


async def count(session: AsyncSession, scope: Scope, agent_id: uuid.UUID) -> tuple[int, int]:
    """How many there are, and the place after the last."""
    last = func.coalesce(func.max(Tool.position), -1)
    row = (await session.execute(select(func.count(), last).where(_of(scope, agent_id)))).one()
    return row[0], row[1] + 1


async def insert_if_free(
    session: AsyncSession, scope: Scope, agent_id: uuid.UUID, values: Mapping[str, Any]
) -> Tool | None:
    """None if the name is taken."""
    row = {**values, "tenant_id": scope.tenant_id, "agent_id": agent_id}
    row["config_json"] = row.pop("config")
    new = insert(Tool.__table__).values(row)  # pyright: ignore[reportArgumentType]
    free = new.on_conflict_do_nothing(index_elements=["tenant_id", "agent_id", "name"])
    found = await session.scalar(free.returning(Tool.id))
    return await get(session, scope, agent_id, found) if found else None


async def save(session: AsyncSession, scope: Scope, tool: Tool, values: Mapping[str, Any]) -> bool:
    """False if the name is taken; the transaction is of no use then."""
    assert tool.tenant_id == scope.tenant_id
    for name, value in values.items():
        setattr(tool, name, value)
    try:
        await session.flush()
    except IntegrityError as error:
        if not violates(error, "uq_tool_tenant_id_agent_id_name"):
            raise
        return False
    return True


async def remove(
    session: AsyncSession, scope: Scope, agent_id: uuid.UUID, tool_id: uuid.UUID
) -> Tool | None:
    """What it was; None if there is nothing to remove."""
    gone = delete(Tool).where(_of(scope, agent_id), Tool.id == tool_id)
    return await session.scalar(gone.returning(Tool))
