"""One connection to a server. A task of its own keeps it open, however many calls there are."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import mcp_types as types
from mcp.client.client import Client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from monster.engine.mcp import offers
from monster.engine.mcp.metered import MOST, Given, Metered
from monster.engine.mcp.offers import Described, Offers
from monster.engine.mcp.wire import Wire
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.kit.addresses import why_blocked

# What goes wrong there is told to whoever calls; the SDK would log all that a server sends.
for _name in ("mcp", "client"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

_OPENING = 30.0  # seconds until a server must have said who it is
_CLOSING = 5.0
_NEVER = float("-inf")
_FRESH = 60.0  # seconds after which the tools are asked for again, though nobody said they changed
_MOST_TOOLS = 2_000  # that are read of one server
_MOST_PAGES = 100
_MOMENT = 2.0
_SILENCE = 60.0  # seconds without a word of progress
_US = types.Implementation(name="monster", version="1")

Answer = types.CallToolResult | types.InputRequiredResult
_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


class Session:
    def __init__(self, name: str, wire: Wire) -> None:
        self.name = name
        self.wire = wire
        self.calls = 0  # under way
        self.calls_made = 0  # that were answered
        self._closing = asyncio.Event()
        self._ready = asyncio.Event()
        self._listing = asyncio.Lock()
        self._offers: Offers | None = None
        self._changes = 0
        self._read_at = _NEVER
        self._wrong = ""
        self._lost = False
        self._client: Client | None = None
        self._meter: Metered | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done() and not self._lost

    @property
    def who(self) -> str | None:
        """What the server says it is called, and its version."""
        info = self._client.server_info if self._client else None
        return f"{info.title or info.name} {info.version}".strip()[:200] if info else None

    @property
    def was_forgotten(self) -> bool:
        """The server does not know it any more. It should say 404; some say 400."""
        is_kept = self._client and self._client.protocol_version not in MODERN_PROTOCOL_VERSIONS
        return bool(is_kept) and self.calls_made > 0 and self.wire.status in (400, 404)

    async def open(self) -> None:
        """Raises ToolFailed; of what an error may say the cause tells more."""
        self._task = asyncio.create_task(self._keep())
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait(
                {self._task, ready}, timeout=_OPENING, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            ready.cancel()
        if self._ready.is_set():
            return
        if not self._task.done():
            self._task.cancel()
            raise ToolFailed(f"{self.name} does not answer")
        raise await self.failure()

    async def close(self) -> None:
        self._closing.set()
        if self._task and not self._task.done():
            await asyncio.wait({self._task}, timeout=_CLOSING)
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_CLOSING)

    async def cause(self) -> BaseException | None:
        """Of its end, if that is known in a moment."""
        if self._task is None:
            return None
        await asyncio.wait({self._task}, timeout=_MOMENT)
        done = self._task.done() and not self._task.cancelled()
        return _first_of(self._task.exception()) if done else None

    async def failure(self) -> ToolFailed:
        """Why it is not open (any more)."""
        cause = await self.cause()
        wire = self.wire
        if wire.failed:
            return wire.failed
        if wire.status == 401:
            return ConnectionRefused(f"{self.name} does not accept the connection")
        said = why_blocked(cause) or self._wrong or wire.last_words or cause
        status = f" ({wire.status})" if wire.status else ""
        return ToolFailed(
            f"{self.name} cannot be reached{status}: {said or 'it ended the connection'}"
        )

    def give_up(self) -> None:
        """It is of no use any more: the next call opens another."""
        self._ended("")

    async def offers(self) -> Offers:
        """What it has now. Raises ToolFailed, MCPError."""
        async with self._listing:
            now = asyncio.get_running_loop().time()
            if self._offers is None or now - self._read_at > _FRESH:
                changes = self._changes
                described = await self._described()
                self._offers = offers.read(described)
                self._read_at = now if changes == self._changes else _NEVER
            return self._offers

    async def call(self, original: str, arguments: Mapping[str, Any], seconds: float) -> Answer:
        """Raises MCPError, ValidationError, and TimeoutError: also after a minute of silence."""
        client = await self._connected()
        self.wire.status = 0
        now = asyncio.get_running_loop().time
        last = now() + seconds
        async with asyncio.timeout(min(seconds, _SILENCE)) as alarm:

            async def heard(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
                alarm.reschedule(min(now() + _SILENCE, last))

            parameters = types.CallToolRequestParams(name=original, arguments=dict(arguments))
            request = types.CallToolRequest(params=parameters)
            self.calls += 1
            try:
                answer = await client.session.send_request(
                    request, _ANSWER, progress_callback=heard
                )
                self.calls_made += 1
                return answer
            finally:
                self.calls -= 1

    async def _keep(self) -> None:
        try:
            async with self.wire.streams() as (read, write):
                self._meter = Metered(read, self._ended)
                streams = Given((self._meter, write))
                async with Client(
                    streams, cache=None, message_handler=self._heard, client_info=_US
                ) as self._client:
                    self._ready.set()
                    listening = asyncio.create_task(self._listen(self._client))
                    await self._closing.wait()
                    listening.cancel()
        finally:
            self._lost = True

    def _ended(self, why: str) -> None:
        """The stream has. What is under way is told by the SDK; nothing new may begin."""
        self._wrong = self._wrong or why
        self._lost = True
        self._closing.set()

    async def _heard(self, message: types.ServerNotification | Exception) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self._changes += 1
            self._read_at = _NEVER
            self._offers = None

    async def _listen(self, client: Client) -> None:
        """Servers of the newest protocol tell of changes only to those who listen."""
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        with suppress(MCPError, ListenNotSupportedError, SubscriptionLost, TimeoutError):
            async with client.listen(tools_list_changed=True) as events:
                async for _ in events:
                    self._changes += 1
                    self._offers = None

    async def _described(self) -> list[Described]:
        found: list[Described] = []
        cursor: str | None = None
        session = (await self._connected()).session
        try:
            async with asyncio.timeout(_OPENING):
                for _ in range(_MOST_PAGES):
                    page = types.PaginatedRequestParams(cursor=cursor)
                    listed = await session.list_tools(params=page)
                    found += map(_described, listed.tools)
                    cursor = listed.next_cursor
                    if cursor is None or len(found) >= _MOST_TOOLS:
                        break
        except (TimeoutError, ValidationError) as error:
            raise ToolFailed(f"{self.name} does not say what it offers") from error
        return found[:_MOST_TOOLS]

    async def _connected(self) -> Client:
        if self._client is None or not self.alive:
            raise await self.failure()
        if self._meter:
            self._meter.left = MOST
        return self._client


def _described(tool: types.Tool) -> Described:
    hints = tool.annotations
    return Described(
        tool.name,
        tool.description or "",
        tool.input_schema,
        reads=bool(hints and hints.read_only_hint),
        idempotent=bool(hints and hints.idempotent_hint),
    )


def _first_of(error: BaseException | None) -> BaseException | None:
    """Of a group the first that is none."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
