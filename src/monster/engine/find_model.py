"""Which model answers for an agent, with whose key."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from monster.engine.access.scope import Scope
from monster.engine.credentials import service as credentials
from monster.engine.credentials.errors import CredentialNotFound
from monster.engine.credentials.schemas import Opened
from monster.engine.credentials.store import Store
from monster.engine.models.protocol import Model, ModelError, OnText, Reply, Request
from monster.engine.models.providers import SYSTEMS, Providers
from monster.engine.secrets.errors import SecretsSealed
from monster.kit import tenancy
from monster.kit.db import SessionMaker

_FRESH = 5.0  # seconds
_MOST = 10_000


class _Key(NamedTuple):
    tenant_id: uuid.UUID
    user_id: uuid.UUID | None
    credential_id: uuid.UUID
    provider: str


class _Known(NamedTuple):
    model: Model
    until: float


@dataclass(frozen=True, slots=True)
class FindModels:
    """The model of an agent's spec, with the key that this person may use. A `loop.FindModel`.

    `keyless` are models by provider that take no credential. For `fresh` seconds a credential is
    not read again, so a turn costs no statement more; then what was deleted is noticed.
    """

    keyless: Mapping[str, Model]
    sessions: SessionMaker
    store: Store
    providers: Providers
    fresh: float = _FRESH
    _known: dict[_Key, _Known] = field(default_factory=dict[_Key, _Known])

    async def __call__(self, scope: Scope, spec: Mapping[str, Any]) -> tuple[Model, str]:
        """Raises ModelError, which says what to do."""
        provider, _, name = spec["model"].partition(":")
        if provider in self.keyless:
            return self.keyless[provider], name
        if provider not in SYSTEMS:
            raise ModelError(f"there is no provider {provider!r}; choose another model")
        if not spec.get("credential_id"):
            raise ModelError(f"connect {provider}: this agent's model has no connection")
        credential_id = uuid.UUID(spec["credential_id"])
        return await self._find(scope, credential_id, provider), name

    async def _find(self, scope: Scope, credential_id: uuid.UUID, provider: str) -> Model:
        key = _Key(scope.tenant_id, scope.user_id, credential_id, provider)
        known = self._known.get(key)
        if known is None or known.until <= time.monotonic():
            until = time.monotonic() + self.fresh
            opened = await self._open(scope, credential_id, provider)
            model = await self.providers.model(opened.model_account)
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[key] = _Known(_Accountable(model, opened.name), until)
        return known.model

    async def _open(self, scope: Scope, credential_id: uuid.UUID, provider: str) -> Opened:
        try:
            await self.store.secrets.ready(scope)
            async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
                opened = await credentials.resolve_secrets(
                    session, scope, self.store, credential_id
                )
                await credentials.used(session, scope, opened)
        except CredentialNotFound:
            raise ModelError(
                f"connect {provider}: the connection of this agent's model is gone,"
                " or it is private to somebody else"
            ) from None
        except SecretsSealed as error:
            raise ModelError(str(error)) from error
        if opened.definition.system_name != provider:
            its = opened.definition.system_name
            raise ModelError(f"connect {provider}: the agent's connection is for {its}")
        return opened


@dataclass(frozen=True, slots=True)
class _Accountable:
    """Says which connection it was that the provider refused."""

    model: Model
    connection: str

    async def reply(self, request: Request, on_text: OnText) -> Reply:
        try:
            return await self.model.reply(request, on_text)
        except ModelError as error:
            if not error.refused:
                raise
            raise ModelError(
                f"the provider refused the connection {self.connection!r}: replace its key under"
                f" Connections ({error})"
            ) from error
