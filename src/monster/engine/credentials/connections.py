"""Credentials at work: opened for a moment, towards the system they belong to and nowhere else."""

import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import aiohttp
import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.tools import PinnedFunction
from monster.engine.access.scope import Scope
from monster.engine.credentials import service
from monster.engine.credentials.errors import CredentialNotFound
from monster.engine.credentials.schemas import Opened
from monster.engine.credentials.store import Store
from monster.engine.secrets.errors import SecretsSealed
from monster.engine.secrets.schemas import Owner
from monster.engine.tool_factories import service as tool_factories
from monster.engine.toolkit.definitions import Definition
from monster.engine.toolkit.effects import ConnectionMissing, ConnectionRefused, ToolFailed, Unclear
from monster.engine.toolkit.factory import Connection, TokenSource
from monster.engine.toolkit.files import Files, MemoryFiles
from monster.engine.toolkit.live import Kind, Live, Made
from monster.kit import logs, outbound, tenancy
from monster.kit.addresses import Guard
from monster.kit.db import SessionMaker
from monster.kit.ids import new_id

# What a system's code raises when something else answers at the address that it was given.
_ODD = (LookupError, TypeError, AttributeError, ValueError)


class Grants(Protocol):
    def source(self, scope: Scope, opened: Opened) -> TokenSource:
        """The access token of an OAuth grant, refreshed when that is due."""
        ...

    async def revoke(self, scope: Scope, opened: Opened) -> None:
        """Gives it back to its provider, if that can be done; no transaction may be open."""
        ...


@dataclass(frozen=True, slots=True)
class Use:
    """One call: with which files and settings, and the key that makes a repetition the same."""

    files: Files = field(default_factory=MemoryFiles)
    key: uuid.UUID = field(default_factory=new_id)
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pinned: tuple[PinnedFunction, ...] = ()


class Call(NamedTuple):
    function: str
    arguments: Mapping[str, Any]


class Found(NamedTuple):
    live: Live
    credential_id: uuid.UUID | None


@dataclass(slots=True)
class Connections:
    """One a process, used only while `opened`.

    `addresses` are where systems answer, if not at their public address; `kinds` is how tool
    factories that tenants made are used.
    """

    sessions: SessionMaker
    store: Store
    guard: Guard
    addresses: Mapping[str, str]
    kinds: Mapping[str, Kind]
    grants: Grants
    _http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with outbound.session(self.guard) as self._http:
            yield

    async def find(
        self, scope: Scope, factory_id: uuid.UUID, credential_id: uuid.UUID | None, use: Use
    ) -> Found:
        """For a run: with the credential that is named, if the caller may use it, else their own.

        Raises ConnectionMissing, and ToolFactoryNotFound.
        """
        await self.store.secrets.ready(scope)
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            store = self.store
            definition = await tool_factories.define(session, scope, store.catalogue, factory_id)
            opened = None
            if definition.needs_connection:
                opened = await self._credential(session, scope, definition, credential_id)
            environments = await self._environments(session, scope, definition)
        live = self._connect(scope, definition, opened, environments, use)
        return Found(live, opened.id if opened else None)

    async def test(self, scope: Scope, credential_id: uuid.UUID) -> Mapping[str, object]:
        """Asks the system who we are; what came of it, for `service.record`.

        No transaction may be open. Raises CredentialNotFound.
        """
        await self.store.secrets.ready(scope)
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            opened = await service.resolve_secrets(session, scope, self.store, credential_id)
            environments = await self._environments(session, scope, opened.definition)
        if opened.status == "pending":
            return {"last_error": "nobody has agreed at the provider yet"}
        try:
            live = self._connect(scope, opened.definition, opened, environments, Use())
            account = await live.account()
        except ConnectionRefused as error:
            return {"status": "expired" if opened.is_oauth else "failing", "last_error": str(error)}
        except (ToolFailed, Unclear) as error:
            return {"status": "failing", "last_error": str(error)}
        except _ODD:
            said = f"what answers there is not {opened.definition.name}"
            return {"status": "failing", "last_error": said}
        return {"status": "active", "last_error": None, "account": account}

    async def revoke(self, scope: Scope, credential_id: uuid.UUID) -> None:
        """Before it is deleted. No transaction may be open. Raises CredentialNotFound."""
        try:
            await self.store.secrets.ready(scope)
            async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
                opened = await service.resolve_secrets(session, scope, self.store, credential_id)
        except SecretsSealed:  # nobody can give it back any more: it goes all the same
            return
        if opened.is_oauth:
            await self.grants.revoke(scope, opened)

    async def attempt(
        self, scope: Scope, factory_id: uuid.UUID, credential_id: uuid.UUID | None, call: Call
    ) -> tuple[object, str | None]:
        """The result, without secrets, or why there is none. Files that it makes are forgotten.

        No transaction may be open. Raises ToolFactoryNotFound, CredentialNotFound.
        """
        if credential_id:
            async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
                await service.get(session, scope, credential_id)
        try:
            found = await self.find(scope, factory_id, credential_id, Use())
            result = await found.live.call(call.function, call.arguments)
        except (ConnectionMissing, ToolFailed, Unclear) as error:
            return None, str(error)
        except _ODD as error:
            return None, f"the answer is not as it should be: {error!r}"
        return orjson.loads(logs.mask(orjson.dumps(result, default=str).decode())), None

    async def refused(self, scope: Scope, credential_id: uuid.UUID, why: str) -> None:
        """A system said no to it during a run: people see that on the connection."""
        async with tenancy.transaction(self.sessions, scope.tenant_id) as session:
            outcome = {"status": "expired", "last_error": why}
            await service.record(session, scope, credential_id, outcome)

    async def _credential(
        self,
        session: AsyncSession,
        scope: Scope,
        definition: Definition,
        credential_id: uuid.UUID | None,
    ) -> Opened:
        opened = None
        if credential_id:
            try:
                opened = await service.resolve_secrets(session, scope, self.store, credential_id)
            except CredentialNotFound:  # gone, or somebody else's private one
                opened = None
        if opened is None or opened.definition.id != definition.id:
            opened = await service.resolve_own(session, scope, self.store, definition)
        if opened is None or opened.status == "pending":
            raise ConnectionMissing(definition.name, definition.id)
        await service.used(session, scope, opened)
        return opened

    async def _environments(
        self, session: AsyncSession, scope: Scope, definition: Definition
    ) -> Mapping[str, str]:
        if definition.system:
            return {}
        owner = Owner("tool_factory", definition.id)
        return await self.store.secrets.get(session, scope, owner)

    def _connect(
        self,
        scope: Scope,
        definition: Definition,
        opened: Opened | None,
        environments: Mapping[str, str],
        use: Use,
    ) -> Live:
        connection = self._connection(scope, definition, opened, use)
        if definition.system:
            return definition.system(connection)
        made = Made(
            scope.tenant_id,
            definition.id,
            definition.name,
            definition.config or {},
            environments,
            opened.id if opened else None,
            use.pinned,
        )
        return self.kinds[definition.kind].open(made, connection)

    def _connection(
        self, scope: Scope, definition: Definition, opened: Opened | None, use: Use
    ) -> Connection:
        assert self._http, "not opened"
        return Connection(
            opened.strategy if opened else "",
            opened.for_system if opened else {},
            self._http,
            self.guard,
            use.files,
            use.key,
            self.addresses.get(definition.system_name),
            self.grants.source(scope, opened) if opened and opened.has_token else None,
            use.config,
        )
