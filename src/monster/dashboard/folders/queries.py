"""All SQL about folders. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, literal, or_, select, text, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from monster.dashboard.folders.models import Folder
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Role
from monster.kit.db import violates

_UNIQUE = ("uq_folder_shared_name", "uq_folder_private_name")
_MOVE_AGENTS = text("""
    update agent set folder_id = cast(:target as uuid)
    where tenant_id = :tenant and folder_id = :folder
""")


class Shelf(NamedTuple):
    """A folder where it stands; `depth` is 1 at the top."""

    folder: Folder
    depth: int


async def tree(session: AsyncSession, scope: Scope) -> Sequence[Shelf]:
    """What the caller sees, those at the top first: what lies in a private folder is its owner's
    alone, so that the walk from the top ends there for others."""
    top = select(Folder.id, literal(1).label("depth")).where(
        Folder.tenant_id == scope.tenant_id, Folder.parent_id.is_(None), _shared_with(scope)
    )
    walk = top.cte("walk", recursive=True)
    below = aliased(Folder)
    walk = walk.union_all(
        select(below.id, walk.c.depth + 1).where(
            below.tenant_id == scope.tenant_id,
            below.parent_id == walk.c.id,
            or_(below.scope == "shared", below.user_id == scope.user_id),
        )
    )
    rows = await session.execute(
        select(Folder, walk.c.depth)
        .join(walk, walk.c.id == Folder.id)
        .where(Folder.tenant_id == scope.tenant_id)
        .order_by(walk.c.depth, func.lower(Folder.name), Folder.id)
    )
    return [Shelf(*row) for row in rows]


async def lock_all(session: AsyncSession, scope: Scope) -> None:
    """One at a time moves folders: two moves at once could make a circle of two lines."""
    key = f"folders {scope.tenant_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def insert_if_free(
    session: AsyncSession, scope: Scope, values: Mapping[str, Any]
) -> Folder | None:
    """None if a folder beside it has the name."""
    row = {**values, "tenant_id": scope.tenant_id, "user_id": scope.user_id}
    new = insert(Folder).values(row).on_conflict_do_nothing()
    return await session.scalar(new.returning(Folder))


async def save(
    session: AsyncSession, scope: Scope, folder: Folder, values: Mapping[str, Any]
) -> bool:
    """False if a folder beside it has the name; the transaction is of no use then."""
    assert folder.tenant_id == scope.tenant_id
    for name, value in values.items():
        setattr(folder, name, value)
    try:
        await session.flush()
    except IntegrityError as error:
        if not any(violates(error, name) for name in _UNIQUE):
            raise
        return False
    return True


async def children(session: AsyncSession, scope: Scope, folder_id: uuid.UUID) -> Sequence[Folder]:
    """Also those that the caller does not see."""
    rows = select(Folder).where(Folder.tenant_id == scope.tenant_id)
    return (await session.scalars(rows.where(Folder.parent_id == folder_id))).all()


async def remove(session: AsyncSession, scope: Scope, folder_id: uuid.UUID) -> None:
    this = (Folder.tenant_id == scope.tenant_id) & (Folder.id == folder_id)
    await session.execute(delete(Folder).where(this))


async def move_agents(
    session: AsyncSession, scope: Scope, folder_id: uuid.UUID, target: uuid.UUID | None
) -> None:
    """All of them, seen or not. Their feature builds on this one, so the table is named here."""
    values = {"tenant": scope.tenant_id, "folder": folder_id, "target": target}
    await session.execute(_MOVE_AGENTS, values)


def _shared_with(scope: Scope) -> ColumnElement[bool]:
    if scope.role is Role.SYSTEM:
        return true()
    return or_(Folder.scope == "shared", Folder.user_id == scope.user_id)
