"""Runs as a page hears of them: what the engine streams, rendered as it comes."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress

from monster.contracts.files import FileOut
from monster.contracts.runs import ENDS, Source
from monster.dashboard.conversations import service
from monster.dashboard.conversations.errors import AgentOnItsWay
from monster.dashboard.conversations.schemas import Question, Reader
from monster.dashboard.engine_client import (
    Caller,
    EngineRefused,
    EngineUnavailable,
    Event,
    HttpEngine,
)
from monster.dashboard.files import service as files
from monster.dashboard.transcript import attached, turns
from monster.dashboard.transcript.live import KEEP_ALIVE, Live, Position
from monster.dashboard.transcript.turns import Turn
from monster.kit import clock

_WAITED = "run.waited"  # to the page, of a wait that is over: no end


async def ask(
    engine: HttpEngine, caller: Caller, question: Question
) -> AsyncGenerator[Event | None]:
    """Starts a run, which goes on if nobody listens. Raises before the first event."""
    known = str(question.conversation_id) if question.conversation_id else None
    body = {"message": question.message, "conversation_id": known}
    path = f"/v1/agents/{question.agent_id}/runs"
    try:
        async with engine.stream(caller, "POST", path, json=body) as events:
            async for event in events:
                yield event
    except EngineRefused as refused:
        if refused.code != "agent_not_found":
            raise
        raise AgentOnItsWay(
            "this agent is just being published: try again in a moment"
        ) from refused


async def follow(
    engine: HttpEngine, caller: Caller, run_id: uuid.UUID
) -> AsyncGenerator[Event | None]:
    """From the first event on."""
    async with engine.stream(caller, "GET", f"/v1/runs/{run_id}/events") as events:
        async for event in events:
            yield event


async def shown(
    engine: HttpEngine,
    caller: Caller,
    events: AsyncIterator[Event | None],
    name: str,
    reader: Reader,
) -> AsyncGenerator[bytes]:
    """The events as a page takes them. A stream that breaks off just ends: the page comes back."""
    page: Live | None = None
    with suppress(EngineUnavailable):
        async for event in _told(engine, caller, events):
            if event is None:
                yield KEEP_ALIVE
                continue
            if page is None:
                page = await _live(engine, caller, uuid.UUID(event.data["run_id"]), name, reader)
            if event.type == "tool.result" or (event.type in ENDS and page.turn.answer.has_calls):
                page.turn.files = await _files(engine, caller, page.turn.talk)
            if wire := page.take(event):
                yield wire
            if event.type in ENDS:
                return


async def _told(
    engine: HttpEngine, caller: Caller, events: AsyncIterator[Event | None]
) -> AsyncGenerator[Event | None]:
    """A wait is shown as one if nothing came after it and it is not over by now: with what is still
    to be answered."""
    run_id = uuid.UUID(int=0)
    wait: Event | None = None
    async for event in events:
        if wait and event:
            yield wait._replace(type=_WAITED)
            wait = None
        if event and "run_id" in event.data:
            run_id = uuid.UUID(event.data["run_id"])
        if event and event.type == "run.waiting":
            wait = event
        else:
            yield event
    if wait:
        now = await service.run(engine, caller, run_id)
        calls = [call.model_dump(mode="json") for call in now.waiting]
        still = now.status == "waiting"
        yield wait._replace(
            type=wait.type if still else _WAITED, data={**wait.data, "waiting": calls}
        )


async def turn(
    engine: HttpEngine, caller: Caller, run_id: uuid.UUID, name: str, reader: Reader
) -> Turn:
    """One run as it stands."""
    found = await service.run(engine, caller, run_id)
    messages = await service.messages_of(
        engine, caller, f"/v1/conversations/{found.conversation_id}", None
    )
    held = await _files(engine, caller, found.conversation_id)
    (stored,) = turns.stored([found], messages, name, reader.initials, reader.token, held)
    return stored


async def _live(
    engine: HttpEngine, caller: Caller, run_id: uuid.UUID, name: str, reader: Reader
) -> Live:
    """What the question was and what the conversation knew before it."""
    asked = await service.run(engine, caller, run_id)
    messages = await service.messages_of(
        engine, caller, f"/v1/conversations/{asked.conversation_id}", None
    )
    earlier = [message for message in messages if message.run_id < run_id]
    sources: dict[int, Source] = turns.sources_of(earlier)
    turn = turns.opened(asked, name, reader.initials, sources, reader.token)
    if attached.read(asked.message)[1]:
        turn.files = await _files(engine, caller, asked.conversation_id)
    ended = asked.status in service.ENDED
    return Live(
        turn,
        (lambda: asked.updated_at) if ended else clock.now,
        Position.parse(reader.last_event_id),
    )


async def _files(
    engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID
) -> Sequence[FileOut]:
    """None if the conversation was deleted meanwhile: the stream says so by its end."""
    try:
        return await files.listed(engine, caller, conversation_id)
    except EngineRefused:
        return ()
