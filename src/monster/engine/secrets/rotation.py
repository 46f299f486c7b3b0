"""New keys while everything runs: each step is a small transaction, and whatever is cut short is
continued by whoever comes next.

Readers see a secret before or after its change, with the key that opens it, in one statement.
Writers hold the key they seal with until they commit, so it is not removed under their hands.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from monster.engine.access.scope import Scope
from monster.engine.secrets import queries, service, uses
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.queries import Sealed, Sealing
from monster.kit import audit, tenancy
from monster.kit.audit import PLATFORM, Action, Actor, Entry
from monster.kit.crypto import CannotOpen
from monster.kit.db import SessionMaker

_BATCH = 100  # secrets, in one transaction
_PATIENCE = 100  # looks at secrets that somebody else is changing
_PAUSE = 0.1  # seconds between them


class Busy(Exception):
    """Another rotation goes on."""


@dataclass(slots=True)
class Done:
    """Counts of what was done; `failed` says of which tenants not all could be, and why."""

    tenants: int = 0
    rewrapped: int = 0
    renewed: int = 0
    resealed: int = 0
    failed: dict[uuid.UUID, str] = field(default_factory=dict[uuid.UUID, str])

    def counts(self) -> Mapping[str, object]:
        names = ("tenants", "rewrapped", "renewed", "resealed")
        return {**{name: getattr(self, name) for name in names}, "failed": len(self.failed)}


@dataclass(frozen=True, slots=True)
class Rotation:
    sessions: SessionMaker
    keyring: Keyring

    async def run(self, *, new_master: Callable[[], None] | None = None) -> Done:
        """With `new_master`, which makes one: every tenant's key is wrapped by the newest master
        key. Without: that, too, and every tenant gets a new key, which seals all its secrets anew.

        Raises Busy, KeysUnreachable.
        """
        done = Done()
        async with self._alone():
            if new_master and await self._is_finished():
                new_master()
            started = None if new_master else await self._begin()
            async with tenancy.outside(self.sessions) as session:
                tenants = await uses.tenants(session)
            for tenant_id in tenants:
                await self._tenant(Scope(tenant_id, "system", frozenset()), started, done)
            await self._finish(done, keys=started is not None)
        return done

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        async with tenancy.outside(self.sessions) as session:
            if not await uses.lock(session):
                raise Busy("another rotation goes on")
            yield

    async def _is_finished(self) -> bool:
        """Whether no key is left that an earlier rotation of the master key did not come to."""
        async with tenancy.outside(self.sessions) as session:
            return set(await uses.fingerprints(session)) <= {self.keyring.newest}

    async def _begin(self) -> datetime:
        async with tenancy.outside(self.sessions) as session:
            return (await uses.begun(session)).started_at

    async def _finish(self, done: Done, *, keys: bool) -> None:
        async with tenancy.transaction(self.sessions, PLATFORM) as session:
            if keys:
                await uses.finish(session)
            entry = Entry(Action.UPDATE, "tenant_key" if keys else "master_key", more=done.counts())
            await audit.record(session, Actor.system(PLATFORM), entry)

    async def _tenant(self, scope: Scope, started: datetime | None, done: Done) -> None:
        done.tenants += 1
        try:
            await self._rewrap(scope, done)
            if started is not None:
                await self._renew(scope, started, done)
                await self._reseal(scope, done)
        except CannotOpen as error:
            done.failed[scope.tenant_id] = str(error)

    async def _keys(self, scope: Scope) -> list[Sealing]:
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            return [*await queries.tenant_keys(session, scope)]

    async def _rewrap(self, scope: Scope, done: Done) -> None:
        """Master keys that are elsewhere have versions that we do not see: always anew."""
        newest = self.keyring.places[0]
        for key in await self._keys(scope):
            if newest.local and key.wrapped.fingerprint == newest.newest:
                continue
            wrapped = await self.keyring.rewrap(scope.tenant_id, key.wrapped)
            async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
                done.rewrapped += await queries.rewrapped(session, scope, key, wrapped)

    async def _renew(self, scope: Scope, started: datetime, done: Done) -> None:
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            if await queries.made_since(session, scope, started):
                return
        keys = await self._keys(scope)
        if not keys:
            return  # the tenant is gone
        _, wrapped = await self.keyring.new(scope.tenant_id)
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            done.renewed += await queries.add_next_key(session, scope, keys[0], wrapped)

    async def _reseal(self, scope: Scope, done: Done) -> None:
        """Raises CannotOpen once all is done that can be."""
        stuck: set[str] = set()
        left = 0
        for _ in range(_PATIENCE):
            keys = await self._keys(scope)
            if len(keys) < 2:
                return
            while await self._batch(scope, keys, stuck, done):
                pass
            async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
                left = await queries.remove_unused_before(session, scope, keys[0].version)
            if not left or stuck:
                break
            await asyncio.sleep(_PAUSE)
        if stuck:
            raise CannotOpen(f"{len(stuck)} secret(s) do not open, such as {min(stuck)}")
        if left:
            raise CannotOpen("somebody holds its secrets: rotate again")

    async def _batch(self, scope: Scope, keys: list[Sealing], stuck: set[str], done: Done) -> bool:
        """Whether there may be more. Raises CannotOpen if the newest key does not open."""
        newest = keys[0]
        data_key = await self.keyring.open(scope.tenant_id, newest.wrapped)
        for old in keys[1:]:  # so that the transaction finds them open
            with suppress(CannotOpen):
                await self.keyring.open(scope.tenant_id, old.wrapped)
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            # Keys before secrets, as everybody locks them: also who deletes the tenant.
            held = await queries.newest_key(session, scope)
            if held is None or held.version != newest.version:
                return False
            rows = await queries.sealed_before(session, scope, newest.version, _BATCH, stuck)
            texts: dict[str, bytes] = {}
            for sealed in rows:
                try:
                    value = await self._value(scope, sealed)
                except CannotOpen:
                    stuck.add(sealed.key)
                else:
                    texts[sealed.key] = service.seal(scope, data_key, sealed.key, value)
            await queries.reseal(session, scope, newest.version, texts)
        done.resealed += len(texts)
        return bool(rows)

    async def _value(self, scope: Scope, sealed: Sealed) -> bytes:
        data_key = await self.keyring.open(scope.tenant_id, sealed.wrapped)
        return service.unseal(scope, data_key, sealed)
