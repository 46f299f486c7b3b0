"""All SQL about tenants. Every function starts from the scope, also of a tenant just being made."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import LoginSession, Membership, RoleName, Tenant
from monster.dashboard.identity.scope import Person, Scope
from monster.dashboard.tenancy.schemas import Mine
from monster.kit.db import violates

_MOST = 200  # workspaces of one person that are shown


async def insert_if_free(
    session: AsyncSession, scope: Scope, name: str, email: str, slug: str
) -> uuid.UUID | None:
    """None if the slug is taken."""
    new = insert(Tenant).values(id=scope.tenant_id, name=name, email=email, slug=slug)
    return await session.scalar(new.on_conflict_do_nothing().returning(Tenant.id))


async def add_member(
    session: AsyncSession, scope: Scope, user_id: uuid.UUID, role: RoleName
) -> None:
    row = {"tenant_id": scope.tenant_id, "user_id": user_id, "role": role}
    await session.execute(insert(Membership).values(row))


async def mine(session: AsyncSession, person: Person) -> Sequence[Mine]:
    """Where the person is an active member, by name."""
    rows = await session.execute(
        select(Tenant.id, Tenant.name, Membership.role, Tenant.suspended_at.is_not(None))
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == person.user_id, Membership.is_active)
        .order_by(func.lower(Tenant.name), Tenant.id)
        .limit(_MOST)
    )
    return [Mine(*row) for row in rows]


async def one_of_mine(session: AsyncSession, person: Person, tenant_id: uuid.UUID) -> Mine | None:
    row = await session.execute(
        select(Tenant.id, Tenant.name, Membership.role, Tenant.suspended_at.is_not(None))
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == person.user_id, Membership.is_active)
        .where(Tenant.id == tenant_id)
    )
    found = row.one_or_none()
    return Mine(*found) if found else None


async def move_session(session: AsyncSession, person: Person, tenant_id: uuid.UUID) -> None:
    mine = LoginSession.id == person.identity.session_id
    await session.execute(
        update(LoginSession)
        .where(mine, LoginSession.user_id == person.user_id)
        .values(tenant_id=tenant_id)
    )


async def get(session: AsyncSession, scope: Scope) -> Tenant:
    return (await session.scalars(select(Tenant).where(Tenant.id == scope.tenant_id))).one()


async def lock(session: AsyncSession, scope: Scope) -> Tenant:
    """References to it may still be made meanwhile."""
    row = select(Tenant).where(Tenant.id == scope.tenant_id).with_for_update(key_share=True)
    return (await session.scalars(row.execution_options(populate_existing=True))).one()


async def is_taken(session: AsyncSession, scope: Scope, slug: str) -> bool:
    """By another workspace."""
    row = exists().where(Tenant.slug == slug, Tenant.id != scope.tenant_id)
    return bool(await session.scalar(select(row)))


async def save(
    session: AsyncSession, scope: Scope, tenant: Tenant, values: Mapping[str, Any]
) -> bool:
    """False if the slug is taken; the transaction is of no use then."""
    assert tenant.id == scope.tenant_id
    for name, value in values.items():
        setattr(tenant, name, value)
    try:
        await session.flush()
    except IntegrityError as error:
        if not violates(error, "uq_tenant_slug"):
            raise
        return False
    return True
