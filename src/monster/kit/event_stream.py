"""A response that goes on for as long as there are events, or until its reader has left."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fastapi import Response
from starlette.types import Receive, Scope, Send


class EventStream(Response):
    """Server-sent events, encoded already.

    Starlette's StreamingResponse runs a task group of two tasks for every response, which is a
    tenth of what a whole turn costs; here one task waits for the reader to leave.
    """

    media_type: str = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes], headers: Mapping[str, str]) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **headers})
        self._events = events
        self._reader_left = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        writer = asyncio.current_task()
        assert writer
        watcher = asyncio.create_task(self._watch(receive, writer))
        try:
            await self._write(send)
        except asyncio.CancelledError:
            if not self._reader_left:
                raise
            writer.uncancel()
        finally:
            watcher.cancel()

    async def _watch(self, receive: Receive, writer: asyncio.Task[None]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._reader_left = True
        writer.cancel()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._events) as events:
            async for wire in events:
                await send({"type": "http.response.body", "body": wire, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
