"""All SQL about passkeys. The transaction has entered the person."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import Passkey


def _of(person: uuid.UUID) -> Select[Passkey]:
    return select(Passkey).where(Passkey.user_id == person)


async def listed(session: AsyncSession, person: uuid.UUID) -> Sequence[Passkey]:
    return (await session.scalars(_of(person).order_by(Passkey.id))).all()


async def get(session: AsyncSession, person: uuid.UUID, passkey_id: uuid.UUID) -> Passkey | None:
    return await session.scalar(_of(person).where(Passkey.id == passkey_id))


async def lock(session: AsyncSession, person: uuid.UUID, credential_id: bytes) -> Passkey | None:
    """Two answers of one passkey must not both find the counter as it was."""
    found = _of(person).where(Passkey.credential_id == credential_id)
    return await session.scalar(found.with_for_update())


async def insert_if_new(
    session: AsyncSession, person: uuid.UUID, name: str, **row: object
) -> Passkey | None:
    new = insert(Passkey).values(user_id=person, name=name, **row)
    return await session.scalar(new.on_conflict_do_nothing().returning(Passkey))


async def used(
    session: AsyncSession, person: uuid.UUID, passkey_id: uuid.UUID, sign_count: int
) -> None:
    row = update(Passkey).where(Passkey.user_id == person, Passkey.id == passkey_id)
    await session.execute(row.values(sign_count=sign_count, last_used_at=func.now()))


async def remove(session: AsyncSession, person: uuid.UUID, passkey_id: uuid.UUID) -> None:
    gone = delete(Passkey).where(Passkey.user_id == person, Passkey.id == passkey_id)
    await session.execute(gone)
