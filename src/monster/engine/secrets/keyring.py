"""All master keys of a process, and the tenants' keys that they opened a short while ago."""

import asyncio
import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from monster.engine.secrets.kms_keys import KmsKeys
from monster.engine.secrets.local_keys import FileKeys, SetKeys
from monster.engine.secrets.master_keys import MasterKeys
from monster.engine.secrets.schemas import Wrapped
from monster.engine.secrets.vault_keys import VaultKeys
from monster.engine.settings import Settings
from monster.kit import crypto, logs
from monster.kit.crypto import BadMasterKey, CannotOpen, Key

logger = logging.getLogger(__name__)

FRESH = 300.0  # seconds; as long as that, a key goes on opening after Vault would no longer
_MOST = 2000

_Lock: TypeAlias = tuple[uuid.UUID, Wrapped]


class _Known(NamedTuple):
    key: Key
    until: float


@dataclass(frozen=True, slots=True)
class Keyring:
    """The first of `places` wraps; all of them open what they have wrapped once.

    What was opened is remembered by the wrapped key itself, so it is never taken for another.
    """

    places: Sequence[MasterKeys]
    _known: dict[_Lock, _Known] = field(default_factory=dict[_Lock, _Known], repr=False)
    _asked: dict[_Lock, asyncio.Task[bytes]] = field(
        default_factory=dict[_Lock, asyncio.Task[bytes]], repr=False
    )

    @property
    def local(self) -> bool:
        """Whether nothing is ever awaited."""
        return all(place.local for place in self.places)

    @property
    def newest(self) -> str:
        return self.places[0].newest

    def place_of(self, fingerprint: str) -> MasterKeys | None:
        return next((place for place in self.places if place.opens(fingerprint)), None)

    async def new(self, tenant_id: uuid.UUID) -> tuple[Key, Wrapped]:
        """A key for one tenant, and how it is stored. Raises KeysUnreachable."""
        raw = crypto.new_key()
        wrapped = await self.places[0].wrap(tenant_id, raw)
        return self._remember((tenant_id, wrapped), Key(raw)), wrapped

    async def open(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> Key:
        """Raises CannotOpen, KeysUnreachable. Of many who ask for one key at once, one goes."""
        lock = (tenant_id, wrapped)
        known = self._known.get(lock)
        if known is not None and known.until > time.monotonic():
            return known.key
        task = self._asked.get(lock)
        if task is None:
            task = self._asked[lock] = asyncio.create_task(self._unwrap(tenant_id, wrapped))
            task.add_done_callback(lambda _: self._asked.pop(lock, None))
        return self._remember(lock, Key(await asyncio.shield(task)))

    async def rewrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> Wrapped:
        """The same key under the newest master key. Raises CannotOpen, KeysUnreachable."""
        newest = self.places[0]
        if newest.opens(wrapped.fingerprint):
            return await newest.rewrap(tenant_id, wrapped)
        return await newest.wrap(tenant_id, await self._unwrap(tenant_id, wrapped))

    async def _unwrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> bytes:
        place = self.place_of(wrapped.fingerprint)
        if place is None:
            raise CannotOpen(f"there is no master key {wrapped.fingerprint}")
        return await place.unwrap(tenant_id, wrapped)

    def _remember(self, lock: _Lock, key: Key) -> Key:
        self._known.pop(lock, None)
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[lock] = _Known(key, time.monotonic() + FRESH)
        return key


def from_settings(settings: Settings) -> Keyring:
    """Raises BadMasterKey; also if the place that shall wrap has no key."""
    found = dict(_places(settings))
    if settings.master_key_from not in found:
        raise BadMasterKey(f"there is no master key from {settings.master_key_from!r}")
    first = found.pop(settings.master_key_from)
    return Keyring((first, *found.values()))


def _places(settings: Settings) -> Iterator[tuple[str, MasterKeys]]:
    if settings.master_key:
        yield "setting", SetKeys(settings.master_key.get_secret_value())
    if settings.master_key_file:
        try:
            yield "file", FileKeys(settings.master_key_file)
        except OSError as error:
            raise BadMasterKey(f"{settings.master_key_file} cannot be read") from error
    if settings.vault:
        if settings.vault.token:
            logs.hide(settings.vault.token.get_secret_value())
        yield "vault", VaultKeys(settings.vault)
    if settings.kms:
        logs.hide(settings.kms.secret_access_key.get_secret_value())
        yield "aws-kms", KmsKeys(settings.kms)
