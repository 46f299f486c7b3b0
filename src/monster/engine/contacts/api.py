"""JSON endpoints about contacts."""

import uuid
from collections.abc import AsyncGenerator
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
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
from monster.engine.access.scope import CurrentScope, Scope, Transaction, transaction
from monster.engine.contacts import service
from monster.engine.contacts.models import Contact
from monster.kit.schemas import Prose

router = APIRouter(prefix="/contacts", tags=["contacts"])


@router.get("", response_model=list[ContactOut])
async def list_contacts(
    session: Transaction,
    scope: CurrentScope,
    q: Annotated[Prose, Query(max_length=500)] = "",
    ext_id: ExtId | None = None,
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Contact]:
    """Newest first. `q` is part of a name or `ext_id`; `after` is the last id of a page."""
    named = {"q": q, "ext_id": ext_id}
    return list(await service.page(session, scope, named, after, limit))


@router.post("", status_code=201, response_model=ContactOut)
async def create_contact(data: ContactCreate, session: Transaction, scope: CurrentScope) -> Contact:
    return await service.create(session, scope, data)


@router.put("/by-ext-id", response_model=ContactOut)
async def put_contact(data: ContactRef, session: Transaction, scope: CurrentScope) -> Contact:
    """The contact of this `ext_id`, made if there is none. Any number of times."""
    return await service.put(session, scope, data)


@router.get("/{contact_id}", response_model=ContactOut)
async def get_contact(contact_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> Contact:
    return await service.get(session, scope, contact_id)


@router.patch("/{contact_id}", response_model=ContactOut)
async def change_contact(
    contact_id: uuid.UUID, data: ContactChange, session: Transaction, scope: CurrentScope
) -> Contact:
    return await service.change(session, scope, contact_id, data)


@router.get("/{contact_id}/conversations")
async def list_conversations_of_contact(
    contact_id: uuid.UUID,
    session: Transaction,
    scope: CurrentScope,
    before: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ConversationOut]:
    """For people who look after contacts; pages as `/v1/conversations` does."""
    return await service.conversations_of(session, scope, contact_id, before, limit)


@router.get("/{contact_id}/conversations/{conversation_id}")
async def get_conversation_of_contact(
    contact_id: uuid.UUID, conversation_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> ConversationOut:
    return await service.conversation_of(session, scope, contact_id, conversation_id)


@router.get("/{contact_id}/holdings")
async def count_holdings(
    contact_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> Holdings:
    """How much there is about the contact, by kind: what erasing would take."""
    return await service.holdings(session, scope, contact_id)


@router.get("/{contact_id}/export", response_class=StreamingResponse, status_code=200)
async def export_contact(
    contact_id: uuid.UUID, request: Request, scope: CurrentScope
) -> StreamingResponse:
    """One JSON document: `contact`, and a list of each kind of what is kept about them."""
    async with transaction(request, scope) as session:
        contact = await service.export(session, scope, contact_id)
    headers = {"Content-Disposition": f'attachment; filename="contact-{contact_id}.json"'}
    pieces = _export(request, scope, contact_id, orjson.dumps(contact))
    return StreamingResponse(pieces, media_type="application/json", headers=headers)


async def _export(
    request: Request, scope: Scope, contact_id: uuid.UUID, contact: bytes
) -> AsyncGenerator[bytes]:
    """Piece by piece: no transaction is open while somebody reads slowly."""
    yield b'{"contact":' + contact
    for part in service.PARTS:
        yield b',"%b":[' % part.encode()
        after, first = None, True
        while first or after:
            async with transaction(request, scope) as session:
                piece = await service.piece(session, scope, contact_id, part, after)
            rows = orjson.dumps(piece.rows)[1:-1]
            yield b"," + rows if rows and not first else rows
            after, first = piece.after, False
        yield b"]"
    yield b"}\n"


@router.post("/{contact_id}/erase")
async def erase_contact(
    contact_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> Receipt:
    """The contact and everything about them. The receipt is the only thing that stays."""
    return await service.erase(session, scope, contact_id)
