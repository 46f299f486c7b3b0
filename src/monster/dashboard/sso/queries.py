"""All SQL about who comes by single sign-on, within the tenant whose provider sent them."""

import uuid
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import Membership, RoleName, User
from monster.dashboard.identity.scope import Scope
from monster.dashboard.tenancy.models import ExternalIdentity


class Member(NamedTuple):
    role: RoleName
    is_active: bool  # the person and their membership


async def linked(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID, subject: str
) -> uuid.UUID | None:
    """The user whom the provider means by that."""
    return await session.scalar(
        select(ExternalIdentity.user_id).where(
            ExternalIdentity.tenant_id == scope.tenant_id,
            ExternalIdentity.identity_provider_id == provider_id,
            ExternalIdentity.subject == subject,
        )
    )


async def link(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID, subject: str, user_id: uuid.UUID
) -> None:
    new = insert(ExternalIdentity).values(
        tenant_id=scope.tenant_id,
        identity_provider_id=provider_id,
        subject=subject,
        user_id=user_id,
    )
    await session.execute(new.on_conflict_do_nothing())


async def user_by_email(session: AsyncSession, scope: Scope, email: str) -> uuid.UUID | None:
    """Of whatever tenant: addresses are unique on the platform."""
    del scope  # people stand outside the walls; what they are here, `member` tells
    return await session.scalar(select(User.id).where(func.lower(User.email) == func.lower(email)))


async def add_user(session: AsyncSession, scope: Scope, email: str, name: str) -> uuid.UUID | None:
    """Without a password. None if somebody came to have the address meanwhile."""
    new = insert(User).values(
        tenant_id=scope.tenant_id, email=email, name=name, is_active=True, email_verified=True
    )
    return await session.scalar(new.on_conflict_do_nothing().returning(User.id))


async def add_member(
    session: AsyncSession, scope: Scope, user_id: uuid.UUID, role: RoleName
) -> None:
    row = {"tenant_id": scope.tenant_id, "user_id": user_id, "role": role}
    await session.execute(insert(Membership).values(row))


async def member(session: AsyncSession, scope: Scope, user_id: uuid.UUID) -> Member | None:
    row = await session.execute(
        select(Membership.role, Membership.is_active & User.is_active)
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == scope.tenant_id, Membership.user_id == user_id)
    )
    found = row.one_or_none()
    return Member(found[0], found[1]) if found else None


async def set_role(session: AsyncSession, scope: Scope, user_id: uuid.UUID, role: RoleName) -> bool:
    """False if they have it, or are the owner."""
    changed = (
        update(Membership)
        .where(Membership.tenant_id == scope.tenant_id, Membership.user_id == user_id)
        .where(Membership.role.not_in(("owner", role)))
        .values(role=role)
    )
    return await session.scalar(changed.returning(Membership.id)) is not None
