"""Talks to the engine about conversations, on behalf of a person."""

import uuid
from collections.abc import Sequence

from monster.contracts.agents import AgentSpec
from monster.contracts.knowledge import PassageInPlaceOut
from monster.contracts.runs import ConversationOut, MessageOut, RunOut
from monster.dashboard.agents import service as agents_service
from monster.dashboard.agents.errors import AgentNotFound
from monster.dashboard.agents.models import Agent
from monster.dashboard.conversations.errors import NotAMessage
from monster.dashboard.conversations.schemas import LONGEST, Before, Page, Thread
from monster.dashboard.engine_client import (
    Caller,
    HttpEngine,
)
from monster.dashboard.identity.scope import Scope
from monster.dashboard.transcript import attached
from monster.kit import tenancy
from monster.kit.db import SessionMaker

GONE = "A deleted agent"

_AGENTS = 60
_THREADS = 40
_MESSAGES = 200  # read at once; runs that are not complete among them are left to the page before
ENDED = frozenset({"completed", "failed", "cancelled"})
_STILL = ENDED | {"waiting"}


# No connection is held while the engine is asked: each of these is a transaction of its own.


async def published(sessions: SessionMaker, scope: Scope) -> list[Agent]:
    """Agents that answer, as many as one can choose from at a glance."""
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        found = await agents_service.page(session, scope, "", None, _AGENTS)
    return [agent for agent in found if agent.published_version]


async def agent(sessions: SessionMaker, scope: Scope, agent_id: uuid.UUID) -> Agent:
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        return await agents_service.get(session, scope, agent_id)


async def agent_and_spec(
    sessions: SessionMaker, scope: Scope, agent_id: uuid.UUID
) -> tuple[Agent, AgentSpec | None]:
    """The draft, and what people talk to."""
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        return await agents_service.view(session, scope, agent_id)


async def agent_if_any(sessions: SessionMaker, scope: Scope, agent_id: uuid.UUID) -> Agent | None:
    try:
        return await agent(sessions, scope, agent_id)
    except AgentNotFound:
        return None


async def threads(engine: HttpEngine, sessions: SessionMaker, scope: Scope) -> list[Thread]:
    """The person's latest chats."""
    params = {"limit": _THREADS}
    rows = await engine.call(scope.caller, "GET", "/v1/conversations", params=params)
    talks = [ConversationOut.model_validate(row) for row in rows]
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        names = await agents_service.names(session, scope, {talk.agent_id for talk in talks})
    return [
        Thread(talk.id, talk.title, names.get(talk.agent_id, GONE), talk.updated_at)
        for talk in talks
    ]


async def conversation(
    engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID
) -> ConversationOut:
    found = await engine.call(caller, "GET", f"/v1/conversations/{conversation_id}")
    return ConversationOut.model_validate(found)


async def page(
    engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID, before: Before | None
) -> Page:
    found = await conversation(engine, caller, conversation_id)
    path = f"/v1/conversations/{conversation_id}"
    # Runs before messages: of a run that has ended by then, every message is there.
    runs = await _runs(engine, caller, path, before)
    messages = await messages_of(engine, caller, path, before)
    runs, rest = _complete(runs, messages)
    going = next((run.id for run in rest if run.status not in ENDED), None)
    cut = len(messages) == _MESSAGES and runs
    older = (
        Before(min(m.seq for m in messages if m.run_id == runs[0].id), runs[0].id) if cut else None
    )
    return Page(found, runs, messages, None if before else going, older)


async def _runs(
    engine: HttpEngine, caller: Caller, path: str, before: Before | None
) -> list[RunOut]:
    """Oldest first."""
    older = {"before": str(before.run_id)} if before else {}
    params = {"limit": _MESSAGES, **older}
    rows = await engine.call(caller, "GET", f"{path}/runs", params=params)
    return [RunOut.model_validate(row) for row in reversed(rows)]


async def messages_of(
    engine: HttpEngine, caller: Caller, path: str, before: Before | None
) -> list[MessageOut]:
    """Oldest first."""
    older = {"before": before.seq} if before else {}
    params = {"limit": _MESSAGES, **older}
    rows = await engine.call(caller, "GET", f"{path}/messages", params=params)
    return [MessageOut.model_validate(row) for row in reversed(rows)]


def _complete(
    runs: Sequence[RunOut], messages: Sequence[MessageOut]
) -> tuple[list[RunOut], list[RunOut]]:
    """Runs that have ended or wait, and whose messages are all here; the others."""
    seen = list(dict.fromkeys(message.run_id for message in messages))
    if len(messages) == _MESSAGES:
        seen = seen[1:] or seen
    here = [run for run in runs if run.status in _STILL and run.id in set(seen)]
    return here, [run for run in runs if run not in here]


async def rename(
    engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID, title: str
) -> None:
    body = {"title": title}
    await engine.call(caller, "PATCH", f"/v1/conversations/{conversation_id}", json=body)


async def delete(engine: HttpEngine, caller: Caller, conversation_id: uuid.UUID) -> None:
    await engine.call(caller, "DELETE", f"/v1/conversations/{conversation_id}")


async def cancel(engine: HttpEngine, caller: Caller, run_id: uuid.UUID) -> None:
    await engine.call(caller, "POST", f"/v1/runs/{run_id}/cancel")


async def passage(engine: HttpEngine, caller: Caller, chunk_id: uuid.UUID) -> PassageInPlaceOut:
    found = await engine.call(caller, "GET", f"/v1/passages/{chunk_id}")
    return PassageInPlaceOut.model_validate(found)


async def run(engine: HttpEngine, caller: Caller, run_id: uuid.UUID) -> RunOut:
    return RunOut.model_validate(await engine.call(caller, "GET", f"/v1/runs/{run_id}"))


def read_message(text: str, names: Sequence[str] = ()) -> str:
    """With the names of the files that come with it. Forms send line ends as CR LF. Raises
    NotAMessage."""
    message = attached.write(text.replace("\r\n", "\n").strip(), names)
    if not message:
        raise NotAMessage("write a message first", field="message")
    if len(message) > LONGEST:
        raise NotAMessage(f"a message has at most {LONGEST:,} characters", field="message")
    if "\0" in message:
        raise NotAMessage("the message holds characters that cannot be stored", field="message")
    return message
