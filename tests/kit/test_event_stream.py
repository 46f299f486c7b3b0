"""The response of a stream: whole, or ended when its reader has left."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from monster.kit.event_stream import EventStream


class Reader:
    """The server's side of one request."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.hears = asyncio.Event()
        self.sent: list[Message] = []
        self.closed = False

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.hears.set()

    async def events(self, *, end: bool) -> AsyncGenerator[bytes]:
        try:
            yield b"data: 1\n\n"
            if not end:
                await asyncio.Event().wait()
            yield b"data: 2\n\n"
        finally:
            self.closed = True

    def answer(self, *, end: bool) -> asyncio.Task[None]:
        response = EventStream(self.events(end=end), {"Location": "/here"})
        return asyncio.create_task(response({}, self.receive, self.send))

    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def test_events_are_sent_to_the_end() -> None:
    reader = Reader()
    await reader.answer(end=True)
    assert reader.body() == b"data: 1\n\ndata: 2\n\n"
    assert reader.sent[-1]["more_body"] is False
    assert dict(reader.sent[0]["headers"]) == {
        b"location": b"/here",
        b"cache-control": b"no-cache",
        b"x-accel-buffering": b"no",
        b"content-type": b"text/event-stream; charset=utf-8",
    }
    assert reader.closed


async def test_a_reader_who_leaves_ends_it_without_an_error() -> None:
    reader = Reader()
    answer = reader.answer(end=False)
    await reader.hears.wait()
    reader.left.set()
    await answer
    assert reader.closed
    assert not answer.cancelled()


async def test_the_end_of_the_server_is_not_mistaken_for_it() -> None:
    reader = Reader()
    answer = reader.answer(end=False)
    await reader.hears.wait()
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert reader.closed
