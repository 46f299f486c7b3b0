"""Contacts: made and changed, exported, and erased with everything about them."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.contacts import (
    ContactChange,
    ContactCreate,
    ContactOut,
    ContactRef,
    Holdings,
    Receipt,
)
from monster.contracts.runs import ConversationOut
from monster.contracts.tokens import Permission
from monster.engine.access.errors import ContactNotFound
from monster.engine.access.scope import Scope
from monster.engine.contacts import queries
from monster.engine.contacts.errors import ExtIdTaken
from monster.engine.contacts.models import Contact
from monster.engine.contacts.schemas import Piece, Place
from monster.engine.conversations import service as conversations
from monster.kit import audit, clock
from monster.kit.audit import Action, Entry
from monster.kit.db import violates
from monster.kit.errors import Forbidden
from monster.kit.ids import new_id

PARTS = queries.EXPORTED


async def page(
    session: AsyncSession,
    scope: Scope,
    named: Mapping[str, str | None],
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[Contact]:
    scope.require(Permission.CONTACTS_READ)
    return await queries.page(session, scope, named, after, limit)


async def get(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> Contact:
    scope.require(Permission.CONTACTS_READ)
    return _found(await queries.get(session, scope, contact_id), contact_id)


async def create(session: AsyncSession, scope: Scope, data: ContactCreate) -> Contact:
    _require_many(scope)
    values = {"id": new_id(), **data.model_dump()}
    made = await queries.insert_if_free(session, scope, values)
    if made is None:
        raise ExtIdTaken("another contact has this ext_id", field="ext_id")
    await _record(session, scope, Action.CREATE, made.id, data.model_fields_set)
    return made


async def change(
    session: AsyncSession, scope: Scope, contact_id: uuid.UUID, data: ContactChange
) -> Contact:
    """Null for `ext_id` takes it away; for the others it means: as it is."""
    scope.require(Permission.CONTACTS_WRITE)
    said = data.model_dump(exclude_unset=True)
    values = {name: one for name, one in said.items() if one is not None or name == "ext_id"}
    try:
        changed = _found(await queries.change(session, scope, contact_id, values), contact_id)
    except IntegrityError as error:
        if not violates(error, "uq_contact_ext_id"):
            raise
        raise ExtIdTaken("another contact has this ext_id", field="ext_id") from error
    await _record(session, scope, Action.UPDATE, contact_id, values)
    return changed


async def put(session: AsyncSession, scope: Scope, data: ContactRef) -> Contact:
    """The contact of this `ext_id`, made if there is none. What is not given stays as it is."""
    _require_many(scope)
    fresh = {"id": new_id(), **data.model_dump(exclude_none=True), "name": data.called}
    made = await queries.insert_if_free(session, scope, fresh)
    if made is not None:
        await _record(session, scope, Action.CREATE, made.id, data.model_fields_set)
        return made
    known = await queries.page(session, scope, {"ext_id": data.ext_id}, None, 1)
    if not known:
        raise ContactNotFound("the contact was erased meanwhile")
    values = data.model_dump(exclude_none=True, exclude={"ext_id"})
    return await change(session, scope, known[0].id, ContactChange.model_validate(values))


async def conversations_of(
    session: AsyncSession, scope: Scope, contact_id: uuid.UUID, before: uuid.UUID | None, limit: int
) -> list[ConversationOut]:
    await get(session, scope, contact_id)
    return await conversations.page(session, scope.reading(contact_id), None, before, limit)


async def conversation_of(
    session: AsyncSession, scope: Scope, contact_id: uuid.UUID, conversation_id: uuid.UUID
) -> ConversationOut:
    return await conversations.get(session, scope.reading(contact_id), conversation_id)


async def holdings(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> Holdings:
    """How much would be erased."""
    await get(session, scope, contact_id)
    return await queries.count(session, scope, contact_id)


async def export(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> dict[str, Any]:
    """The contact itself, with which an export begins; `piece` gives the rest."""
    scope.require(Permission.CONTACTS_ERASE)
    found = _found(await queries.get(session, scope, contact_id), contact_id)
    await audit.record(session, scope.actor, Entry(Action.EXPORT, "contact", contact_id))
    return ContactOut.model_validate(found).model_dump(mode="json")


async def piece(
    session: AsyncSession, scope: Scope, contact_id: uuid.UUID, part: str, after: Place | None
) -> Piece:
    scope.require(Permission.CONTACTS_ERASE)
    return await queries.piece(session, scope, contact_id, part, after)


async def erase(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> Receipt:
    """With all that was said, and the keys that speak for them. Nothing brings it back."""
    scope.require(Permission.CONTACTS_ERASE)
    if not await queries.hold(session, scope, contact_id):
        raise ContactNotFound(f"no contact {contact_id}")
    counts = await queries.count(session, scope, contact_id)
    await queries.erase(session, scope, contact_id)
    receipt = _receipt(contact_id, counts)
    more = {"receipt": receipt.id, "sha256": receipt.sha256, "counts": counts.model_dump()}
    await audit.record(session, scope.actor, Entry(Action.ERASE, "contact", contact_id, more=more))
    return receipt


def _receipt(contact_id: uuid.UUID, counts: Holdings) -> Receipt:
    said = Receipt(
        id=new_id(), contact_id=contact_id, erased_at=clock.now(), counts=counts, sha256=""
    )
    rest = said.model_dump(mode="json", exclude={"sha256"})
    digest = hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return said.model_copy(update={"sha256": digest})


def _require_many(scope: Scope) -> None:
    scope.require(Permission.CONTACTS_WRITE)
    if scope.contact_id is not None:
        raise Forbidden("this key speaks for one contact and makes no others")


def _found(found: Contact | None, contact_id: uuid.UUID) -> Contact:
    if found is None:
        raise ContactNotFound(f"no contact {contact_id}")
    return found


async def _record(
    session: AsyncSession,
    scope: Scope,
    action: Action,
    contact_id: uuid.UUID,
    fields: Iterable[str],
) -> None:
    """Names of fields only: a log that cannot be changed cannot forget."""
    entry = Entry(action, "contact", contact_id, more={"fields": sorted(fields)})
    await audit.record(session, scope.actor, entry)
