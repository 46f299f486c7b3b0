"""All SQL about what is one person's alone. Every function starts from the caller's scope."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from monster.dashboard.agents.models import Agent
from monster.dashboard.folders.models import Folder
from monster.dashboard.identity.scope import Scope


async def count_agents(session: AsyncSession, scope: Scope) -> int:
    """All of the workspace, also those that the caller does not see."""
    rows = select(func.count()).where(Agent.tenant_id == scope.tenant_id)
    return await session.scalar(rows) or 0


async def count(session: AsyncSession, scope: Scope, user_id: uuid.UUID) -> tuple[int, int]:
    """(agents, folders)."""
    agents = select(func.count()).where(_agents(scope, user_id)).scalar_subquery()
    folders = select(func.count()).where(_folders(scope, user_id)).scalar_subquery()
    row = (await session.execute(select(agents, folders))).one()
    return row[0], row[1]


async def lock_agents(session: AsyncSession, scope: Scope, user_id: uuid.UUID) -> Sequence[Agent]:
    """They are about to change hands."""
    rows = select(Agent).where(_agents(scope, user_id)).order_by(Agent.id)
    return (await session.scalars(rows.with_for_update())).all()


async def hand_over_folders(
    session: AsyncSession, scope: Scope, user_id: uuid.UUID, heir: uuid.UUID
) -> int:
    """Where the heir has a folder of that name beside it, its id tells the two apart."""
    theirs = aliased(Folder)
    beside = (
        select(theirs.id)
        .where(theirs.tenant_id == scope.tenant_id, theirs.user_id == heir)
        .where(theirs.scope == "private", theirs.parent_id.is_not_distinct_from(Folder.parent_id))
        .where(func.lower(theirs.name) == func.lower(Folder.name))
        .exists()
    )
    row = update(Folder).where(_folders(scope, user_id))
    renamed = row.where(beside).values(name=func.concat(Folder.name, " ", Folder.id))
    options = {"synchronize_session": False}
    await session.execute(renamed, execution_options=options)
    moved = row.values(user_id=heir).returning(Folder.id)
    return len((await session.execute(moved, execution_options=options)).all())


def _agents(scope: Scope, user_id: uuid.UUID) -> ColumnElement[bool]:
    theirs = (Agent.user_id == user_id) & (Agent.scope == "private")
    return (Agent.tenant_id == scope.tenant_id) & theirs


def _folders(scope: Scope, user_id: uuid.UUID) -> ColumnElement[bool]:
    theirs = (Folder.user_id == user_id) & (Folder.scope == "private")
    return (Folder.tenant_id == scope.tenant_id) & theirs
