"""All SQL about accounts that works in no tenant: new passwords, other addresses, what is over."""

import uuid
from datetime import timedelta

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.accounts.schemas import Account
from monster.dashboard.identity.models import LoginSession, OneTimeToken, User
from monster.kit.db import violates

_KEPT = timedelta(days=1)  # used tokens: the letter about it may still be on its way


_ACCOUNT = (User.id, User.email, User.name, User.tenant_id, User.password_hash.is_not(None))


async def by_email(session: AsyncSession, email: str) -> Account | None:
    """Of somebody who may come in."""
    same = func.lower(User.email) == func.lower(email)
    row = (await session.execute(select(*_ACCOUNT).where(same, User.is_active))).one_or_none()
    return Account(*row) if row else None


async def by_id(session: AsyncSession, user_id: uuid.UUID) -> Account | None:
    mine = select(*_ACCOUNT).where(User.id == user_id, User.is_active)
    row = (await session.execute(mine)).one_or_none()
    return Account(*row) if row else None


async def set_password(session: AsyncSession, user_id: uuid.UUID, password_hash: str) -> None:
    """Forgives what was typed wrong before."""
    await session.execute(
        update(User)
        .where(User.id == user_id)
        .values(password_hash=password_hash, failed_login_attempts=0, locked_until=None)
    )


async def set_email(session: AsyncSession, user_id: uuid.UUID, email: str) -> bool:
    """False if somebody has it; the transaction is of no use then."""
    try:
        await session.execute(
            update(User).where(User.id == user_id).values(email=email, email_verified=True)
        )
    except IntegrityError as error:
        if not violates(error, "uq_user_email"):
            raise
        return False
    return True


async def rename(session: AsyncSession, user_id: uuid.UUID, name: str) -> None:
    await session.execute(update(User).where(User.id == user_id).values(name=name))


async def end_sessions(
    session: AsyncSession, user_id: uuid.UUID, but: uuid.UUID | None = None
) -> None:
    """Those of others who act as this person, too."""
    gone = delete(LoginSession).where(LoginSession.user_id == user_id)
    await session.execute(gone.where(LoginSession.id != but) if but else gone)


async def end_resets(session: AsyncSession, user_id: uuid.UUID, email: str) -> None:
    """What was sent to get in or to move the account, and was not used."""
    reset = and_(OneTimeToken.kind == "reset", func.lower(OneTimeToken.email) == func.lower(email))
    move = and_(OneTimeToken.kind == "email", OneTimeToken.user_id == user_id)
    unused = OneTimeToken.used_at.is_(None)
    await session.execute(delete(OneTimeToken).where(or_(reset, move), unused))


async def sweep(session: AsyncSession) -> None:
    """Sessions and tokens that are over."""
    await session.execute(delete(LoginSession).where(LoginSession.expires_at <= func.now()))
    unused = OneTimeToken.used_at.is_(None)
    await session.execute(
        delete(OneTimeToken).where(
            or_(
                and_(unused, OneTimeToken.expires_at <= func.now()),
                OneTimeToken.used_at <= func.now() - _KEPT,
            )
        )
    )
