"""Sessions that are open, for calls to come: each belongs to one tenant, server and connection."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from monster.engine.toolkit.effects import ToolFailed

_SHARE = 4  # of all sessions one tenant has this part at most
_LONGEST_PAUSE = 60.0  # seconds before one that ended badly is opened again
_MOST_REMEMBERED = 1_000


class Poolable(Protocol):
    name: str

    @property
    def alive(self) -> bool: ...

    async def open(self) -> None:
        """Raises ToolFailed."""
        ...

    async def close(self) -> None: ...


class Key(NamedTuple):
    """`state` is a hash of all that the session was opened with: other secrets, another session."""

    tenant_id: uuid.UUID
    factory_id: uuid.UUID
    credential_id: uuid.UUID | None
    state: str

    @property
    def place(self) -> tuple[uuid.UUID, uuid.UUID, uuid.UUID | None]:
        return self[:3]


AnySession = TypeVar("AnySession", bound=Poolable)


@dataclass(slots=True, eq=False)
class _Entry:
    session: Poolable
    opening: asyncio.Task[None]
    users: int = 0
    used_at: float = 0.0
    timer: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        return not self.opening.done() or self.session.alive


@dataclass(slots=True)
class Pool:
    """At most `most` sessions in this process; one that nobody needs for `idle` seconds ends."""

    most: int
    idle: float
    _entries: dict[Key, _Entry] = field(default_factory=dict[Key, _Entry])
    _failures: dict[object, tuple[int, float]] = field(
        default_factory=dict[object, tuple[int, float]]
    )
    _ending: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @asynccontextmanager
    async def session(self, key: Key, make: Callable[[], AnySession]) -> AsyncGenerator[AnySession]:
        """Raises ToolFailed."""
        entry = self._entries.get(key)
        if entry is None or not entry.usable:
            entry = self._new(key, make)
        entry.users += 1
        if entry.timer:
            entry.timer.cancel()
        try:
            await asyncio.shield(entry.opening)
            yield entry.session  # pyright: ignore[reportReturnType] (who has the key made it)
            self._failures.pop(key.place, None)
        finally:
            entry.users -= 1
            self._rest(key, entry)

    async def close(self) -> None:
        for key, entry in list(self._entries.items()):
            self._drop(key, entry)
        while self._ending:
            await asyncio.wait(self._ending)

    def _new(self, key: Key, make: Callable[[], Poolable]) -> _Entry:
        if entry := self._entries.get(key):
            self._drop(key, entry)
        session = make()
        count, until = self._failures.get(key.place, (0, 0.0))
        pause = until - _now()
        if pause > 0:
            raise ToolFailed(
                f"{session.name} failed {count} times in a row; try again in {pause:.0f} s"
            )
        self._make_room(key)
        entry = self._entries[key] = _Entry(session, asyncio.create_task(session.open()))
        return entry

    def _make_room(self, key: Key) -> None:
        """By ending idle ones: those with older secrets, then those used longest ago."""
        for other, entry in self._idle():
            if other.place == key.place:
                self._drop(other, entry)
        own = [other for other in self._entries if other.tenant_id == key.tenant_id]
        if len(own) >= max(1, self.most // _SHARE):
            self._end_one([pair for pair in self._idle() if pair[0].tenant_id == key.tenant_id])
        if len(self._entries) >= self.most:
            self._end_one(self._idle())

    def _end_one(self, idle: list[tuple[Key, _Entry]]) -> None:
        if not idle:
            raise ToolFailed("too many MCP servers are in use at the moment; try again later")
        self._drop(*min(idle, key=lambda pair: pair[1].used_at))

    def _idle(self) -> list[tuple[Key, _Entry]]:
        return [(key, entry) for key, entry in self._entries.items() if entry.users == 0]

    def _rest(self, key: Key, entry: _Entry) -> None:
        if self._entries.get(key) is not entry:
            if entry.users == 0:
                self._end(entry)
            return
        entry.used_at = _now()
        if not entry.usable:
            self._failed(key)
            self._drop(key, entry)
        elif entry.users == 0:
            loop = asyncio.get_running_loop()
            entry.timer = loop.call_later(self.idle, self._drop, key, entry)

    def _failed(self, key: Key) -> None:
        """The first time it may be opened again at once; then after 1, 3, 7 … seconds."""
        if len(self._failures) >= _MOST_REMEMBERED:
            del self._failures[next(iter(self._failures))]
        count = self._failures.pop(key.place, (0, 0.0))[0] + 1
        pause = min(_LONGEST_PAUSE, 2.0 ** min(count - 1, 10) - 1)
        self._failures[key.place] = (count, _now() + pause)

    def _drop(self, key: Key, entry: _Entry) -> None:
        if self._entries.get(key) is entry:
            del self._entries[key]
        if entry.timer:
            entry.timer.cancel()
        if entry.users == 0 or not entry.usable:
            self._end(entry)

    def _end(self, entry: _Entry) -> None:
        task = asyncio.create_task(_ended(entry))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _ended(entry: _Entry) -> None:
    await asyncio.wait({entry.opening})
    if not entry.opening.cancelled():
        entry.opening.exception()  # whoever waited for it has heard it
    await entry.session.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
