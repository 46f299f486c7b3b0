"""All SQL about invitations. A link leads to a tenant, as which the platform then asks."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, case, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from monster.dashboard.identity.models import Membership, OneTimeToken, RoleName, Tenant, User
from monster.dashboard.identity.scope import Person, Scope
from monster.dashboard.invitations.schemas import InvitedRole, Listed, Offer, Waiting
from monster.dashboard.tenancy.models import Invitation

_EMAIL = func.lower(User.email)
_STATE = case((Invitation.expires_at > func.now(), "pending"), else_="expired")


async def is_member(session: AsyncSession, scope: Scope, email: str) -> bool:
    """Also one who is deactivated."""
    row = exists().where(Membership.tenant_id == scope.tenant_id, Membership.user_id == User.id)
    return bool(await session.scalar(select(row.where(func.lower(email) == _EMAIL))))


async def has_company(session: AsyncSession, scope: Scope) -> bool:
    """Somebody else belongs here, or is invited."""
    others = exists().where(
        Membership.tenant_id == scope.tenant_id, Membership.user_id != scope.user_id
    )
    invited = exists().where(Invitation.tenant_id == scope.tenant_id)
    return bool(await session.scalar(select(or_(others, invited))))


async def insert_if_free(
    session: AsyncSession, scope: Scope, email: str, role: InvitedRole, lifetime: timedelta
) -> uuid.UUID | None:
    """None if the address is invited; an invitation that has run out is made anew."""
    values = {"role": role, "user_id": scope.user_id, "expires_at": func.now() + lifetime}
    new = insert(Invitation).values(tenant_id=scope.tenant_id, email=email, **values)
    again = new.on_conflict_do_update(
        index_elements=[Invitation.tenant_id, text("lower(email)")],
        set_=values | {"email": email, "updated_at": func.now()},
        where=Invitation.expires_at <= func.now(),
    )
    return await session.scalar(again.returning(Invitation.id))


async def renew(
    session: AsyncSession, scope: Scope, invitation_id: uuid.UUID, lifetime: timedelta
) -> bool:
    row = update(Invitation).where(_this(scope, invitation_id))
    values = row.values(expires_at=func.now() + lifetime, updated_at=func.now())
    return await session.scalar(values.returning(Invitation.id)) is not None


async def forget_tokens(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> None:
    """Links that were sent before are worth nothing from here on."""
    await session.execute(
        delete(OneTimeToken).where(
            OneTimeToken.tenant_id == scope.tenant_id, OneTimeToken.invitation_id == invitation_id
        )
    )


async def get(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> Listed | None:
    row = await session.execute(_listed(scope).where(Invitation.id == invitation_id))
    found = row.one_or_none()
    return Listed(*found) if found else None


async def page(
    session: AsyncSession, scope: Scope, after: uuid.UUID | None, limit: int
) -> Sequence[Listed]:
    """Newest first."""
    rows = _listed(scope).order_by(Invitation.id.desc()).limit(limit)
    if after is not None:
        rows = rows.where(Invitation.id < after)
    return [Listed(*row) for row in await session.execute(rows)]


async def remove(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> str | None:
    """With its links. The address, or None if there is nothing to remove."""
    gone = delete(Invitation).where(_this(scope, invitation_id)).returning(Invitation.email)
    return await session.scalar(gone)


async def use(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> RoleName | None:
    """Of two who come at once, one gets it. None if it has run out, or is gone."""
    gone = delete(Invitation).where(_this(scope, invitation_id), _good())
    return await session.scalar(gone.returning(Invitation.role))


async def offer(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> Offer | None:
    theirs = aliased(User)
    row = await session.execute(
        select(
            Tenant.id,
            Tenant.name,
            Invitation.email,
            Invitation.role,
            func.coalesce(User.name, ""),
            Tenant.suspended_at.is_not(None),
            _account(theirs.is_active, theirs.email_verified),
        )
        .join(Tenant, Tenant.id == Invitation.tenant_id)
        .outerjoin(User, User.id == Invitation.user_id)
        .outerjoin(theirs, func.lower(theirs.email) == func.lower(Invitation.email))
        .where(_this(scope, invitation_id), _good())
    )
    found = row.one_or_none()
    return Offer(*found) if found else None


def _account(
    active: InstrumentedAttribute[bool], verified: InstrumentedAttribute[bool]
) -> ColumnElement[Literal["none", "open", "closed"]]:
    """An account that nobody has shown to be theirs is none."""
    return case((active, "open"), (verified, "closed"), else_="none")


async def claim(
    session: AsyncSession, scope: Scope, email: str, name: str, password_hash: str
) -> uuid.UUID | None:
    """An account that was begun and never verified goes to who has the address."""
    row = update(User).where(func.lower(email) == _EMAIL)
    return await session.scalar(
        row.where(~User.is_active, ~User.email_verified)
        .values(
            name=name,
            password_hash=password_hash,
            tenant_id=scope.tenant_id,
            is_active=True,
            email_verified=True,
        )
        .returning(User.id)
    )


async def add_member(
    session: AsyncSession, scope: Scope, user_id: uuid.UUID, role: RoleName
) -> bool:
    """False if they are one already, in whatever role."""
    row = {"tenant_id": scope.tenant_id, "user_id": user_id, "role": role}
    new = (
        insert(Membership)
        .values(row)
        .on_conflict_do_nothing(index_elements=["tenant_id", "user_id"])
    )
    return await session.scalar(new.returning(Membership.id)) is not None


async def waiting(session: AsyncSession, person: Person) -> Sequence[Waiting]:
    """Read from the links, which stand outside the walls: only a verified address sees its own."""
    rows = await session.execute(
        _for_me(person)
        .join(Tenant, Tenant.id == OneTimeToken.tenant_id)
        .where(Tenant.suspended_at.is_(None))
        .with_only_columns(
            OneTimeToken.invitation_id,
            Tenant.id,
            Tenant.name,
            OneTimeToken.data["role"].astext,
            OneTimeToken.expires_at,
        )
        .order_by(OneTimeToken.id.desc())
        .limit(50)
    )
    return [Waiting(*row) for row in rows]


async def tenant_of(
    session: AsyncSession, person: Person, invitation_id: uuid.UUID
) -> uuid.UUID | None:
    """Of an invitation that waits for this person."""
    row = _for_me(person).where(OneTimeToken.invitation_id == invitation_id)
    return await session.scalar(row.with_only_columns(OneTimeToken.tenant_id).limit(1))


def _for_me(person: Person) -> Select[OneTimeToken]:
    return (
        select(OneTimeToken)
        .join(User, func.lower(OneTimeToken.email) == _EMAIL)
        .where(User.id == person.user_id, User.email_verified)
        .where(OneTimeToken.kind == "invite", OneTimeToken.used_at.is_(None))
        .where(OneTimeToken.expires_at > func.now())
    )


def _listed(
    scope: Scope,
) -> Select[uuid.UUID, str, RoleName, Any, uuid.UUID, str, datetime, datetime]:
    return (
        select(
            Invitation.id,
            Invitation.email,
            Invitation.role,
            _STATE,
            Invitation.user_id,
            User.name,
            Invitation.created_at,
            Invitation.expires_at,
        )
        .outerjoin(User, User.id == Invitation.user_id)
        .where(Invitation.tenant_id == scope.tenant_id)
    )


def _this(scope: Scope, invitation_id: uuid.UUID) -> ColumnElement[bool]:
    return (Invitation.tenant_id == scope.tenant_id) & (Invitation.id == invitation_id)


def _good() -> ColumnElement[bool]:
    return Invitation.expires_at > func.now()
