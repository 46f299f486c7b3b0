"""All SQL about tenants. Every function starts from the scope, also of a tenant just being made."""

import uuid

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import Membership, RoleName, Tenant
from monster.dashboard.identity.scope import Scope


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
