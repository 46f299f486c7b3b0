"""What platform admins do with tenants. Every function refuses everybody else."""

import uuid
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.admin import queries
from monster.dashboard.admin.schemas import MemberOut, Sought, TenantCreate, TenantOut
from monster.dashboard.closing import service as closing
from monster.dashboard.closing.errors import NameDiffers, TenantNotFound
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.models import Tenant
from monster.dashboard.identity.scope import Person, Scope
from monster.dashboard.mail import service as mail
from monster.dashboard.mail.schemas import Letter
from monster.dashboard.tenancy import service as tenants
from monster.kit import audit
from monster.kit.audit import Action, Actor, Entry

_INVITED_FOR = timedelta(days=7)


async def page(session: AsyncSession, person: Person, sought: Sought) -> list[TenantOut]:
    """Two statements, however many there are."""
    person.require_admin()
    return await _counted(session, person, *await queries.page(session, person, sought))


async def get(session: AsyncSession, person: Person, tenant_id: uuid.UUID) -> TenantOut:
    person.require_admin()
    tenant = await queries.get(session, person, tenant_id)
    if tenant is None:
        raise TenantNotFound(f"no tenant {tenant_id}")
    return (await _counted(session, person, tenant))[0]


async def members(
    session: AsyncSession,
    person: Person,
    tenant_id: uuid.UUID,
    after: uuid.UUID | None,
    limit: int,
) -> list[MemberOut]:
    """Oldest person first."""
    person.require_admin()
    return await queries.members(session, person, tenant_id, after, limit)


async def create(session: AsyncSession, person: Person, data: TenantCreate) -> uuid.UUID:
    """Empty; whoever has the address is invited as its owner."""
    person.require_admin()
    tenant_id = await tenants.create_tenant(session, data.name, data.email)
    invitation_id = await queries.invite_owner(session, person, tenant_id, data.email, _INVITED_FOR)
    token_id = await identity.promise(
        session,
        "invite",
        _INVITED_FOR,
        email=data.email,
        tenant_id=tenant_id,
        invitation_id=invitation_id,
    )
    await mail.post(session, Letter.INVITE, token_id)
    made = Entry(Action.CREATE, "tenant", tenant_id, after={"name": data.name})
    invited = Entry(Action.INVITE, "invitation", invitation_id, after={"role": "owner"})
    await audit.record(session, _here(person, tenant_id), made, invited)
    more = {"name": data.name}
    told = Entry(Action.CREATE, "tenant", closing.digest(tenant_id), more=more)
    await closing.tell_platform(session, person.actor, told)
    return tenant_id


async def set_suspended(
    session: AsyncSession, person: Person, tenant_id: uuid.UUID, *, suspended: bool
) -> Tenant:
    person.require_admin()
    scope = Scope.system(tenant_id)
    return await closing.set_suspended(session, scope, person.actor, suspended=suspended)


async def delete(session: AsyncSession, person: Person, tenant_id: uuid.UUID, typed: str) -> str:
    """With everything. Raises NameDiffers."""
    tenant = await get(session, person, tenant_id)
    if typed.strip() != tenant.name.strip():
        raise NameDiffers("this is not the name of the workspace", field="name")
    return await closing.delete_tenant(session, Scope.system(tenant_id), person.actor)


async def _counted(session: AsyncSession, person: Person, *found: Tenant) -> list[TenantOut]:
    counts = await queries.counts(session, person, [tenant.id for tenant in found])
    return [
        TenantOut(
            id=tenant.id,
            name=tenant.name,
            email=tenant.email,
            slug=tenant.slug,
            suspended_at=tenant.suspended_at,
            created_at=tenant.created_at,
            members=counts[tenant.id][0],
            agents=counts[tenant.id][1],
        )
        for tenant in found
    ]


def _here(person: Person, tenant_id: uuid.UUID) -> Actor:
    """As the log of that tenant names the admin."""
    ip_address, user_agent = person.device.ip_address, person.device.user_agent
    return Actor(tenant_id, "user", person.user_id, None, ip_address, user_agent)
