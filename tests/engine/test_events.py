"""A run's events on their way to the readers of this process."""

import asyncio

import pytest

from monster.engine.runs import events
from monster.engine.runs.events import KEEP_ALIVE, START, Cursor, Feed


async def test_a_quiet_stream_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PATIENCE", 0.01)
    feed = Feed(0, lambda: None)
    listener = feed.hear()
    wires = listener.after(START)
    assert [await anext(wires), await anext(wires)] == [KEEP_ALIVE] * 2
    feed.text("one")
    asyncio.get_running_loop().call_later(0.05, listener.end)
    rest = [wire async for wire in wires]
    assert rest[0].startswith(b'id: 1.3\nevent: message.delta\ndata: {"text":"one"}\n\n')
    assert set(rest[1:]) == {KEEP_ALIVE}


async def test_a_listener_drops_what_its_reader_has() -> None:
    feed = Feed(6, lambda: None)
    feed.text("one")
    listener = feed.hear()
    feed.text("two")
    listener.end()
    assert [wire async for wire in listener.after(Cursor(7, 3))] == [
        b'id: 7.6\nevent: message.delta\ndata: {"text":"two"}\n\n'
    ]
    assert listener.cursor == Cursor(7, 6)
