"""All SQL about people and sessions.

It runs before a scope is known, it is what makes one: here, and only here, queries start from an
address, a token or a person.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from typing import cast as cast_type

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from monster.dashboard.identity.models import (
    LoginSession,
    Membership,
    OneTimeToken,
    Tenant,
    TokenKind,
    User,
)

GUESSES = 5
LOCKED_FOR = timedelta(minutes=30)
_SEEN_AGAIN = timedelta(minutes=1)  # a write on every request would be a waste

_EMAIL = func.lower(User.email)


class Attempt(NamedTuple):
    user_id: uuid.UUID
    password_hash: str
    tenant_id: uuid.UUID | None
    locks: bool  # no other is let through after it, unless this one is right


class Found(NamedTuple):
    id: uuid.UUID
    tenant_id: uuid.UUID | None
    tenant_name: str
    suspended: bool
    user_id: uuid.UUID
    user_name: str
    user_email: str
    is_admin: bool
    csrf: str
    impersonator_id: uuid.UUID | None
    impersonator_name: str | None
    identity_provider_id: uuid.UUID | None
    seen_long_ago: bool


async def reserve_attempt(session: AsyncSession, email: str) -> Attempt | None:
    """One guess less, before it is looked at: guesses made at once queue for the row."""
    lock_is_over = User.locked_until <= func.now()
    count = case((lock_is_over, 1), else_=User.failed_login_attempts + 1)
    row = await session.execute(
        update(User)
        .where(func.lower(email) == _EMAIL, User.is_active, User.password_hash.is_not(None))
        .where(or_(User.locked_until.is_(None), lock_is_over))
        .values(
            failed_login_attempts=count,
            locked_until=case((count >= GUESSES, func.now() + LOCKED_FOR), else_=None),
        )
        .returning(User.id, User.password_hash, User.tenant_id, User.locked_until.is_not(None))
    )
    found = row.one_or_none()
    return Attempt(*found) if found else None


async def forgive(session: AsyncSession, user_id: uuid.UUID) -> None:
    await session.execute(
        update(User).where(User.id == user_id).values(failed_login_attempts=0, locked_until=None)
    )


async def person(session: AsyncSession, email: str) -> uuid.UUID | None:
    return await session.scalar(select(User.id).where(func.lower(email) == _EMAIL, User.is_active))


async def tenant_by_slug(session: AsyncSession, slug: str) -> uuid.UUID | None:
    return await session.scalar(
        select(Tenant.id).where(Tenant.slug == slug, Tenant.suspended_at.is_(None))
    )


async def home(session: AsyncSession, user_id: uuid.UUID) -> uuid.UUID | None:
    """The tenant to begin in: the person's own, else the first they came to."""
    await session.execute(select(func.set_config("app.user_id", str(user_id), True)))  # noqa: FBT003
    return await session.scalar(
        select(Membership.tenant_id)
        .join(User, User.id == Membership.user_id)
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.user_id == user_id, Membership.is_active, Tenant.suspended_at.is_(None))
        .order_by((Membership.tenant_id == User.tenant_id).desc().nulls_last(), Membership.id)
        .limit(1)
    )


async def add_session(
    session: AsyncSession,
    user_id: uuid.UUID,
    tenant_id: uuid.UUID | None,
    lifetime: timedelta,
    **row: object,
) -> datetime:
    new = insert(LoginSession).values(
        user_id=user_id, tenant_id=tenant_id, expires_at=func.now() + lifetime, **row
    )
    return (await session.execute(new.returning(LoginSession.expires_at))).scalar_one()


async def end_session(session: AsyncSession, token_hash: bytes) -> None:
    await session.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash))


async def end_old_sessions(session: AsyncSession, user_id: uuid.UUID) -> None:
    await session.execute(
        delete(LoginSession).where(
            LoginSession.user_id == user_id, LoginSession.expires_at <= func.now()
        )
    )


