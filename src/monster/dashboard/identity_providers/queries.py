"""All SQL about identity providers. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.models import LoginSession, Tenant
from monster.dashboard.identity.scope import Scope
from monster.dashboard.tenancy.models import ExternalIdentity, IdentityProvider, TenantKey
from monster.kit.db import violates


def _ours(scope: Scope) -> Select[IdentityProvider]:
    return select(IdentityProvider).where(IdentityProvider.tenant_id == scope.tenant_id)


async def page(
    session: AsyncSession, scope: Scope, words: str, after: uuid.UUID | None, limit: int
) -> Sequence[IdentityProvider]:
    """Oldest first: the order in which they were set up."""
    rows = _ours(scope).order_by(IdentityProvider.id).limit(limit)
    if words:
        texts = (IdentityProvider.name, IdentityProvider.issuer)
        rows = rows.where(or_(*(text.icontains(words, autoescape=True) for text in texts)))
    if after is not None:
        rows = rows.where(IdentityProvider.id > after)
    return (await session.scalars(rows)).all()


async def enabled(session: AsyncSession, scope: Scope) -> Sequence[IdentityProvider]:
    rows = _ours(scope).where(IdentityProvider.enabled)
    return (await session.scalars(rows.order_by(IdentityProvider.id).limit(50))).all()


async def enabled_one(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID
) -> IdentityProvider | None:
    """Who changes it waits until this transaction has ended."""
    this = _ours(scope).where(IdentityProvider.id == provider_id, IdentityProvider.enabled)
    here = this.join(Tenant, Tenant.id == IdentityProvider.tenant_id)
    unsuspended = here.where(Tenant.suspended_at.is_(None))
    return await session.scalar(unsuspended.with_for_update(read=True, of=IdentityProvider))


async def get(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID
) -> IdentityProvider | None:
    return await session.scalar(_ours(scope).where(IdentityProvider.id == provider_id))


async def lock(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID
) -> IdentityProvider | None:
    this = _ours(scope).where(IdentityProvider.id == provider_id)
    return await session.scalar(this.with_for_update())


async def insert_if_free(
    session: AsyncSession, scope: Scope, values: Mapping[str, object]
) -> IdentityProvider | None:
    """None if the name is taken."""
    new = insert(IdentityProvider).values(tenant_id=scope.tenant_id, **values)
    free = new.on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    return await session.scalar(free.returning(IdentityProvider))


async def save(
    session: AsyncSession, scope: Scope, provider: IdentityProvider, values: Mapping[str, object]
) -> bool:
    """False if the name is taken; the transaction is of no use then."""
    assert provider.tenant_id == scope.tenant_id
    for name, value in values.items():
        setattr(provider, name, value)
    try:
        await session.flush()
    except IntegrityError as error:
        if not violates(error, "uq_identity_provider_tenant_id_name"):
            raise
        return False
    return True


async def remove(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID
) -> IdentityProvider | None:
    """With whom it means, and with the sessions it began."""
    gone = delete(IdentityProvider).where(
        IdentityProvider.tenant_id == scope.tenant_id, IdentityProvider.id == provider_id
    )
    return await session.scalar(gone.returning(IdentityProvider))


async def end_sessions(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> None:
    gone = delete(LoginSession).where(LoginSession.tenant_id == scope.tenant_id)
    await session.execute(gone.where(LoginSession.identity_provider_id == provider_id))


async def forget_people(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> None:
    gone = delete(ExternalIdentity).where(ExternalIdentity.tenant_id == scope.tenant_id)
    await session.execute(gone.where(ExternalIdentity.identity_provider_id == provider_id))


async def slug(session: AsyncSession, scope: Scope) -> str:
    return (
        await session.execute(select(Tenant.slug).where(Tenant.id == scope.tenant_id))
    ).scalar_one()


async def wrapped_key(session: AsyncSession, scope: Scope) -> bytes | None:
    return await session.scalar(
        select(TenantKey.wrapped_key).where(TenantKey.tenant_id == scope.tenant_id)
    )


async def add_key(session: AsyncSession, scope: Scope, wrapped: bytes) -> None:
    """Unless another request was faster."""
    new = insert(TenantKey).values(tenant_id=scope.tenant_id, wrapped_key=wrapped)
    await session.execute(new.on_conflict_do_nothing(index_elements=["tenant_id"]))
