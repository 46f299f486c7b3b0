"""MCP servers as a kind of tool factory. The SDK takes 17 MB: it is imported at the first use."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx2

from monster.engine.mcp.config import Registered, ServerConfig
from monster.engine.mcp.offers import Changed, Offers
from monster.engine.mcp.pool import Pool
from monster.engine.toolkit.factory import Connection
from monster.engine.toolkit.live import Made
from monster.kit import outbound_httpx
from monster.kit.addresses import Guard

if TYPE_CHECKING:
    from monster.engine.mcp.live import LiveServer

    Discover: TypeAlias = Callable[
        [httpx2.AsyncBaseTransport, str, str, str], Awaitable[Registered]
    ]

# Tenant, tool factory, and what a person must know about it.
Report: TypeAlias = Callable[[uuid.UUID, uuid.UUID, str], Awaitable[None]]

_LARGEST = 32 << 20  # bytes of one answer


@dataclass(slots=True)
class McpServers:
    """A `live.Kind`, one a process, used only while `opened`."""

    guard: Guard
    pool: Pool
    report: Report
    _transport: httpx2.AsyncBaseTransport | None = field(default=None, init=False)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with outbound_httpx.transport(self.guard, largest=_LARGEST) as self._transport:
            try:
                yield
            finally:
                await self.pool.close()

    async def register(self, url: str, redirect_uri: str, name: str) -> Registered:
        """We become known where people sign in for this server. Raises ToolFailed."""
        assert self._transport, "not opened"
        discover = await asyncio.to_thread(_discover_oauth)
        return await discover(self._transport, url, redirect_uri, name)

    def open(self, made: Made, connection: Connection) -> "Server":
        assert self._transport, "not opened"
        return Server(made, connection, self.pool, self._transport, self.report)


@dataclass(frozen=True, slots=True)
class Server:
    """A `live.Live`."""

    made: Made
    connection: Connection
    pool: Pool
    transport: httpx2.AsyncBaseTransport
    report: Report

    async def account(self) -> str | None:
        """The name and version that the server gives itself."""
        return await (await self._live()).account()

    async def offered(self) -> Offers:
        """What the server says that it can do. Raises ToolFailed."""
        return await (await self._live()).offered()

    async def call(self, function: str, arguments: Mapping[str, Any]) -> object:
        try:
            return await (await self._live()).call(function, arguments)
        except Changed as error:
            await self.report(self.made.tenant_id, self.made.id, str(error))
            raise

    async def _live(self) -> "LiveServer":
        config = ServerConfig.model_validate(self.made.config)
        live = await asyncio.to_thread(_live_server)  # a quarter of a second, the first time
        return live(self.made, self.connection, config, self.pool, self.transport)


def _discover_oauth() -> "Discover":
    from monster.engine.mcp.oauth import discover_oauth  # noqa: PLC0415 (see above)

    return discover_oauth


def _live_server() -> "type[LiveServer]":
    from monster.engine.mcp.live import LiveServer  # noqa: PLC0415 (see above)

    return LiveServer
