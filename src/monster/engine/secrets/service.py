"""The secret store: values go in, are sealed, and come out at the moment of use only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.secrets import queries
from monster.engine.secrets.errors import SecretsSealed
from monster.engine.secrets.models import TenantKey
from monster.engine.secrets.queries import Sealed
from monster.engine.secrets.schemas import Owner
from monster.kit import logs
from monster.kit.crypto import CannotOpen, Key, MasterKey
from monster.kit.ids import new_id

_SEALED = "the secrets of this tenant do not open with the master key that is set"


@dataclass(frozen=True, slots=True)
class Secrets:
    """One a process. Whoever asks has checked what the caller may do, and writes the audit log.

    A value is hidden in the logs of this process from the moment it passes here.
    """

    master: MasterKey

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
        stored = await self._newest(session, scope)
        data_key = self._unwrap(scope, stored.wrapped_key)
        rows: list[Mapping[str, object]] = []
        for name, value in sorted(values.items()):
            key = _key(owner, name)
            ciphertext = data_key.seal(value.encode(), *_place(scope, key))
            row = {"key": key, "ciphertext": ciphertext, "key_version": stored.key_version}
            rows.append({"id": new_id(), **row})
        await queries.put(session, scope, owner, rows)

    async def get(
        self, session: AsyncSession, scope: Scope, owner: Owner, shown: Collection[str] = ()
    ) -> dict[str, str]:
        """All of one owner, by name. `shown` as above. Raises SecretsSealed."""
        values: dict[str, str] = {}
        for sealed in await queries.sealed(session, scope, owner):
            values[sealed.key.partition(":")[2]] = self._open(scope, sealed)
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

        Raises SecretsSealed.
        """
        stored = await self._newest(session, scope)
        data_key = self._unwrap(scope, stored.wrapped_key)
        return data_key.seal(text.encode(), str(scope.tenant_id), *place), stored.key_version

    async def unseal(
        self, session: AsyncSession, scope: Scope, sealed: tuple[bytes, int], *place: str
    ) -> str:
        """Raises SecretsSealed."""
        ciphertext, version = sealed
        stored = await queries.tenant_key(session, scope, version)
        if stored is None:
            raise SecretsSealed(_SEALED)
        data_key = self._unwrap(scope, stored.wrapped_key)
        try:
            return data_key.open(ciphertext, str(scope.tenant_id), *place).decode()
        except CannotOpen as error:
            raise SecretsSealed(_SEALED) from error

    async def _newest(self, session: AsyncSession, scope: Scope) -> TenantKey:
        stored = await queries.tenant_key(session, scope)
        if stored is None:
            _, wrapped = self.master.new_data_key(scope.tenant_id)
            await queries.add_tenant_key(session, scope, wrapped, self.master.fingerprint)
            stored = await queries.tenant_key(session, scope)
        assert stored is not None, "just made, by us or by another request"
        return stored

    def _unwrap(self, scope: Scope, wrapped: bytes) -> Key:
        try:
            return self.master.unwrap(scope.tenant_id, wrapped)
        except CannotOpen as error:
            raise SecretsSealed(_SEALED) from error

    def _open(self, scope: Scope, sealed: Sealed) -> str:
        data_key = self._unwrap(scope, sealed.wrapped)
        try:
            return data_key.open(sealed.ciphertext, *_place(scope, sealed.key)).decode()
        except CannotOpen as error:
            raise SecretsSealed(_SEALED) from error


def _hide(values: Mapping[str, str], shown: Collection[str]) -> None:
    for name, value in values.items():
        if name not in shown:
            logs.hide(value)


def _key(owner: Owner, name: str) -> str:
    return f"{owner.id}:{name}"


def _place(scope: Scope, key: str) -> tuple[str, str, str]:
    return str(scope.tenant_id), "secret", key
