"""What is known of master keys outside the tenants' walls: ids, and which key wrapped what."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.secrets.models import KeyRotation, MasterKeyUse

_LOCK = text("select pg_try_advisory_xact_lock(hashtext('key_rotation'))")


async def tenants(session: AsyncSession) -> Sequence[uuid.UUID]:
    """All that have a key."""
    found = select(MasterKeyUse.tenant_id).distinct().order_by(MasterKeyUse.tenant_id)
    return (await session.scalars(found)).all()


async def fingerprints(session: AsyncSession) -> Sequence[str]:
    """Of the master keys in use."""
    return (await session.scalars(select(MasterKeyUse.fingerprint).distinct())).all()


async def tenants_under(
    session: AsyncSession, fingerprint: str, limit: int
) -> tuple[int, Sequence[uuid.UUID]]:
    """How many, and the first of them."""
    under = select(MasterKeyUse.tenant_id).where(MasterKeyUse.fingerprint == fingerprint).distinct()
    count = await session.scalar(select(func.count()).select_from(under.subquery()))
    first = under.order_by(MasterKeyUse.tenant_id).limit(limit)
    return count or 0, (await session.scalars(first)).all()


async def lock(session: AsyncSession) -> bool:
    """Until the end of the transaction; False if another rotation goes on."""
    return bool(await session.scalar(_LOCK))


async def begun(session: AsyncSession) -> KeyRotation:
    """The one that was cut short, or a new one."""
    unfinished = select(KeyRotation).where(KeyRotation.finished_at.is_(None))
    found = await session.scalar(unfinished.order_by(KeyRotation.started_at).limit(1))
    if found is None:
        found = KeyRotation()
        session.add(found)
        await session.flush()
        await session.refresh(found)
    return found


async def finish(session: AsyncSession) -> datetime | None:
    """All that are open."""
    done = update(KeyRotation).where(KeyRotation.finished_at.is_(None))
    return await session.scalar(
        done.values(finished_at=func.now()).returning(KeyRotation.finished_at)
    )
