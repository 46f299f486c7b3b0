"""All SQL about secrets and the keys that seal them. Every function starts from the scope."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.secrets.models import MasterKeyUse, Secret, TenantKey
from monster.engine.secrets.schemas import Owner, Wrapped


class Sealing(NamedTuple):
    """A version of the tenant's key."""

    version: int
    wrapped: Wrapped


class Sealed(NamedTuple):
    """One secret, and the wrapped key that opens it."""

    key: str
    ciphertext: bytes
    wrapped: Wrapped


_USED = and_(
    MasterKeyUse.tenant_id == TenantKey.tenant_id,
    MasterKeyUse.key_version == TenantKey.key_version,
)
_OF_VERSION = and_(
    TenantKey.tenant_id == Secret.tenant_id, TenantKey.key_version == Secret.key_version
)


def _of(scope: Scope, owner: Owner) -> ColumnElement[bool]:
    mine = getattr(Secret, f"{owner.kind}_id") == owner.id
    return and_(Secret.tenant_id == scope.tenant_id, mine)


def _keys(scope: Scope) -> Select[int, str, bytes]:
    """Newest first."""
    return (
        select(TenantKey.key_version, MasterKeyUse.fingerprint, TenantKey.wrapped_key)
        .join(MasterKeyUse, _USED)
        .where(TenantKey.tenant_id == scope.tenant_id)
        .order_by(TenantKey.key_version.desc())
    )


async def tenant_keys(session: AsyncSession, scope: Scope) -> Sequence[Sealing]:
    """Newest first."""
    rows = await session.execute(_keys(scope))
    return [Sealing(version, Wrapped(by, text)) for version, by, text in rows]


async def newest_key(session: AsyncSession, scope: Scope) -> Sealing | None:
    """It stays until the end of the transaction; None also if it was removed just now."""
    held = _keys(scope).limit(1).with_for_update(read=True, key_share=True, of=TenantKey)
    row = (await session.execute(held)).one_or_none()
    return Sealing(row[0], Wrapped(row[1], row[2])) if row else None


async def has_key(session: AsyncSession, scope: Scope) -> bool:
    return bool(
        await session.scalar(select(exists().where(TenantKey.tenant_id == scope.tenant_id)))
    )


async def add_first_key(session: AsyncSession, scope: Scope, wrapped: Wrapped) -> None:
    """Unless another request was faster."""
    version = {"tenant_id": scope.tenant_id, "key_version": 1}
    new = insert(TenantKey).values(**version, wrapped_key=wrapped.text).on_conflict_do_nothing()
    if await session.scalar(new.returning(TenantKey.id)) is not None:
        use = insert(MasterKeyUse).values(**version, fingerprint=wrapped.fingerprint)
        await session.execute(use)


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


def _sealed(condition: ColumnElement[bool]) -> Select[str, bytes, str, bytes]:
    columns = (Secret.key, Secret.ciphertext, MasterKeyUse.fingerprint, TenantKey.wrapped_key)
    return select(*columns).join(TenantKey, _OF_VERSION).join(MasterKeyUse, _USED).where(condition)


async def sealed(session: AsyncSession, scope: Scope, owner: Owner) -> Sequence[Sealed]:
    rows = await session.execute(_sealed(_of(scope, owner)))
    return [Sealed(key, text, Wrapped(by, lock)) for key, text, by, lock in rows]


async def drop(session: AsyncSession, scope: Scope, owner: Owner, keys: Collection[str]) -> None:
    gone = delete(Secret).where(_of(scope, owner)).where(Secret.key.in_(keys))
    await session.execute(gone)


# Rotation


async def rewrapped(session: AsyncSession, scope: Scope, old: Sealing, new: Wrapped) -> bool:
    """Unless it is no longer as it was."""
    this = and_(TenantKey.tenant_id == scope.tenant_id, TenantKey.key_version == old.version)
    changed = update(TenantKey).where(this).where(TenantKey.wrapped_key == old.wrapped.text)
    done = changed.values(wrapped_key=new.text).returning(TenantKey.id)
    if await session.scalar(done) is None:
        return False
    used = update(MasterKeyUse).where(MasterKeyUse.tenant_id == scope.tenant_id)
    used = used.where(MasterKeyUse.key_version == old.version)
    await session.execute(used.values(fingerprint=new.fingerprint))
    return True


async def add_next_key(session: AsyncSession, scope: Scope, old: Sealing, new: Wrapped) -> bool:
    """After `old`; not if there is one after it, nor in a tenant that is gone by now."""
    before = (
        select(TenantKey.key_version)
        .where(TenantKey.tenant_id == scope.tenant_id)
        .where(TenantKey.key_version == old.version)
        .with_for_update(read=True, key_share=True)
    )
    if await session.scalar(before) is None:
        return False
    version = {"tenant_id": scope.tenant_id, "key_version": old.version + 1}
    row = insert(TenantKey).values(**version, wrapped_key=new.text).on_conflict_do_nothing()
    if await session.scalar(row.returning(TenantKey.id)) is None:
        return False
    await session.execute(insert(MasterKeyUse).values(**version, fingerprint=new.fingerprint))
    return True


async def made_since(session: AsyncSession, scope: Scope, moment: datetime) -> bool:
    """Whether the newest key is not older than that."""
    newest = select(func.max(TenantKey.created_at)).where(TenantKey.tenant_id == scope.tenant_id)
    found = await session.scalar(newest)
    return found is not None and found >= moment


async def sealed_after(
    session: AsyncSession, scope: Scope, key: str, limit: int
) -> Sequence[Sealed]:
    """Of all owners, in the order of their keys."""
    rest = and_(Secret.tenant_id == scope.tenant_id, Secret.key > key)
    rows = await session.execute(_sealed(rest).order_by(Secret.key).limit(limit))
    return [Sealed(key, text, Wrapped(by, lock)) for key, text, by, lock in rows]


async def sealed_before(
    session: AsyncSession, scope: Scope, version: int, limit: int, but: Collection[str]
) -> Sequence[Sealed]:
    """With keys older than `version`, locked; not those that somebody else has locked."""
    old = and_(Secret.tenant_id == scope.tenant_id, Secret.key_version < version)
    some = _sealed(old).where(Secret.key.not_in(but)).order_by(Secret.key).limit(limit)
    rows = await session.execute(some.with_for_update(of=Secret, skip_locked=True))
    return [Sealed(key, text, Wrapped(by, lock)) for key, text, by, lock in rows]


async def reseal(
    session: AsyncSession, scope: Scope, version: int, texts: Mapping[str, bytes]
) -> None:
    """By key. They are locked."""
    for key, text in texts.items():
        this = and_(Secret.tenant_id == scope.tenant_id, Secret.key == key)
        changed = update(Secret).where(this)
        await session.execute(changed.values(ciphertext=text, key_version=version))


async def remove_unused_before(session: AsyncSession, scope: Scope, version: int) -> int:
    """How many older keys are left. Who seals with one holds it: first wait, then look."""
    old = and_(TenantKey.tenant_id == scope.tenant_id, TenantKey.key_version < version)
    await session.execute(select(TenantKey.id).where(old).with_for_update())
    unused = ~exists().where(_OF_VERSION)
    await session.execute(delete(TenantKey).where(old).where(unused))
    return await session.scalar(select(func.count()).select_from(TenantKey).where(old)) or 0
