"""All SQL about acting as somebody else. Each function refuses who is no platform admin."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import Membership, Tenant, User
from monster.dashboard.identity.scope import Person
from monster.dashboard.impersonation.schemas import Somebody, Workspace
from monster.kit import tenancy


async def somebody(session: AsyncSession, person: Person, user_id: uuid.UUID) -> Somebody | None:
    person.require_admin()
    columns = (User.id, User.name, User.is_active, User.is_admin)
    row = (await session.execute(select(*columns).where(User.id == user_id))).one_or_none()
    return Somebody(*row) if row else None


async def workspaces(session: AsyncSession, person: Person, user_id: uuid.UUID) -> list[Workspace]:
    """Where they can work, first where they would begin."""
    person.require_admin()
    await tenancy.enter_person(session, user_id)
    rows = await session.execute(
        select(Tenant.id, Tenant.name)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.user_id == user_id, Membership.is_active, Tenant.suspended_at.is_(None))
        .order_by((Membership.tenant_id == User.tenant_id).desc().nulls_last(), Membership.id)
    )
    return [Workspace(*row) for row in rows]
