"""Access tokens that are always good: each grant is renewed by one at a time, wherever we run.

Whoever renews claims the credential for 45 seconds, asks the provider with no connection held, and
stores what came in one transaction. Others wait for the new token and never send the old refresh
token: a provider that sees one twice ends the grant. A claim lapses when its process dies.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.auth_config import TOKEN_CREDS
from monster.engine.access.scope import Scope
from monster.engine.credentials.errors import CredentialNotFound
from monster.engine.credentials.schemas import ACCESS_TOKEN, REFRESH_TOKEN, Opened
from monster.engine.credentials.store import Store
from monster.engine.grants import asking, service
from monster.engine.grants.registrations import registration
from monster.engine.grants.schemas import Held
from monster.engine.oauth.client import OAuth
from monster.engine.oauth.errors import Dead, ProviderError, Unreachable
from monster.engine.oauth.registry import Registry
from monster.engine.oauth.schemas import Registration, Tokens
from monster.engine.secrets.errors import SecretsSealed
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.factory import TokenSource
from monster.kit import clock, outbound, tenancy
from monster.kit.db import SessionMaker
from monster.kit.errors import AppError

logger = logging.getLogger(__name__)

_PATIENCE = 60.0  # seconds that a token which somebody else renews is waited for
_PAUSES = (0.5, 2.0, 5.0, None)  # seconds between tries to store, if the database is away
_REST = 30.0  # seconds without another try, while the old token is still good
_LAST = 20.0  # seconds that a process which stops gives to what it has begun


class _Key(NamedTuple):
    tenant_id: uuid.UUID
    credential_id: uuid.UUID


@dataclass(slots=True)
class _Source:
    """A TokenSource: for one call, or a few."""

    grants: "Grants"
    scope: Scope
    opened: Opened
    held: Held | None = field(repr=False)

    async def token(self, *, refused: str | None = None) -> str:
        held = self.held
        if held and held.token != refused and not _is_due(held):
            return held.token
        spare = held if held and held.token != refused else None
        stale = refused or (held.token if held else None)
        self.held = await self.grants.renewed(self.scope, self.opened, stale, spare)
        return self.held.token


def _is_due(held: Held) -> bool:
    return held.refresh_at is not None and held.refresh_at <= clock.now()


@dataclass(slots=True)
class Grants:
    """One a process, used only while `opened`. It is the `Grants` of connections."""

    sessions: SessionMaker
    store: Store
    registry: Registry
    _oauth: OAuth | None = None
    _tasks: dict[_Key, asyncio.Task[Held]] = field(default_factory=dict[_Key, asyncio.Task[Held]])
    _rest: dict[_Key, float] = field(default_factory=dict[_Key, float])

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with outbound.session(self.registry.guard) as http:
            self._oauth = OAuth(http)
            try:
                yield
            finally:
                if self._tasks:
                    await asyncio.wait(self._tasks.values(), timeout=_LAST)

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncGenerator[AsyncSession]:
        """With the tenant's keys at hand. Raises SecretsSealed."""
        await self.store.secrets.ready(scope)
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            yield session

    @property
    def oauth(self) -> OAuth:
        assert self._oauth, "not opened"
        return self._oauth

    def source(self, scope: Scope, opened: Opened) -> TokenSource:
        return _Source(self, scope, opened, service.held(opened))

    async def renewed(
        self, scope: Scope, opened: Opened, stale: str | None, spare: Held | None
    ) -> Held:
        """A token that is not `stale`. If none can be had just now, the `spare` one, if any.

        All of this process that want one wait for the same; who is cancelled leaves the others
        waiting, and what the provider gave is stored in any case. Raises ToolFailed.
        """
        key = _Key(scope.tenant_id, opened.id)
        if spare and self._rest.get(key, 0) > time.monotonic():
            return spare
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(scope, opened.id, stale, spare))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def _forget(self, key: _Key, done: asyncio.Task[Held]) -> None:
        del self._tasks[key]
        if not done.cancelled():
            done.exception()  # told to those who waited, if anybody still does

    async def _renew(
        self, scope: Scope, credential_id: uuid.UUID, stale: str | None, spare: Held | None
    ) -> Held:
        until, pause = time.monotonic() + _PATIENCE, 0.05
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                async with self.transaction(scope) as session:
                    turn = await service.claim(session, scope, self.store, credential_id, stale)
            except CredentialNotFound as error:
                raise ToolFailed("this connection is gone") from error
            if isinstance(turn, Held):
                return turn
            if turn is not None:
                return await self._ask(scope, turn, spare, began)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        raise ToolFailed("the connection is still being renewed; try again later")

    async def _ask(self, scope: Scope, opened: Opened, spare: Held | None, began: float) -> Held:
        """It is ours. Whatever happens, that ends here."""
        try:
            async with self.transaction(scope) as session:
                known = await registration(session, scope, self.registry, opened)
            until = began + service.CLAIM.total_seconds()
            tokens = await asking.ask(self.oauth, known, opened, until, patient=spare is None)
        except Dead as error:
            return await self._ended(scope, opened, str(error))
        except Unreachable as error:
            await self._released(scope, opened)
            if spare is None:
                raise ToolFailed(str(error)) from error
            self._rest[_Key(scope.tenant_id, opened.id)] = time.monotonic() + _REST
            logger.warning("a grant could not be renewed yet: %s", error)
            return spare
        except (ProviderError, AppError) as error:
            async with self.transaction(scope) as session:
                await service.fail(session, scope, opened, str(error))
            raise ToolFailed(str(error)) from error
        return await self._kept(scope, opened, tokens, known)

    async def _kept(
        self, scope: Scope, opened: Opened, tokens: Tokens, known: Registration
    ) -> Held:
        """The old refresh token may be worth nothing by now: a database that is away for a moment
        must not cost the grant."""
        for pause in _PAUSES:
            try:
                async with self.transaction(scope) as session:
                    held = await service.keep(session, scope, self.store, opened, tokens)
                break
            except (DBAPIError, SecretsSealed):
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        else:
            held = None
        self._rest.pop(_Key(scope.tenant_id, opened.id), None)
        if held is None:  # deleted or replaced: then this one must not live on
            await asking.give_back(self.oauth, known, tokens.access_token, tokens.refresh_token)
            raise ToolFailed("this connection was replaced a moment ago; try again")
        return held

    async def _ended(self, scope: Scope, opened: Opened, why: str) -> Held:
        async with self.transaction(scope) as session:
            await service.end(session, scope, self.store, opened, why)
        raise ConnectionRefused(why)

    async def _released(self, scope: Scope, opened: Opened) -> None:
        async with self.transaction(scope) as session:
            await service.release(session, scope, opened.id)

    async def revoke(self, scope: Scope, opened: Opened) -> None:
        """Best effort: what the provider says changes nothing. What was pasted is somebody's who
        may use it elsewhere, too."""
        access_token, refresh_token = (
            opened.values.get(name) for name in (ACCESS_TOKEN, REFRESH_TOKEN)
        )
        if not access_token or TOKEN_CREDS in opened.values:
            return
        try:
            async with self.transaction(scope) as session:
                known = await registration(session, scope, self.registry, opened)
        except AppError as error:
            logger.info("a grant could not be revoked: %s", error)
            return
        await asking.give_back(self.oauth, known, access_token, refresh_token)
