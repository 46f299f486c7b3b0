"""All SQL about secrets and the keys that seal them. Every function starts from the scope."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.secrets.models import MasterKeyUse, Secret, TenantKey
from monster.engine.secrets.schemas import Owner


class Sealed(NamedTuple):
    """One secret, and the wrapped key that opens it."""

    key: str
    ciphertext: bytes
    wrapped: bytes


def _of(scope: Scope, owner: Owner) -> ColumnElement[bool]:
    mine = getattr(Secret, f"{owner.kind}_id") == owner.id
    return and_(Secret.tenant_id == scope.tenant_id, mine)


async def tenant_key(
    session: AsyncSession, scope: Scope, version: int | None = None
) -> TenantKey | None:
    """That one, or the newest."""
    keys = select(TenantKey).where(TenantKey.tenant_id == scope.tenant_id)
    if version is not None:
        keys = keys.where(TenantKey.key_version == version)
    return await session.scalar(keys.order_by(TenantKey.key_version.desc()).limit(1))


async def add_tenant_key(
    session: AsyncSession, scope: Scope, wrapped: bytes, fingerprint: str
) -> None:
    """The first one, unless another request was faster."""
    version = {"tenant_id": scope.tenant_id, "key_version": 1}
    new = insert(TenantKey).values(**version, wrapped_key=wrapped).on_conflict_do_nothing()
    if await session.scalar(new.returning(TenantKey.id)) is not None:
        await session.execute(insert(MasterKeyUse).values(**version, fingerprint=fingerprint))


async def put(
    session: AsyncSession, scope: Scope, owner: Owner, rows: Sequence[Mapping[str, object]]
) -> None:
    """Replaces what has the same key."""
    mine = {"tenant_id": scope.tenant_id, f"{owner.kind}_id": owner.id}
    new = insert(Secret).values([{**mine, **row} for row in rows])
    sealed = {name: new.excluded[name] for name in ("ciphertext", "key_version")}
    await session.execute(
        new.on_conflict_do_update(index_elements=["tenant_id", "key"], set_=sealed)
    )


async def sealed(session: AsyncSession, scope: Scope, owner: Owner) -> Sequence[Sealed]:
    of_version = and_(
        TenantKey.tenant_id == Secret.tenant_id, TenantKey.key_version == Secret.key_version
    )
    rows = (
        select(Secret.key, Secret.ciphertext, TenantKey.wrapped_key)
        .join(TenantKey, of_version)
        .where(_of(scope, owner))
    )
    return [Sealed(*row) for row in await session.execute(rows)]


async def drop(session: AsyncSession, scope: Scope, owner: Owner, keys: Collection[str]) -> None:
    gone = delete(Secret).where(_of(scope, owner)).where(Secret.key.in_(keys))
    await session.execute(gone)
