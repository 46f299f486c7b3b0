"""All SQL about credentials. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.credentials.models import Credential
from monster.engine.toolkit.definitions import Definition
from monster.kit.db import violates


def _visible(scope: Scope) -> ColumnElement[bool]:
    """Shared ones, and one's own."""
    own = Credential.user_id == scope.user_id
    return and_(Credential.tenant_id == scope.tenant_id, or_(Credential.scope == "shared", own))


async def get(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> Credential | None:
    return await session.scalar(
        select(Credential).where(_visible(scope)).where(Credential.id == credential_id)
    )


def _of(factory: Definition) -> ColumnElement[bool]:
    if factory.system:
        return Credential.system_name == factory.system_name
    return Credential.tool_factory_id == factory.id


async def matching(session: AsyncSession, scope: Scope, factory: Definition) -> Credential | None:
    """One's own before what is shared, what works before what does not, new before old."""
    ranked = (
        select(Credential)
        .where(_visible(scope), _of(factory))
        .order_by(
            (Credential.status != "active").asc(),
            (Credential.user_id == scope.user_id).desc().nulls_last(),
            Credential.id.desc(),
        )
    )
    return await session.scalar(ranked.limit(1))


async def page(
    session: AsyncSession,
    scope: Scope,
    factory: Definition | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[Credential]:
    rows = select(Credential).where(_visible(scope)).order_by(Credential.id).limit(limit)
    if factory is not None:
        rows = rows.where(_of(factory))
    if after is not None:
        rows = rows.where(Credential.id > after)
    return (await session.scalars(rows)).all()


async def insert_if_free(
    session: AsyncSession, scope: Scope, values: Mapping[str, object]
) -> Credential | None:
    """None if the name is taken."""
    new = insert(Credential).values(tenant_id=scope.tenant_id, **values)
    free = new.on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    return await session.scalar(free.returning(Credential))


async def remove(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID
) -> Credential | None:
    """What it was; None if there is nothing to remove."""
    gone = delete(Credential).where(_visible(scope)).where(Credential.id == credential_id)
    return await session.scalar(gone.returning(Credential))


async def record(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, values: Mapping[str, object]
) -> Credential | None:
    changed = update(Credential).where(_visible(scope)).where(Credential.id == credential_id)
    return await session.scalar(changed.values(**values).returning(Credential))


async def rename(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, values: Mapping[str, object]
) -> Credential | None:
    """None if the name is taken; the transaction is of no use then."""
    try:
        return await record(session, scope, credential_id, values)
    except IntegrityError as error:
        if violates(error, "uq_credential_tenant_id_name"):
            return None
        raise


async def touch(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, before: datetime
) -> None:
    """Of many who notice at once, one writes."""
    used = update(Credential).where(_visible(scope)).where(Credential.id == credential_id)
    stale = or_(Credential.last_used_at.is_(None), Credential.last_used_at < before)
    await session.execute(used.where(stale).values(last_used_at=func.now()))
