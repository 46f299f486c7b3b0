"""All SQL of mail: whom letters go to, and the letters kept for `/dev/mail`.

It works for the platform: whoever reads a letter need not be of any tenant yet.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import OneTimeToken, Tenant, User
from monster.dashboard.mail.models import DevMail
from monster.kit.smtp import Mail

_KEPT = timedelta(days=7)


class Addressee(NamedTuple):
    id: uuid.UUID
    name: str
    email: str
    is_active: bool
    has_password: bool


async def by_email(session: AsyncSession, email: str) -> Addressee | None:
    return await _addressee(session, func.lower(User.email) == func.lower(email))


async def by_id(session: AsyncSession, user_id: uuid.UUID) -> Addressee | None:
    return await _addressee(session, User.id == user_id)


async def _addressee(session: AsyncSession, which: ColumnElement[bool]) -> Addressee | None:
    row = await session.execute(
        select(
            User.id, User.name, User.email, User.is_active, User.password_hash.is_not(None)
        ).where(which)
    )
    found = row.one_or_none()
    return Addressee(*found) if found else None


async def token(session: AsyncSession, token_id: uuid.UUID) -> OneTimeToken | None:
    """Used or not."""
    return await session.get(OneTimeToken, token_id)


async def tenant_name(session: AsyncSession, tenant_id: uuid.UUID) -> str | None:
    return await session.scalar(select(Tenant.name).where(Tenant.id == tenant_id))


async def keep(session: AsyncSession, mail: Mail) -> None:
    values = {
        "recipient": mail.recipient,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
    }
    await session.execute(insert(DevMail).values(values))


async def page(
    session: AsyncSession, query: str, after: uuid.UUID | None, limit: int
) -> Sequence[DevMail]:
    """Newest first."""
    found = select(DevMail).order_by(DevMail.id.desc()).limit(limit)
    if after:
        found = found.where(DevMail.id < after)
    if query:
        text = DevMail.recipient + " " + DevMail.subject
        found = found.where(text.icontains(query, autoescape=True))
    return (await session.scalars(found)).all()


async def forget(session: AsyncSession) -> None:
    await session.execute(delete(DevMail).where(DevMail.created_at < func.now() - _KEPT))