async def find_session(session: AsyncSession, token_hash: bytes, idle: timedelta) -> Found | None:
    """Names the person to row-level security on the way, so that their membership can be read."""
    behind = aliased(User)
    row = await session.execute(
        select(
            LoginSession.id,
            LoginSession.tenant_id,
            func.coalesce(Tenant.name, ""),
            Tenant.suspended_at.is_not(None),
            User.id,
            User.name,
            User.email,
            User.is_admin,
            LoginSession.csrf,
            behind.id,
            behind.name,
            LoginSession.identity_provider_id,
            LoginSession.last_seen_at < func.now() - _SEEN_AGAIN,
            func.set_config("app.user_id", cast(User.id, Text), literal(True)),  # noqa: FBT003
        )
        .join(User, User.id == LoginSession.user_id)
        .outerjoin(Tenant, Tenant.id == LoginSession.tenant_id)
        .outerjoin(behind, behind.id == LoginSession.impersonator_id)
        .where(LoginSession.token_hash == token_hash, User.is_active)
        # Whoever is no platform admin any more is nobody else either.
        .where(or_(LoginSession.impersonator_id.is_(None), behind.is_active & behind.is_admin))
        .where(LoginSession.expires_at > func.now())
        .where(LoginSession.last_seen_at > func.now() - idle)
    )
    found = cast_type(Sequence[Any] | None, row.one_or_none())
    return Found(*found[:-1]) if found else None


async def role(session: AsyncSession, tenant_id: uuid.UUID, user_id: uuid.UUID) -> str | None:
    return await session.scalar(
        select(Membership.role).where(
            Membership.tenant_id == tenant_id,
            Membership.user_id == user_id,
            Membership.is_active,
        )
    )


async def touch(session: AsyncSession, session_id: uuid.UUID) -> None:
    await session.execute(
        update(LoginSession).where(LoginSession.id == session_id).values(last_seen_at=func.now())
    )


async def insert_if_free(
    session: AsyncSession, tenant_id: uuid.UUID, email: str, name: str, password_hash: str
) -> uuid.UUID | None:
    """None if somebody has that address."""
    new = insert(User).values(
        tenant_id=tenant_id,
        email=email,
        name=name,
        password_hash=password_hash,
        is_active=True,
        email_verified=True,
    )
    return await session.scalar(new.on_conflict_do_nothing().returning(User.id))


async def names(
    session: AsyncSession, tenant_id: uuid.UUID, user_ids: set[uuid.UUID]
) -> dict[uuid.UUID, str]:
    rows = await session.execute(
        select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.tenant_id == tenant_id, User.id.in_(user_ids))
    )
    return {row[0]: row[1] for row in rows}


# One-time tokens


async def add_token(session: AsyncSession, lifetime: timedelta, **row: object) -> uuid.UUID:
    new = insert(OneTimeToken).values(expires_at=func.now() + lifetime, **row)
    return (await session.execute(new.returning(OneTimeToken.id))).scalar_one()


async def set_token_hash(
    session: AsyncSession, token_id: uuid.UUID, token_hash: bytes
) -> OneTimeToken | None:
    """None if it was used, ran out, or is gone: nothing is to be sent then."""
    row = update(OneTimeToken).where(OneTimeToken.id == token_id, _still_good())
    return await session.scalar(row.values(token_hash=token_hash).returning(OneTimeToken))


async def find_token(
    session: AsyncSession, kind: TokenKind, token_hash: bytes
) -> OneTimeToken | None:
    return await session.scalar(select(OneTimeToken).where(_this(kind, token_hash)))


async def use_token(
    session: AsyncSession, kind: TokenKind, token_hash: bytes
) -> OneTimeToken | None:
    """Of two who come at once, one gets it."""
    row = update(OneTimeToken).where(_this(kind, token_hash)).values(used_at=func.now())
    return await session.scalar(row.returning(OneTimeToken))


def _this(kind: TokenKind, token_hash: bytes) -> ColumnElement[bool]:
    named = and_(OneTimeToken.kind == kind, OneTimeToken.token_hash == token_hash)
    return and_(named, _still_good())


def _still_good() -> ColumnElement[bool]:
    return and_(OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > func.now())
