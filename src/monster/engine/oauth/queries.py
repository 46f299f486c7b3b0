"""All SQL about registrations with OAuth providers. Every function starts from the scope."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import column, delete, exists, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.oauth.models import OAuthProvider
from monster.kit.db import violates

# What rests on a registration is of features above this one.
_USERS = [
    table(name, column("tenant_id"), column("oauth_provider_id"))
    for name in ("credential", "tool_factory")
]


async def get(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> OAuthProvider | None:
    return await session.scalar(
        select(OAuthProvider).where(
            OAuthProvider.tenant_id == scope.tenant_id, OAuthProvider.id == provider_id
        )
    )


async def page(
    session: AsyncSession, scope: Scope, after: uuid.UUID | None, limit: int
) -> Sequence[OAuthProvider]:
    """Oldest first."""
    rows = select(OAuthProvider).where(OAuthProvider.tenant_id == scope.tenant_id)
    if after is not None:
        rows = rows.where(OAuthProvider.id > after)
    return (await session.scalars(rows.order_by(OAuthProvider.id).limit(limit))).all()


async def with_secret(
    session: AsyncSession, scope: Scope, providers: Sequence[OAuthProvider]
) -> set[uuid.UUID]:
    """Which of these have one, as the store of secrets has it."""
    secret = table("secret", column("tenant_id"), column("oauth_provider_id"))
    ids = [one.id for one in providers]
    rows = select(secret.c.oauth_provider_id).where(
        secret.c.tenant_id == scope.tenant_id, secret.c.oauth_provider_id.in_(ids)
    )
    return set(await session.scalars(rows))


async def insert_if_free(
    session: AsyncSession, scope: Scope, values: Mapping[str, Any]
) -> OAuthProvider | None:
    """None if the name is taken."""
    new = insert(OAuthProvider).values(tenant_id=scope.tenant_id, **values)
    free = new.on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    return await session.scalar(free.returning(OAuthProvider))


async def save(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID, values: Mapping[str, Any]
) -> OAuthProvider | None:
    """None if the name is taken; the transaction is of no use then."""
    changed = update(OAuthProvider).where(
        OAuthProvider.tenant_id == scope.tenant_id, OAuthProvider.id == provider_id
    )
    try:
        return await session.scalar(changed.values(**values).returning(OAuthProvider))
    except IntegrityError as error:
        if violates(error, "uq_oauth_provider_tenant_id_name"):
            return None
        raise


async def is_used(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> bool:
    for one in _USERS:
        mine = exists().where(
            one.c.tenant_id == scope.tenant_id, one.c.oauth_provider_id == provider_id
        )
        if await session.scalar(select(mine)):
            return True
    return False


async def remove(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID
) -> OAuthProvider | None:
    """What it was; None if there is nothing to remove."""
    gone = delete(OAuthProvider).where(
        OAuthProvider.tenant_id == scope.tenant_id, OAuthProvider.id == provider_id
    )
    return await session.scalar(gone.returning(OAuthProvider))
