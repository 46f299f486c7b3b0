"""A server at work. Whoever imports this imports the SDK."""

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import mcp_types as types
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from monster.contracts.tools import PinnedFunction
from monster.engine.mcp import results
from monster.engine.mcp.config import ServerConfig, fill, fill_address, split
from monster.engine.mcp.failures import judged
from monster.engine.mcp.http import Address
from monster.engine.mcp.offers import Changed, Offers
from monster.engine.mcp.pool import Key, Pool
from monster.engine.mcp.session import Session
from monster.engine.mcp.stdio import Program
from monster.engine.mcp.wire import Wire
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.factory import Connection
from monster.engine.toolkit.live import Made


class _Forgotten(Exception):
    """The server has ended the session long ago, so it did nothing; a new one may do."""


@dataclass(frozen=True, slots=True)
class LiveServer:
    made: Made
    connection: Connection
    config: ServerConfig
    pool: Pool
    transport: httpx2.AsyncBaseTransport

    async def account(self) -> str | None:
        async with self._session() as session:
            try:
                await session.offers()
            except MCPError as error:
                raise await judged(session, error, acts=False) from error
            return session.who

    async def offered(self) -> Offers:
        """Raises ToolFailed."""
        async with self._session() as session:
            try:
                return await session.offers()
            except MCPError as error:
                raise await judged(session, error, acts=False) from error

    async def call(self, function: str, arguments: Mapping[str, Any]) -> object:
        """Raises what `Live.call` does, and Changed."""
        pinned = next((one for one in self.made.pinned if one.name == function), None)
        allowed = self.config.allowed
        if pinned is None or (allowed and function not in allowed):
            raise ToolFailed(f"{self.made.name} has no function {function!r} for this agent")
        try:
            answer = await self._answer(pinned, arguments)
        except _Forgotten:
            answer = await self._answer(pinned, arguments)
        if not isinstance(answer, types.CallToolResult):
            raise ToolFailed(f"{self.made.name} asks for more than agents may give it")
        return await results.read(answer, self.connection.files, function)

    async def _answer(
        self, pinned: PinnedFunction, arguments: Mapping[str, Any]
    ) -> types.CallToolResult | types.InputRequiredResult:
        async with self._session() as session:
            original = await self._approved(session, pinned)
            acts = pinned.effect == "write"
            try:
                return await session.call(original, arguments, self.config.timeout_seconds)
            except (MCPError, TimeoutError, ValidationError) as error:
                if session.was_forgotten:
                    session.give_up()
                    raise _Forgotten from error
                raise await judged(session, error, acts=acts) from error

    async def _approved(self, session: Session, pinned: PinnedFunction) -> str:
        """What the server calls it."""
        try:
            offers = await session.offers()
        except MCPError as error:
            raise await judged(session, error, acts=False) from error
        offer = offers.found.get(pinned.name)
        if offer is None or offer.hash != pinned.hash:
            how = "it is gone" if offer is None else "the server describes it differently now"
            raise Changed(
                f"this tool is not the one you approved: {how}. Somebody has to look at"
                f" {self.made.name} and publish the agent again"
            )
        return offer.original

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[Session]:
        headers, environments = split(self.made.environments)
        values = {**environments, **self.connection.values}
        opened_with = [self.config.model_dump(mode="json"), headers, values]
        state = hashlib.sha256(json.dumps(opened_with, sort_keys=True).encode()).hexdigest()
        made = self.made
        key = Key(made.tenant_id, made.id, made.credential_id, state)
        async with self.pool.session(key, lambda: self._connect(headers, values)) as session:
            session.wire.source = self.connection.token
            yield session

    def _connect(self, headers: Mapping[str, str], values: Mapping[str, str]) -> Session:
        """Raises ToolFailed."""
        wire: Wire
        if self.config.transport == "stdio":
            command = [self.config.command or "", *self.config.args]
            wire = Program(self.made.name, command, values)
        else:
            filled = {name: fill(text, values) for name, text in headers.items()}
            if self.config.auth == "token":
                filled["Authorization"] = f"Bearer {fill('${token}', values)}"
            wire = Address(fill_address(self.config.url or "", values), filled, self.transport)
            wire.source = self.connection.token
        return Session(self.made.name, wire)
