"""Screens about contacts: who they are, what was said to them, how they are forgotten."""

import json
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.contacts import ContactOut, Receipt
from monster.dashboard.contacts import service
from monster.dashboard.contacts.errors import NotTheName
from monster.dashboard.contacts.schemas import Before, ContactForm, one_line
from monster.dashboard.engine_client import EngineRefused, HttpEngine
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.permissions import Can
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence
from monster.kit.schemas import Prose

router = APIRouter(prefix="/contacts", tags=["pages"], default_response_class=HTMLResponse)

_CONTACTS = Crumb("Contacts", "/contacts")
_HINTS = {"name": "Give a name of up to 200 characters.", "ext_id": "At most 500 characters."}
_BLANK = {"name": "", "ext_id": "", "meta": "{}"}


@router.get("")
async def list_contacts(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
) -> Response:
    listed = await service.page(engine, scope, q, after)
    values: dict[str, object] = {"listed": listed, "query": q, "after": after}
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "contacts", status=200, **values)
    return _page(request, scope, "contacts", Crumb("Contacts"), status=200, **values)


@router.get("/new")
async def new_contact(request: Request, scope: CurrentScope) -> Response:
    scope.require(Can.CONTACTS)
    return _new(request, scope, Form())


@router.post("")
async def create_contact(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    scope.require(Can.CONTACTS)
    form = await forms.read(request, ContactForm, _HINTS)
    if form.data is None:
        return _new(request, scope, form, 422)
    try:
        made = await service.create(engine, scope, form.data.create)
    except EngineRefused as refused:
        return _new(request, scope, _refused(form, refused), refused.status)
    return pages.go(request, f"/contacts/{made.id}", f"{made.name} is there.")


def _new(request: Request, scope: Scope, form: Form, status: int = 200) -> Response:
    return _page(
        request,
        scope,
        "contact_new",
        _CONTACTS,
        Crumb("New contact"),
        status=status,
        values=_BLANK | dict(form.values),
        errors=form.errors,
    )


def _refused(form: Form, refused: EngineRefused) -> Form:
    """What the engine says stands at its field, or is an error of the page."""
    field = (refused.field or "").partition(".")[0]
    if field not in _BLANK:
        raise refused
    return Form(form.values, {field: sentence(refused.message)})


@router.get("/{contact_id}")
async def show_contact(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    contact_id: uuid.UUID,
    before: uuid.UUID | None = None,
) -> Response:
    contact = await service.contact(engine, scope, contact_id)
    meta = json.dumps(contact.meta, indent=2, ensure_ascii=False)
    form = Form({"name": contact.name, "ext_id": one_line(contact.ext_id), "meta": meta})
    return await _show(request, scope, engine, contact, form, before=before)


@router.post("/{contact_id}")
async def change_contact(
    request: Request, scope: CurrentScope, engine: CurrentEngine, contact_id: uuid.UUID
) -> Response:
    contact = await service.contact(engine, scope, contact_id)
    form = await forms.read(request, ContactForm, _HINTS)
    if form.data is None:
        return await _show(request, scope, engine, contact, form)
    try:
        changed = await service.change(engine, scope, contact_id, form.data.change(contact))
    except EngineRefused as refused:
        return await _show(request, scope, engine, contact, _refused(form, refused))
    return pages.go(request, f"/contacts/{contact_id}", f"{changed.name} is saved.")


async def _show(
    request: Request,
    scope: Scope,
    engine: HttpEngine,
    contact: ContactOut,
    form: Form,
    *,
    before: uuid.UUID | None = None,
) -> Response:
    sessions = request.app.state.sessions
    return _page(
        request,
        scope,
        "contact",
        _CONTACTS,
        Crumb(contact.name),
        status=422 if form.errors else 200,
        contact=contact,
        values=_BLANK | dict(form.values),
        errors=form.errors,
        talks=await service.talks(engine, sessions, scope, contact.id, before),
        before=before,
        may_erase=scope.may(Can.CONTACTS_ERASE),
    )


@router.get("/{contact_id}/conversations/{conversation_id}")
async def read_conversation(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    contact_id: uuid.UUID,
    conversation_id: uuid.UUID,
    before: Annotated[str, Query(pattern=r"^\d{1,9}:[0-9a-f-]{36}$")] = "",
) -> Response:
    """`before`: the page of what was said earlier."""
    contact = await service.contact(engine, scope, contact_id)
    talk = await service.transcript(
        engine, request.app.state.sessions, scope, (contact, conversation_id), _before(before)
    )
    crumbs = (_CONTACTS, Crumb(contact.name, f"/contacts/{contact_id}"))
    title = Crumb(talk.conversation.title)
    return _page(request, scope, "contact_talk", *crumbs, title, contact=contact, talk=talk)


def _before(told: str) -> Before | None:
    seq, _, run_id = told.partition(":")
    try:
        return Before(int(seq), uuid.UUID(run_id)) if told else None
    except ValueError:
        return None


@router.get("/{contact_id}/erase")
async def ask_to_erase(
    request: Request, scope: CurrentScope, engine: CurrentEngine, contact_id: uuid.UUID
) -> Response:
    scope.require(Can.CONTACTS_ERASE)
    return await _ask(request, scope, engine, contact_id, Form())


@router.post("/{contact_id}/erase")
async def erase_contact(
    request: Request, scope: CurrentScope, engine: CurrentEngine, contact_id: uuid.UUID
) -> Response:
    """The answer is the receipt: no page leads to it again."""
    scope.require(Can.CONTACTS_ERASE)
    typed = await forms.fields(request)
    try:
        receipt = await service.erase_named(engine, scope, contact_id, typed.get("word", ""))
    except NotTheName as wrong:
        form = Form(typed, {"word": sentence(wrong.message)})
        return await _ask(request, scope, engine, contact_id, form)
    return _page(
        request, scope, "contact_erased", _CONTACTS, Crumb("Erased"), receipt=receipt,
        text=_as_text(receipt),
    )  # fmt: skip


async def _ask(
    request: Request, scope: Scope, engine: HttpEngine, contact_id: uuid.UUID, form: Form
) -> Response:
    contact = await service.contact(engine, scope, contact_id)
    return _page(
        request,
        scope,
        "contact_erase",
        _CONTACTS,
        Crumb(contact.name, f"/contacts/{contact_id}"),
        Crumb("Erase"),
        status=422 if form.errors else 200,
        contact=contact,
        holdings=await service.holdings(engine, scope, contact_id),
        word=form.values.get("word", ""),
        errors=form.errors,
    )


def _as_text(receipt: Receipt) -> str:
    return json.dumps(receipt.model_dump(mode="json"), indent=2)


def _page(
    request: Request, scope: Scope, template: str, *crumbs: Crumb, status: int = 200, **more: object
) -> Response:
    return pages.page(
        request,
        scope.shell,
        template,
        section="contacts",
        crumbs=crumbs,
        status=status,
        **more,
    )
