"""A server at an address: headers, tokens, and what it said no to."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.factory import TokenSource
from monster.kit import outbound_httpx

_LARGEST_EVENT = 8 << 20  # bytes


@dataclass(slots=True)
class Address:
    """`transport` is shared by all servers of this process, and guarded. `headers` are secret."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    transport: httpx2.AsyncBaseTransport
    source: TokenSource | None = None
    status: int = 0
    failed: ToolFailed | None = None
    last_words: str = ""

    @asynccontextmanager
    async def streams(self) -> AsyncGenerator[TransportStreams]:
        client = outbound_httpx.over(self.transport, _Auth(self))  # never closed: it is shared
        async with streamable_http_client(
            self.url, http_client=client, max_sse_event_size=_LARGEST_EVENT
        ) as streams:
            yield streams


class _Auth(httpx2.Auth):
    """Asks again once with a new token."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        token = await self._prepare(request, None)
        response = yield request
        if response.status_code == 401 and token:
            await self._prepare(request, token)
            response = yield request
        # A stream to listen on, and an end that is announced, need not exist.
        if response.status_code >= 400 and request.method == "POST":
            self._address.status = response.status_code

    async def _prepare(self, request: httpx2.Request, refused: str | None) -> str | None:
        request.headers.update(self._address.headers)
        if self._address.source is None:
            return None
        try:
            token = await self._address.source.token(refused=refused)
        except ToolFailed as error:
            self._address.failed = error
            raise httpx2.RequestError(str(error), request=request) from error
        request.headers["Authorization"] = f"Bearer {token}"
        return token
