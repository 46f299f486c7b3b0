"""A stream of messages that ends when it brings too many."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import anyio
from mcp.client._transport import ReadStream, TransportStreams
from mcp.shared.message import SessionMessage

MOST = 5_000  # messages from one request of ours to the next


class Metered:
    """As the SDK's own streams. `ended` is called once, with what was wrong or nothing."""

    def __init__(
        self, stream: ReadStream[SessionMessage | Exception], ended: Callable[[str], None]
    ) -> None:
        self._stream = stream
        self._ended = ended
        self.left = MOST

    async def receive(self) -> SessionMessage | Exception:
        self.left -= 1
        if self.left < 0:
            self._ended(f"it sends too much: more than {MOST} messages that nobody asked for")
            raise anyio.EndOfStream
        try:
            return await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._ended("")
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    @property
    def last_context(self) -> Any:  # noqa: ANN401
        return getattr(self._stream, "last_context", None)

    def __aiter__(self) -> ReadStream[SessionMessage | Exception]:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc_val, exc_tb)


class Given:
    """Streams that are open already, as the SDK wants them."""

    def __init__(self, streams: TransportStreams) -> None:
        self._streams = streams

    async def __aenter__(self) -> TransportStreams:
        return self._streams

    async def __aexit__(self, *_: object) -> None:
        return None
