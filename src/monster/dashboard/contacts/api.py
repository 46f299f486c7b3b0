"""JSON endpoints about contacts: what the engine offers, to people who are signed in here."""

import uuid
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from monster.contracts.contacts import (
    ContactChange,
    ContactCreate,
    ContactOut,
    ContactRef,
    ExtId,
    Holdings,
    Receipt,
)
from monster.contracts.runs import ConversationOut
from monster.dashboard.contacts import service
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope
from monster.kit.schemas import Prose

router = APIRouter(prefix="/contacts", tags=["contacts"])


@router.get("")
async def list_contacts(
    engine: CurrentEngine,
    scope: CurrentScope,
    q: Annotated[Prose, Query(max_length=500)] = "",
    ext_id: ExtId | None = None,
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ContactOut]:
    """Newest first. `q` is part of a name or `ext_id`; `after` is the last id of a page."""
    named = {"ext_id": ext_id} if ext_id is not None else {}
    start = {"after": str(after)} if after else {}
    return await service.contacts(engine, scope, {"q": q, "limit": limit, **named, **start})


@router.post("", status_code=201)
async def create_contact(
    data: ContactCreate, engine: CurrentEngine, scope: CurrentScope
) -> ContactOut:
    return await service.create(engine, scope, data)


@router.put("/by-ext-id")
async def put_contact(data: ContactRef, engine: CurrentEngine, scope: CurrentScope) -> ContactOut:
    """The contact of this `ext_id`, made if there is none. Any number of times."""
    return await service.put(engine, scope, data)


@router.get("/{contact_id}")
async def get_contact(
    contact_id: uuid.UUID, engine: CurrentEngine, scope: CurrentScope
) -> ContactOut:
    return await service.contact(engine, scope, contact_id)


@router.patch("/{contact_id}")
async def change_contact(
    contact_id: uuid.UUID, data: ContactChange, engine: CurrentEngine, scope: CurrentScope
) -> ContactOut:
    return await service.change(engine, scope, contact_id, data)


@router.get("/{contact_id}/conversations")
async def list_conversations_of_contact(
    contact_id: uuid.UUID,
    engine: CurrentEngine,
    scope: CurrentScope,
    before: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ConversationOut]:
    """Latest activity first; `before` is the last one's `last_run`, or its id."""
    start = {"before": str(before)} if before else {}
    return await service.conversations(engine, scope, contact_id, {"limit": limit, **start})


@router.get("/{contact_id}/holdings")
async def count_holdings(
    contact_id: uuid.UUID, engine: CurrentEngine, scope: CurrentScope
) -> Holdings:
    """How much there is about the contact, by kind: what erasing would take."""
    return await service.holdings(engine, scope, contact_id)


@router.get("/{contact_id}/export", response_class=StreamingResponse, status_code=200)
async def export_contact(
    contact_id: uuid.UUID, engine: CurrentEngine, scope: CurrentScope
) -> StreamingResponse:
    """One JSON document with everything about the contact."""
    pieces = service.export(engine, scope, contact_id)
    first = await anext(pieces)  # what is wrong is raised here, while there is a status to say it
    headers = {"Content-Disposition": f'attachment; filename="contact-{contact_id}.json"'}
    media_type = "application/json"
    return StreamingResponse(_all(first, pieces), media_type=media_type, headers=headers)


async def _all(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


@router.post("/{contact_id}/erase")
async def erase_contact(
    contact_id: uuid.UUID, engine: CurrentEngine, scope: CurrentScope
) -> Receipt:
    """The contact and everything about them. The receipt is the only thing that stays."""
    return await service.erase(engine, scope, contact_id)
