"""How somebody connects: sent to a provider and back, or with a code that they type there.

No connection to the database is held while a provider is asked.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from urllib.parse import urlsplit

from monster.contracts.oauth import CALLBACK_PATH, Callback, DeviceOut
from monster.engine.access.scope import Scope
from monster.engine.credentials import service as credentials
from monster.engine.credentials.connections import Connections
from monster.engine.credentials.schemas import Opened
from monster.engine.grants import service
from monster.engine.grants.errors import (
    BadRedirect,
    NotOAuth,
    OAuthFailed,
    OAuthFlowNotFound,
    OAuthFlowOver,
)
from monster.engine.grants.refresh import Grants
from monster.engine.grants.registrations import registration, scopes_of
from monster.engine.grants.schemas import Flow, OpenFlow
from monster.engine.oauth import client
from monster.engine.oauth.errors import NotRegistered, NotYet, ProviderError
from monster.engine.oauth.schemas import Attempt, Registration, Tokens
from monster.kit import clock

_SLOWER = 5  # seconds, RFC 8628


@dataclass(frozen=True, slots=True)
class Flows:
    """`public_url` is where people reach the dashboard, if the engine was told."""

    grants: Grants
    connections: Connections
    public_url: str | None = None

    async def start(self, scope: Scope, credential_id: uuid.UUID, redirect_uri: str) -> str:
        """Where the person's browser goes. Raises BadRedirect, NotOAuth, NotRegistered."""
        _check_redirect(redirect_uri, self.public_url)
        opened, known = await self._find(scope, credential_id)
        if not known.provider.authorize_url:
            raise NotRegistered(f"{known.provider.name} has no address where people agree")
        told = client.attempt(redirect_uri)
        flow = Flow(redirect_uri=redirect_uri, verifier=told.verifier)
        await self._begin(scope, told.state, OpenFlow(opened.id, flow))
        return client.authorization_url(known, told, scopes_of(opened, known))

    async def finish(self, scope: Scope, data: Callback) -> uuid.UUID:
        """The credential that is connected now. Raises OAuthFlowNotFound, OAuthFailed."""
        async with self.grants.transaction(scope) as session:
            found = await service.take_flow(session, scope, self.grants.store, data.state)
        if found is None:
            raise OAuthFlowNotFound(
                "this attempt to connect was used, is too old, or was never yours: begin again"
            )
        opened, known = await self._find(scope, found.credential_id)
        try:
            _check_answer(data, known)
            flow = found.flow
            told = Attempt(flow.redirect_uri, data.state, flow.verifier)
            tokens = await self.grants.oauth.exchange(known, told, data.code or "")
        except ProviderError as error:
            raise await self._failed(scope, opened, error) from error
        await self._agreed(scope, opened, known, tokens)
        return opened.id

    async def start_device(self, scope: Scope, credential_id: uuid.UUID) -> DeviceOut:
        """Raises NotOAuth, NotRegistered, OAuthFailed."""
        opened, known = await self._find(scope, credential_id)
        try:
            device = await self.grants.oauth.device(known, scopes_of(opened, known))
        except ProviderError as error:
            raise await self._failed(scope, opened, error) from error
        now = clock.now()
        next_at = now.timestamp() + device.interval
        flow = Flow(device_code=device.device_code, interval=device.interval, next_at=next_at)
        await self._begin(scope, _device(scope, opened.id), OpenFlow(opened.id, flow))
        life = min(timedelta(seconds=device.expires_in), service.ATTEMPT)
        return DeviceOut(
            user_code=device.user_code,
            verification_uri=device.verification_uri,
            verification_uri_complete=device.verification_uri_complete,
            interval=device.interval,
            expires_at=now + life,
        )

    async def poll_device(self, scope: Scope, credential_id: uuid.UUID) -> bool:
        """Whether they have agreed. The provider is asked no more often than it wants.

        Raises OAuthFlowOver, OAuthFailed.
        """
        opened, known = await self._find(scope, credential_id)
        flow = await self._turn(scope, opened.id)
        if flow is None:
            return False
        try:
            tokens = await self.grants.oauth.poll(known, flow.device_code)
        except NotYet as error:
            if error.code == "slow_down":
                await self._turn(scope, opened.id, slower=_SLOWER)
            return False
        except ProviderError as error:
            await self._end_device(scope, opened.id)
            raise await self._failed(scope, opened, error) from error
        await self._end_device(scope, opened.id)
        await self._agreed(scope, opened, known, tokens)
        return True

    async def _find(self, scope: Scope, credential_id: uuid.UUID) -> tuple[Opened, Registration]:
        async with self.grants.transaction(scope) as session:
            store, registry = self.grants.store, self.grants.registry
            opened = await credentials.resolve_secrets(session, scope, store, credential_id)
            if not opened.is_oauth:
                raise NotOAuth("nobody is asked to agree to this connection: it has a key")
            return opened, await registration(session, scope, registry, opened, anew=True)

    async def _begin(self, scope: Scope, state: str, it: OpenFlow) -> None:
        async with self.grants.transaction(scope) as session:
            await service.add_flow(session, scope, self.grants.store, state, it)

    async def _turn(
        self, scope: Scope, credential_id: uuid.UUID, *, slower: int = 0
    ) -> Flow | None:
        state = _device(scope, credential_id)
        async with self.grants.transaction(scope) as session:
            store = self.grants.store
            found = await service.turn_of_flow(session, scope, store, state, slower=slower)
        if found is None:
            raise OAuthFlowOver("no code waits to be typed: begin again")
        return found[0].flow if found[1] else None

    async def _end_device(self, scope: Scope, credential_id: uuid.UUID) -> None:
        state = _device(scope, credential_id)
        async with self.grants.transaction(scope) as session:
            await service.take_flow(session, scope, self.grants.store, state)

    async def _failed(self, scope: Scope, opened: Opened, error: ProviderError) -> OAuthFailed:
        async with self.grants.transaction(scope) as session:
            await service.not_agreed(session, scope, opened, str(error))
        return OAuthFailed(str(error))

    async def _agreed(
        self, scope: Scope, opened: Opened, known: Registration, tokens: Tokens
    ) -> None:
        """Stored before anything else is asked: what was given is given once."""
        async with self.grants.transaction(scope) as session:
            await service.agreed(session, scope, self.grants.store, opened, tokens)
        outcome = await self.connections.test(scope, opened.id)
        if not outcome.get("account") and outcome["status"] == "active":
            outcome = {**outcome, "account": tokens.account or await self._account(known, tokens)}
        async with self.grants.transaction(scope) as session:
            await credentials.record(session, scope, opened.id, cast(Mapping[str, object], outcome))

    async def _account(self, known: Registration, tokens: Tokens) -> str | None:
        try:
            return await self.grants.oauth.account(known, tokens.access_token)
        except ProviderError:  # connected all the same; nobody says as whom
            return None


