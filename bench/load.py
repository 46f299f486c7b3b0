"""A client that costs next to nothing: raw HTTP/1.1 over kept connections, bytes compared."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

_END = b"0\r\n\r\n"
TOKENS = 50


@dataclass(frozen=True, slots=True)
class Target:
    """What to send for a turn, and the bytes that announce each of its tokens."""

    port: int
    mark: bytes
    request: Callable[[], bytes]


@dataclass(slots=True)
class Seen:
    """Seconds to the first token, of every turn; and of all turns together."""

    first: list[float] = field(default_factory=list[float])
    seconds: float = 0.0


class Client(asyncio.Protocol):
    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._pieces: list[bytes] = []
        self.first = 0.0  # when the mark was first seen
        self._done: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not derived from it

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        if not self.first and self._mark in data:
            self.first = time.perf_counter()
        if data.endswith(_END) and self._done:
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done and not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server hung up"))

    def send(self, request: bytes) -> asyncio.Future[None]:
        """Done when the answer is complete."""
        self._pieces, self.first = [], 0.0
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._done

    async def turn(self, request: bytes) -> float:
        """Seconds to the first token. Raises if the answer is not a whole one."""
        started = time.perf_counter()
        await self.send(request)
        answer = b"".join(self._pieces)
        if answer.count(self._mark) != TOKENS:
            raise RuntimeError(f"not an answer of {TOKENS} tokens: {answer[:500]!r}")
        return self.first - started

    def close(self) -> None:
        self._done = None
        self._transport.abort()


async def connect(target: Target, count: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    found: list[Client] = []
    for _ in range(count):
        made = await loop.create_connection(lambda: Client(target.mark), "127.0.0.1", target.port)
        found.append(made[1])
    return found


async def drive(target: Target, streams: int, turns: int, spread: float = 0.0) -> Seen:
    """So many turns, so many of them at once; they begin one by one in `spread` seconds."""
    seen, left = Seen(), iter(range(turns))
    clients = await connect(target, streams)
    started = time.perf_counter()
    waits = [spread * n / streams for n in range(streams)]
    await asyncio.gather(
        *(_work(*who, target, left, seen) for who in zip(clients, waits, strict=True))
    )
    seen.seconds = time.perf_counter() - started
    for client in clients:
        client.close()
    return seen


async def _work(
    client: Client, wait: float, target: Target, left: Iterator[int], seen: Seen
) -> None:
    await asyncio.sleep(wait)
    for _ in left:
        seen.first.append(await client.turn(target.request()))


def request(method: str, path: str, body: bytes, **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
