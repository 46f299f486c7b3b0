"""All SQL about the tenants of the platform. Each function refuses who is no platform admin."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.admin.schemas import MemberOut, Sought
from monster.dashboard.identity.models import Membership, Tenant, User
from monster.dashboard.identity.scope import Person
from monster.dashboard.tenancy.models import Invitation
from monster.kit import tenancy

_NAME = func.lower(Tenant.name)
_COUNTS = text("select * from tenant_counts(cast(:tenants as uuid[]))")


async def page(session: AsyncSession, person: Person, sought: Sought) -> Sequence[Tenant]:
    person.require_admin()
    rows = select(Tenant).limit(sought.limit)
    if sought.words:
        named = (Tenant.name, Tenant.email, Tenant.slug)
        rows = rows.where(or_(*(c.icontains(sought.words, autoescape=True) for c in named)))
    by_name = sought.sort == "name"
    rows = rows.order_by(_NAME, Tenant.id) if by_name else rows.order_by(Tenant.id.desc())
    if sought.after:
        last = select(_NAME).where(Tenant.id == sought.after).scalar_subquery()
        further = tuple_(_NAME, Tenant.id) > tuple_(last, sought.after)
        rows = rows.where(further if by_name else Tenant.id < sought.after)
    return (await session.scalars(rows)).all()


async def get(session: AsyncSession, person: Person, tenant_id: uuid.UUID) -> Tenant | None:
    person.require_admin()
    return await session.scalar(select(Tenant).where(Tenant.id == tenant_id))


async def counts(
    session: AsyncSession, person: Person, tenant_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[int, int]]:
    """Members and agents of each. The transaction is of no tenant afterwards."""
    person.require_admin()
    rows = await session.execute(_COUNTS, {"tenants": list(tenant_ids)})
    return {tenant: (members, agents) for tenant, members, agents in rows}


async def members(
    session: AsyncSession,
    person: Person,
    tenant_id: uuid.UUID,
    after: uuid.UUID | None,
    limit: int,
) -> list[MemberOut]:
    """Oldest person first."""
    person.require_admin()
    await tenancy.enter(session, tenant_id)
    rows = (
        select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == tenant_id)
        .order_by(Membership.user_id)
        .limit(limit)
    )
    found = await session.execute(rows.where(Membership.user_id > after) if after else rows)
    return [
        MemberOut(
            user_id=user.id,
            name=user.name,
            email=user.email,
            role=member.role,
            is_active=member.is_active and user.is_active,
            since=member.created_at,
        )
        for member, user in found
    ]


async def invite_owner(
    session: AsyncSession, person: Person, tenant_id: uuid.UUID, email: str, lifetime: timedelta
) -> uuid.UUID:
    """Into a tenant that the transaction has just made, and is in."""
    person.require_admin()
    new = insert(Invitation).values(
        tenant_id=tenant_id,
        email=email,
        role="owner",
        user_id=person.user_id,
        expires_at=func.now() + lifetime,
    )
    return (await session.execute(new.returning(Invitation.id))).scalar_one()
