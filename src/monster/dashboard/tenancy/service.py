"""What the dashboard does with tenants."""

import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import Suspended
from monster.dashboard.identity.models import Tenant
from monster.dashboard.identity.scope import Person, Scope
from monster.dashboard.permissions import Can
from monster.dashboard.tenancy import queries
from monster.dashboard.tenancy.errors import FactorFirst, SlugTaken, WorkspaceNotFound
from monster.dashboard.tenancy.schemas import (
    SECOND_FACTOR,
    Mine,
    SettingsChanges,
    SettingsOut,
    WorkspaceCreate,
)
from monster.kit import audit, rates, tenancy
from monster.kit.audit import Action, Entry
from monster.kit.ids import new_id
from monster.kit.rates import Rate

_RESERVED = {"callback"}  # of /sign-in/sso/…
_NEW = Rate(10, timedelta(hours=1))  # workspaces that one person makes


async def create_tenant_with_owner(
    session: AsyncSession, name: str, email: str, owner_name: str, password_hash: str
) -> tuple[uuid.UUID, uuid.UUID]:
    """(tenant_id, user_id). The transaction works in that tenant from here on.

    The hash comes from `kit.passwords`: it takes too long to be made while a connection is held.
    Raises EmailTaken; nothing may be committed then.
    """
    tenant_id = await create_tenant(session, name, email)
    user_id = await identity.add_person(session, tenant_id, email, owner_name, password_hash)
    await queries.add_member(session, Scope.system(tenant_id), user_id, "owner")
    return tenant_id, user_id


async def create_tenant(session: AsyncSession, name: str, email: str) -> uuid.UUID:
    """Without anybody in it. The transaction works in that tenant from here on."""
    scope = Scope.system(new_id())
    await tenancy.enter(session, scope.tenant_id)
    slug = _slug(name)
    if await queries.insert_if_free(session, scope, name, email, slug) is None:
        await queries.insert_if_free(session, scope, name, email, f"{slug}-{scope.tenant_id.hex}")
    return scope.tenant_id


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "workspace"
    return f"{slug}-workspace" if slug in _RESERVED else slug


# Of a person, wherever they work.


async def mine(session: AsyncSession, person: Person) -> Sequence[Mine]:
    return await queries.mine(session, person)


async def create(session: AsyncSession, person: Person, data: WorkspaceCreate) -> Mine:
    """A workspace of their own, in which they work from here on."""
    person.require_own()
    await rates.take(session, _NEW, "workspace", str(person.user_id))
    tenant_id = await create_tenant(session, data.name, person.identity.user_email)
    await queries.add_member(session, Scope.system(tenant_id), person.user_id, "owner")
    await queries.move_session(session, person, tenant_id)
    actor = replace(person.actor, tenant_id=tenant_id)
    made = Entry(Action.CREATE, "workspace", tenant_id, after={"name": data.name})
    await audit.record(session, actor, made)
    return Mine(tenant_id, data.name, "owner", is_suspended=False)


async def enter(session: AsyncSession, person: Person, tenant_id: uuid.UUID) -> Mine:
    """The session works there from its next request on. The transaction is there from here on."""
    person.require_own()
    found = await queries.one_of_mine(session, person, tenant_id)
    if found is None:
        raise WorkspaceNotFound(f"no workspace {tenant_id}")
    if found.is_suspended:
        raise Suspended(f"{found.name} is suspended. Its owner knows more.")
    await queries.move_session(session, person, tenant_id)
    await tenancy.enter(session, tenant_id)
    actor = replace(person.actor, tenant_id=tenant_id)
    await audit.record(session, actor, Entry(Action.LOGIN, "workspace", tenant_id))
    return found


# Of a workspace.


async def settings(session: AsyncSession, scope: Scope) -> SettingsOut:
    return _told(await queries.get(session, scope))


async def slug_is_taken(session: AsyncSession, scope: Scope, slug: str) -> bool:
    """By another workspace."""
    return slug in _RESERVED or await queries.is_taken(session, scope, slug)


async def lock(session: AsyncSession, scope: Scope) -> None:
    """Who belongs here, and as what, is changed by one at a time."""
    await queries.lock(session, scope)


async def change(session: AsyncSession, scope: Scope, changes: SettingsChanges) -> SettingsOut:
    """Raises SlugTaken and FactorFirst."""
    scope.require(Can.SETTINGS)
    tenant = await queries.lock(session, scope)
    before = _told(tenant)
    values = changes.model_dump(exclude_unset=True)
    if SECOND_FACTOR in values:
        wanted = values.pop(SECOND_FACTOR)
        if wanted and not before.require_second_factor:
            await _has_factor(session, scope)
        values["settings"] = tenant.settings | {SECOND_FACTOR: wanted}
    if changes.slug in _RESERVED or not await queries.save(session, scope, tenant, values):
        raise SlugTaken(f"another workspace has the short name {changes.slug}", field="slug")
    after = _told(tenant)
    told = (one.model_dump(mode="json") for one in (before, after))
    await audit.record(
        session, scope.actor, Entry(Action.UPDATE, "workspace", scope.tenant_id, *told)
    )
    return after


async def _has_factor(session: AsyncSession, scope: Scope) -> None:
    if not await identity.has_factor(session, scope.user_id):
        raise FactorFirst("set up a second factor of your own first", field=SECOND_FACTOR)


def _told(tenant: Tenant) -> SettingsOut:
    return SettingsOut(
        id=tenant.id,
        name=tenant.name,
        email=tenant.email,
        slug=tenant.slug,
        require_second_factor=tenant.settings.get(SECOND_FACTOR) is True,
    )
