"""Opens everything once, and says what does not open. Values are looked at by nobody."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from monster.engine.access.scope import Scope
from monster.engine.secrets import queries, service, uses
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.queries import Sealed
from monster.kit import tenancy
from monster.kit.crypto import CannotOpen
from monster.kit.db import SessionMaker

_PAGE = 500
_TOLD = 5


@dataclass(slots=True)
class Found:
    """`under` counts tenants' keys by the fingerprint of their master key; `closed` tells by tenant
    what does not open: versions of its key, and secrets."""

    tenants: int = 0
    secrets: int = 0
    under: Counter[str] = field(default_factory=Counter[str])
    closed: dict[uuid.UUID, list[str]] = field(default_factory=dict[uuid.UUID, list[str]])

    def miss(self, tenant_id: uuid.UUID, what: str) -> None:
        told = self.closed.setdefault(tenant_id, [])
        if len(told) < _TOLD:
            told.append(what)


async def inspect(sessions: SessionMaker, keyring: Keyring) -> Found:
    """Raises KeysUnreachable."""
    found = Found()
    async with tenancy.outside(sessions) as session:
        tenants = await uses.tenants(session)
    for tenant_id in tenants:
        found.tenants += 1
        await _tenant(sessions, keyring, Scope(tenant_id, "system", frozenset()), found)
    return found


async def _tenant(sessions: SessionMaker, keyring: Keyring, scope: Scope, found: Found) -> None:
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        keys = await queries.tenant_keys(session, scope)
    for key in keys:
        found.under[key.wrapped.fingerprint] += 1
        try:
            await keyring.open(scope.tenant_id, key.wrapped)
        except CannotOpen as error:
            found.miss(scope.tenant_id, f"key {key.version}: {error}")
    async for sealed in _secrets(sessions, scope):
        found.secrets += 1
        try:
            data_key = await keyring.open(scope.tenant_id, sealed.wrapped)
            service.unseal(scope, data_key, sealed)
        except CannotOpen as error:
            found.miss(scope.tenant_id, f"secret {sealed.key}: {error}")


async def _secrets(sessions: SessionMaker, scope: Scope) -> AsyncIterator[Sealed]:
    last = ""
    while True:
        async with tenancy.transaction(sessions, scope.tenant_id) as session:
            rows = await queries.sealed_after(session, scope, last, _PAGE)
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        last = rows[-1].key
