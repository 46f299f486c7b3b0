"""What the dashboard does with tenants."""

import re
import unicodedata
import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.scope import Scope
from monster.dashboard.tenancy import queries
from monster.kit import tenancy
from monster.kit.ids import new_id


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
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "workspace"
