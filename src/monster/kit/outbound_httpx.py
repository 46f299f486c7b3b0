"""The same guard under httpx, for vendors' SDKs that take no other client."""

import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol, cast

import anyio
import httpcore2
import httpx2

from monster.kit.addresses import Blocked, Guard, TooLarge

_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=15)
_TIMEOUT = httpx2.Timeout(120, connect=10)
LARGEST = 64 << 20  # bytes of one answer


class Resolver(Protocol):
    """As aiohttp's: of each address that a name has, at least the `host`."""

    async def resolve(self, host: str, port: int = 0) -> Sequence[Mapping[str, Any]]: ...


class _System:
    async def resolve(self, host: str, port: int = 0) -> Sequence[Mapping[str, Any]]:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [{"host": address[0]} for *_, address in found]


class _Backend(httpcore2.AsyncNetworkBackend):
    """Resolves once, checks, and connects to the address that was checked."""

    def __init__(self, guard: Guard, resolver: Resolver | None) -> None:
        self._guard = guard
        self._resolver = resolver or _System()
        self._sockets = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (theirs)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failed: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in await self._resolve(host, port, timeout):
            try:
                self._guard.check(address)
                return await self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (Blocked, httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        if isinstance(failed, Blocked):
            refused = httpcore2.ConnectError(str(failed))
            refused.__context__ = failed  # a cause would be lost: the pool raises it `from None`
            raise refused
        raise failed

    async def _resolve(self, host: str, port: int, seconds: float | None) -> list[str]:
        try:
            with anyio.fail_after(seconds):
                found = await self._resolver.resolve(host, port)
        except (OSError, UnicodeError) as error:  # also TimeoutError; a label that is none
            raise httpcore2.ConnectError(f"{host} cannot be resolved") from error
        return [one["host"] for one in found]


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, largest: int) -> None:
        self._stream = stream
        self._left = largest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise TooLarge("the answer is too long")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Transport(httpx2.AsyncHTTPTransport):
    def __init__(self, guard: Guard, resolver: Resolver | None, largest: int) -> None:
        super().__init__(trust_env=False)
        # There is no public way to give it a backend. Tests see to it that this one is asked.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_Backend(guard, resolver),
        )
        self._largest = largest

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.RemoteProtocolError("compressed, though we asked for it as it is")
        response.stream = _Capped(response.stream, self._largest)
        return response


def transport(
    guard: Guard, *, resolver: Resolver | None = None, largest: int = LARGEST
) -> httpx2.AsyncBaseTransport:
    """A pool of connections that several clients may share; whoever made it closes it."""
    return _Transport(guard, resolver, largest)


def client(
    guard: Guard, *, resolver: Resolver | None = None, largest: int = LARGEST
) -> httpx2.AsyncClient:
    """Follows no redirect: requests carry keys in headers that would go along."""
    return over(transport(guard, resolver=resolver, largest=largest))


def over(shared: httpx2.AsyncBaseTransport, auth: httpx2.Auth | None = None) -> httpx2.AsyncClient:
    """A client of `transport`. Closing it closes that, too."""
    return httpx2.AsyncClient(transport=shared, auth=auth, timeout=_TIMEOUT, trust_env=False)
