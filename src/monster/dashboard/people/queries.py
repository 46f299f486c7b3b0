"""All SQL about the people of the platform. Each function refuses who is no platform admin."""

import uuid
from typing import Any

from sqlalchemy import Select, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import LoginSession, Membership, Tenant, User
from monster.dashboard.identity.scope import Person
from monster.dashboard.people.schemas import MembershipOut, UserOut
from monster.kit import tenancy

# A lock that is over is none.
_LOCKED = case((User.locked_until > func.now(), User.locked_until)).label("locked_until")


def _users() -> Select[*tuple[Any, ...]]:
    columns = (User.id, User.email, User.name, User.is_active, User.email_verified)
    more = (User.is_admin, _LOCKED, User.tenant_id, Tenant.name.label("tenant_name"))
    home = select(*columns, *more, User.created_at)
    return home.outerjoin(Tenant, Tenant.id == User.tenant_id)


async def page(
    session: AsyncSession, person: Person, words: str, after: uuid.UUID | None, limit: int
) -> list[UserOut]:
    """Newest first. Addresses that begin with the words, names that contain them."""
    person.require_admin()
    rows = _users().order_by(User.id.desc()).limit(limit)
    if words:
        begins = func.lower(User.email).startswith(words.lower(), autoescape=True)
        rows = rows.where(or_(begins, User.name.icontains(words, autoescape=True)))
    if after is not None:
        rows = rows.where(User.id < after)
    return [UserOut.model_validate(row) for row in await session.execute(rows)]


async def get(session: AsyncSession, person: Person, user_id: uuid.UUID) -> UserOut | None:
    person.require_admin()
    row = (await session.execute(_users().where(User.id == user_id))).one_or_none()
    return UserOut.model_validate(row) if row else None


async def lock(session: AsyncSession, person: Person, user_id: uuid.UUID) -> None:
    """Of two who change somebody at once, the second waits."""
    person.require_admin()
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())


async def sessions(session: AsyncSession, person: Person, user_id: uuid.UUID) -> int:
    person.require_admin()
    own = select(func.count()).where(
        LoginSession.user_id == user_id,
        LoginSession.expires_at > func.now(),
        LoginSession.impersonator_id.is_(None),
    )
    return await session.scalar(own) or 0


async def memberships(
    session: AsyncSession, person: Person, user_id: uuid.UUID
) -> list[MembershipOut]:
    """Through the door that lets a person see where they belong."""
    person.require_admin()
    await tenancy.enter_person(session, user_id)
    rows = await session.execute(
        select(
            Tenant.id.label("tenant_id"),
            Tenant.name.label("tenant_name"),
            Membership.role,
            Membership.is_active,
            Tenant.suspended_at.is_not(None).label("suspended"),
            Membership.created_at.label("since"),
        )
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.id)
    )
    return [MembershipOut.model_validate(row) for row in rows]


async def is_only_owner(
    session: AsyncSession, person: Person, user_id: uuid.UUID, tenant_id: uuid.UUID
) -> bool:
    person.require_admin()
    await tenancy.enter(session, tenant_id)
    others = select(func.count()).where(
        Membership.tenant_id == tenant_id,
        Membership.user_id != user_id,
        Membership.role == "owner",
        Membership.is_active,
    )
    return not await session.scalar(others)


async def change(
    session: AsyncSession, person: Person, user_id: uuid.UUID, **values: object
) -> None:
    person.require_admin()
    await session.execute(update(User).where(User.id == user_id).values(**values))


async def end_sessions(session: AsyncSession, person: Person, user_id: uuid.UUID) -> None:
    """Also those in which a platform admin acts as them."""
    person.require_admin()
    await session.execute(delete(LoginSession).where(LoginSession.user_id == user_id))


async def remove(session: AsyncSession, person: Person, user_id: uuid.UUID) -> None:
    person.require_admin()
    await session.execute(delete(User).where(User.id == user_id))
