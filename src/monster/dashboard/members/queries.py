"""All SQL about members. Every function starts from the caller's scope."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import LoginSession, Membership, RoleName, User
from monster.dashboard.identity.scope import Scope
from monster.dashboard.members.schemas import Listed

_SEEN = (
    select(func.max(LoginSession.last_seen_at))
    .where(LoginSession.user_id == Membership.user_id)
    .where(LoginSession.tenant_id == Membership.tenant_id, LoginSession.impersonator_id.is_(None))
    .scalar_subquery()
)


async def page(
    session: AsyncSession, scope: Scope, words: str, after: uuid.UUID | None, limit: int
) -> Sequence[Listed]:
    """Newest first."""
    rows = _listed(scope).order_by(Membership.id.desc()).limit(limit)
    if words:
        found = [c.icontains(words, autoescape=True) for c in (User.name, User.email)]
        rows = rows.where(or_(*found))
    if after is not None:
        rows = rows.where(Membership.id < after)
    return [Listed(*row) for row in await session.execute(rows)]


async def get(session: AsyncSession, scope: Scope, member_id: uuid.UUID) -> Listed | None:
    row = await session.execute(_listed(scope).where(Membership.id == member_id))
    found = row.one_or_none()
    return Listed(*found) if found else None


async def role(session: AsyncSession, scope: Scope) -> RoleName | None:
    """What the caller is by now."""
    return await session.scalar(
        select(Membership.role).where(
            Membership.tenant_id == scope.tenant_id,
            Membership.user_id == scope.user_id,
            Membership.is_active,
        )
    )


async def own_id(session: AsyncSession, scope: Scope) -> uuid.UUID | None:
    mine = Membership.user_id == scope.user_id
    return await session.scalar(
        select(Membership.id).where(Membership.tenant_id == scope.tenant_id, mine)
    )


async def owner(session: AsyncSession, scope: Scope) -> uuid.UUID:
    """The person."""
    rows = select(Membership.user_id).where(Membership.tenant_id == scope.tenant_id)
    return (await session.scalars(rows.where(Membership.role == "owner").limit(1))).one()


async def save(
    session: AsyncSession, scope: Scope, member_id: uuid.UUID, **values: RoleName | bool
) -> None:
    row = update(Membership).where(_this(scope, member_id))
    await session.execute(row.values(updated_at=func.now(), **values))


async def remove(session: AsyncSession, scope: Scope, member_id: uuid.UUID) -> None:
    await session.execute(delete(Membership).where(_this(scope, member_id)))


async def count(session: AsyncSession, scope: Scope) -> int:
    rows = select(func.count()).where(Membership.tenant_id == scope.tenant_id)
    return await session.scalar(rows) or 0


def _listed(
    scope: Scope,
) -> Select[uuid.UUID, uuid.UUID, str, str, RoleName, bool, datetime, datetime]:
    return (
        select(
            Membership.id,
            Membership.user_id,
            User.name,
            User.email,
            Membership.role,
            Membership.is_active,
            Membership.created_at,
            _SEEN,
        )
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == scope.tenant_id)
    )


def _this(scope: Scope, member_id: uuid.UUID) -> ColumnElement[bool]:
    return (Membership.tenant_id == scope.tenant_id) & (Membership.id == member_id)
