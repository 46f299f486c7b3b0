"""All SQL about the sessions of one person."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import LoginSession
from monster.dashboard.identity.scope import Person


async def sessions(
    session: AsyncSession, person: Person, idle: timedelta, after: uuid.UUID | None, limit: int
) -> Sequence[LoginSession]:
    """Newest first; what has run out is not among them."""
    found = (
        select(LoginSession)
        .where(_seen_by(person), LoginSession.expires_at > func.now())
        .where(LoginSession.last_seen_at > func.now() - idle)
        .order_by(LoginSession.id.desc())
        .limit(limit)
    )
    if after:
        found = found.where(LoginSession.id < after)
    return (await session.scalars(found)).all()


async def end(session: AsyncSession, person: Person, session_id: uuid.UUID) -> bool:
    """False if there is no such session of theirs."""
    gone = delete(LoginSession).where(_seen_by(person), LoginSession.id == session_id)
    return await session.scalar(gone.returning(LoginSession.id)) is not None


async def end_others(session: AsyncSession, person: Person) -> int:
    others = delete(LoginSession).where(
        _seen_by(person), LoginSession.id != person.identity.session_id
    )
    return len((await session.scalars(others.returning(LoginSession.id))).all())


def _seen_by(person: Person) -> ColumnElement[bool]:
    """A workspace's single sign-on, or a platform admin in disguise, lets somebody in as this
    person without their password: such a session knows of its own kind only."""
    mine, who = LoginSession.user_id == person.user_id, person.identity
    if who.impersonator_id:
        return and_(mine, LoginSession.impersonator_id == who.impersonator_id)
    if who.identity_provider_id:
        return and_(mine, LoginSession.identity_provider_id == who.identity_provider_id)
    return mine
