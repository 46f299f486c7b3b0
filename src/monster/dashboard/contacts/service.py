"""Talks to the engine about contacts, on behalf of who looks after them."""

import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from monster.contracts.contacts import (
    ContactChange,
    ContactCreate,
    ContactOut,
    ContactRef,
    Holdings,
    Receipt,
)
from monster.contracts.runs import ConversationOut, MessageOut, RunOut
from monster.dashboard.agents import service as agents_service
from monster.dashboard.contacts.errors import NotTheName
from monster.dashboard.contacts.schemas import Before, Page, Talk, Talks, Transcript
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can
from monster.dashboard.transcript import turns
from monster.kit import tenancy
from monster.kit.db import SessionMaker

_PAGE = 30
_AT_ONCE = 200  # messages, and runs
_PATH = "/v1/contacts"
_GONE = "A deleted agent"


async def contacts(
    engine: HttpEngine, scope: Scope, params: Mapping[str, str | int]
) -> list[ContactOut]:
    scope.require(Can.CONTACTS)
    rows: list[Any] = await engine.call(scope.caller, "GET", _PATH, params=params)
    return [ContactOut.model_validate(row) for row in rows]


async def page(engine: HttpEngine, scope: Scope, query: str, after: uuid.UUID | None) -> Page:
    start = {"after": str(after)} if after else {}
    found = await contacts(engine, scope, {"q": query, "limit": _PAGE + 1, **start})
    return Page(found[:_PAGE], found[_PAGE - 1].id if len(found) > _PAGE else None)


async def contact(engine: HttpEngine, scope: Scope, contact_id: uuid.UUID) -> ContactOut:
    scope.require(Can.CONTACTS)
    found = await engine.call(scope.caller, "GET", f"{_PATH}/{contact_id}")
    return ContactOut.model_validate(found)


async def create(engine: HttpEngine, scope: Scope, data: ContactCreate) -> ContactOut:
    scope.require(Can.CONTACTS)
    body = data.model_dump(mode="json")
    return ContactOut.model_validate(await engine.call(scope.caller, "POST", _PATH, json=body))


async def put(engine: HttpEngine, scope: Scope, data: ContactRef) -> ContactOut:
    scope.require(Can.CONTACTS)
    body = data.model_dump(mode="json", exclude_unset=True)
    found = await engine.call(scope.caller, "PUT", f"{_PATH}/by-ext-id", json=body)
    return ContactOut.model_validate(found)


async def change(
    engine: HttpEngine, scope: Scope, contact_id: uuid.UUID, data: ContactChange
) -> ContactOut:
    scope.require(Can.CONTACTS)
    body = data.model_dump(mode="json", exclude_unset=True)
    changed = await engine.call(scope.caller, "PATCH", f"{_PATH}/{contact_id}", json=body)
    return ContactOut.model_validate(changed)


async def holdings(engine: HttpEngine, scope: Scope, contact_id: uuid.UUID) -> Holdings:
    scope.require(Can.CONTACTS)
    found = await engine.call(scope.caller, "GET", f"{_PATH}/{contact_id}/holdings")
    return Holdings.model_validate(found)


async def export(engine: HttpEngine, scope: Scope, contact_id: uuid.UUID) -> AsyncGenerator[bytes]:
    scope.require(Can.CONTACTS_ERASE)
    async with engine.download(scope.caller, f"{_PATH}/{contact_id}/export") as pieces:
        async for piece in pieces:
            yield piece


async def erase(engine: HttpEngine, scope: Scope, contact_id: uuid.UUID) -> Receipt:
    scope.require(Can.CONTACTS_ERASE)
    receipt = await engine.call(scope.caller, "POST", f"{_PATH}/{contact_id}/erase")
    return Receipt.model_validate(receipt)


async def erase_named(
    engine: HttpEngine, scope: Scope, contact_id: uuid.UUID, word: str
) -> Receipt:
    """Only if the name is typed as it is. Raises NotTheName."""
    scope.require(Can.CONTACTS_ERASE)
    found = await contact(engine, scope, contact_id)
    if word.strip() != found.name.strip():
        raise NotTheName("type the name as it is written above", field="word")
    return await erase(engine, scope, contact_id)


# What was said


async def conversations(
    engine: HttpEngine, scope: Scope, contact_id: uuid.UUID, params: Mapping[str, str | int]
) -> list[ConversationOut]:
    scope.require(Can.CONTACTS)
    path = f"{_PATH}/{contact_id}/conversations"
    rows: list[Any] = await engine.call(scope.caller, "GET", path, params=params)
    return [ConversationOut.model_validate(row) for row in rows]


async def talks(
    engine: HttpEngine,
    sessions: SessionMaker,
    scope: Scope,
    contact_id: uuid.UUID,
    before: uuid.UUID | None,
) -> Talks:
    start = {"before": str(before)} if before else {}
    found = await conversations(engine, scope, contact_id, {"limit": _PAGE + 1, **start})
    names = await _names(sessions, scope, {talk.agent_id for talk in found})
    rows = [
        Talk(talk.id, talk.title, names.get(talk.agent_id, _GONE), talk.updated_at)
        for talk in found[:_PAGE]
    ]
    last = found[_PAGE - 1] if len(found) > _PAGE else None
    return Talks(rows, last and (last.last_run or last.id))


async def transcript(
    engine: HttpEngine,
    sessions: SessionMaker,
    scope: Scope,
    whose: tuple[ContactOut, uuid.UUID],
    before: Before | None,
) -> Transcript:
    """Newest runs whose messages are all here; those before them are the page before."""
    contact, conversation_id = whose
    path = f"{_PATH}/{contact.id}/conversations/{conversation_id}"
    talk = ConversationOut.model_validate(await engine.call(scope.caller, "GET", path))
    runs = await _rows(engine, scope, f"{path}/runs", str(before.run_id) if before else None)
    said = await _rows(engine, scope, f"{path}/messages", before.seq if before else None)
    asked = [RunOut.model_validate(row) for row in runs]
    messages = [MessageOut.model_validate(row) for row in said]
    whole = _whole(asked, messages)
    older = None
    if whole and len(messages) == _AT_ONCE:
        first = min(one.seq for one in messages if one.run_id == whole[0].id)
        older = Before(first, whole[0].id)
    names = await _names(sessions, scope, {talk.agent_id})
    agent = names.get(talk.agent_id, _GONE)
    initials = "".join(word[0] for word in contact.name.split()[:2]).upper()
    return Transcript(talk, agent, turns.stored(whole, messages, agent, initials), older)


async def _rows(engine: HttpEngine, scope: Scope, path: str, before: str | int | None) -> list[Any]:
    """Oldest first."""
    start = {"before": before} if before else {}
    params = {"limit": _AT_ONCE, **start}
    rows: list[Any] = await engine.call(scope.caller, "GET", path, params=params)
    return rows[::-1]


def _whole(runs: Sequence[RunOut], messages: Sequence[MessageOut]) -> list[RunOut]:
    """Without the run whose first messages are on the page before."""
    seen = list(dict.fromkeys(message.run_id for message in messages))
    if len(messages) == _AT_ONCE:
        seen = seen[1:] or seen
    return [run for run in runs if run.id in set(seen)]


async def _names(
    sessions: SessionMaker, scope: Scope, agent_ids: set[uuid.UUID]
) -> Mapping[uuid.UUID, str]:
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        return await agents_service.names(session, scope, agent_ids)
