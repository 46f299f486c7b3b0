"""All SQL about authenticator apps and recovery codes. The transaction has entered the person."""

import uuid
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import RecoveryCode, Totp, User


async def totp(session: AsyncSession, person: uuid.UUID) -> Totp | None:
    return await session.scalar(select(Totp).where(Totp.user_id == person))


async def begin_totp(session: AsyncSession, person: uuid.UUID, secret: bytes) -> bool:
    """One that is not confirmed is replaced. False if one is confirmed."""
    new = insert(Totp).values(user_id=person, secret=secret)
    row = new.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"secret": secret, "last_step": 0},
        where=Totp.confirmed_at.is_(None),
    )
    return await session.scalar(row.returning(Totp.id)) is not None


async def take_step(session: AsyncSession, person: uuid.UUID, step: int) -> bool:
    """Whether the code of that half minute is new. Of two who come at once, one gets it."""
    row = (
        update(Totp)
        .where(Totp.user_id == person, Totp.last_step < step)
        .values(last_step=step, confirmed_at=func.coalesce(Totp.confirmed_at, func.now()))
    )
    return await session.scalar(row.returning(Totp.id)) is not None


async def remove_totp(session: AsyncSession, person: uuid.UUID) -> bool:
    gone = delete(Totp).where(Totp.user_id == person, Totp.confirmed_at.is_not(None))
    return await session.scalar(gone.returning(Totp.id)) is not None


async def codes_left(session: AsyncSession, person: uuid.UUID) -> int:
    mine = select(func.count()).where(RecoveryCode.user_id == person)
    return await session.scalar(mine.where(RecoveryCode.used_at.is_(None))) or 0


async def has_codes(session: AsyncSession, person: uuid.UUID) -> bool:
    """Used ones among them. Whoever asks at the same time waits until this transaction ends."""
    await session.execute(select(User.id).where(User.id == person).with_for_update())
    mine = select(RecoveryCode.id).where(RecoveryCode.user_id == person).limit(1)
    return await session.scalar(mine) is not None


async def replace_codes(session: AsyncSession, person: uuid.UUID, hashes: Sequence[bytes]) -> None:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == person))
    if hashes:
        rows = [{"user_id": person, "code_hash": code_hash} for code_hash in hashes]
        await session.execute(insert(RecoveryCode), rows)


async def use_code(session: AsyncSession, person: uuid.UUID, code_hash: bytes) -> bool:
    row = (
        update(RecoveryCode)
        .where(RecoveryCode.user_id == person, RecoveryCode.code_hash == code_hash)
        .where(RecoveryCode.used_at.is_(None))
        .values(used_at=func.now())
    )
    return await session.scalar(row.returning(RecoveryCode.id)) is not None


async def password_hash(session: AsyncSession, person: uuid.UUID) -> str | None:
    return await session.scalar(select(User.password_hash).where(User.id == person))


async def own_tenant(session: AsyncSession, person: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(User.tenant_id).where(User.id == person))