def _check_redirect(uri: str, public_url: str | None) -> None:
    """Exactly ours: a code that goes elsewhere is somebody else's."""
    parts = urlsplit(uri)
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.path != CALLBACK_PATH or parts.query or (public_url and origin != public_url):
        raise BadRedirect(
            f"providers send people back to {public_url or origin}{CALLBACK_PATH} and nowhere else",
            field="redirect_uri",
        )


def _check_answer(data: Callback, known: Registration) -> None:
    """Raises ProviderError. Who answers must be who was asked (RFC 9207), or a code could be
    carried to a provider that somebody else controls."""
    name = known.provider.name
    if data.iss and not _is_issuer(data.iss, known):
        raise ProviderError(f"somebody else than {name} has answered", "wrong_issuer")
    if data.error:
        raise ProviderError(f"{name} says: {data.error} {data.error_description or ''}"[:300])
    if not data.code:
        raise ProviderError(f"{name} has sent no code")


def _is_issuer(iss: str, known: Registration) -> bool:
    provider = known.provider
    if provider.issuer:
        return iss == provider.issuer
    asked, answers = urlsplit(provider.authorize_url), urlsplit(iss)
    return (asked.scheme, asked.netloc) == (answers.scheme, answers.netloc)


def _device(scope: Scope, credential_id: uuid.UUID) -> str:
    """What no callback can say: its state has no NUL."""
    return f"device\0{credential_id}\0{scope.user_id}"
