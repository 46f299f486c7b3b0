"""The secret store: values go in, are sealed, and come out at the moment of use only."""

import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.secrets import queries
from monster.engine.secrets.errors import SecretsSealed
from monster.engine.secrets.keyring import FRESH, Keyring
from monster.engine.secrets.queries import Sealed, Sealing
from monster.engine.secrets.schemas import Owner, Wrapped
from monster.kit import logs, tenancy
from monster.kit.crypto import CannotOpen, Key
from monster.kit.db import SessionMaker
from monster.kit.ids import new_id

_SEALED = "the secrets of this tenant do not open with the master key that is set"
_READY = FRESH * 0.8  # so that what is ready stays so for the length of a transaction
_MOST = 2000
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Secrets:
    """One a process. Whoever asks has checked what the caller may do, and writes the audit log.

    A value is hidden in the logs of this process from the moment it passes here.
    """

    sessions: SessionMaker
    keyring: Keyring
    _ready: dict[uuid.UUID, float] = field(default_factory=dict[uuid.UUID, float], repr=False)

    async def ready(self, scope: Scope) -> None:
        """Call it before the transaction of a `get` or `put`. If master keys are elsewhere, this
        tenant's keys are fetched now, so that the transaction does not wait for it.

        Costs nothing if they are here, or were fetched lately. Raises SecretsSealed.
        """
        now = time.monotonic()
        if self.keyring.local or self._ready.get(scope.tenant_id, 0) > now:
            return
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            keys = await queries.tenant_keys(session, scope)
        for _, wrapped in keys:
            await self._unwrap(scope, wrapped)
        if not keys:
            _, wrapped = await self.keyring.new(scope.tenant_id)
            async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
                await queries.add_first_key(session, scope, wrapped)
        if len(self._ready) >= _MOST:
            self._ready.clear()
        self._ready[scope.tenant_id] = now + _READY

    async def put(
        self,
        session: AsyncSession,
        scope: Scope,
        owner: Owner,
        values: Mapping[str, str],
        shown: Collection[str] = (),
    ) -> None:
        """Inserts, or replaces what has the same name. Raises SecretsSealed.

        Values named in `shown` are sealed all the same, but no secret: they are not masked.
        """
        _hide(values, shown)
        if not values:
            return
        version, wrapped = await self._newest(session, scope)
        data_key = await self._unwrap(scope, wrapped)
        rows: list[Mapping[str, object]] = []
        for name, value in sorted(values.items()):  # two who write the same do not deadlock
            key = _key(owner, name)
            row = {"key": key, "ciphertext": seal(scope, data_key, key, value.encode())}
            rows.append({"id": new_id(), "key_version": version, **row})
        await queries.put(session, scope, owner, rows)

    async def get(
        self, session: AsyncSession, scope: Scope, owner: Owner, shown: Collection[str] = ()
    ) -> dict[str, str]:
        """All of one owner, by name. `shown` as above. Raises SecretsSealed."""
        values: dict[str, str] = {}
        for sealed in await queries.sealed(session, scope, owner):
            value = await self._open(scope, sealed)
            values[sealed.key.partition(":")[2]] = value.decode()
        _hide(values, shown)
        return values

    async def drop(
        self, session: AsyncSession, scope: Scope, owner: Owner, names: Collection[str]
    ) -> None:
        """Those that are there; no other is missed."""
        await queries.drop(session, scope, owner, [_key(owner, name) for name in names])

    async def seal(
        self, session: AsyncSession, scope: Scope, text: str, *place: str
    ) -> tuple[bytes, int]:
        """For a row of another feature, which `place` names; with the version of the key.

        It opens until the tenant's keys are rotated: for what lives for minutes. Raises
        SecretsSealed.
        """
        version, wrapped = await self._newest(session, scope)
        data_key = await self._unwrap(scope, wrapped)
        return data_key.seal(text.encode(), str(scope.tenant_id), *place), version

    async def unseal(
        self, session: AsyncSession, scope: Scope, sealed: tuple[bytes, int], *place: str
    ) -> str | None:
        """None if the key is gone. Raises SecretsSealed."""
        ciphertext, version = sealed
        keys = dict(await queries.tenant_keys(session, scope))
        if version not in keys:
            return None
        data_key = await self._unwrap(scope, keys[version])
        try:
            return data_key.open(ciphertext, str(scope.tenant_id), *place).decode()
        except CannotOpen as error:
            raise SecretsSealed(_SEALED) from error

    async def _newest(self, session: AsyncSession, scope: Scope) -> Sealing:
        for _ in range(_TRIES):
            stored = await queries.newest_key(session, scope)
            if stored is not None:
                return stored
            # There is none yet, or it was replaced between the look and the lock.
            if not await queries.has_key(session, scope):
                _, wrapped = await self.keyring.new(scope.tenant_id)
                await queries.add_first_key(session, scope, wrapped)
        raise SecretsSealed(_SEALED)

    async def _unwrap(self, scope: Scope, wrapped: Wrapped) -> Key:
        try:
            return await self.keyring.open(scope.tenant_id, wrapped)
        except CannotOpen as error:
            raise SecretsSealed(_SEALED) from error

    async def _open(self, scope: Scope, sealed: Sealed) -> bytes:
        data_key = await self._unwrap(scope, sealed.wrapped)
        try:
            return unseal(scope, data_key, sealed)
        except CannotOpen as error:
            raise SecretsSealed(_SEALED) from error


def _hide(values: Mapping[str, str], shown: Collection[str]) -> None:
    for name, value in values.items():
        if name not in shown:
            logs.hide(value)


def seal(scope: Scope, data_key: Key, key: str, value: bytes) -> bytes:
    """It opens there, and nowhere else."""
    return data_key.seal(value, *_place(scope, key))


def unseal(scope: Scope, data_key: Key, sealed: Sealed) -> bytes:
    """Raises CannotOpen."""
    return data_key.open(sealed.ciphertext, *_place(scope, sealed.key))


def _key(owner: Owner, name: str) -> str:
    return f"{owner.id}:{name}"


def _place(scope: Scope, key: str) -> tuple[str, str, str]:
    return str(scope.tenant_id), "secret", key
