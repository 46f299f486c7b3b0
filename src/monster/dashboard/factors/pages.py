"""Screens of a person's own second factors, in the settings."""

import uuid
from collections.abc import Sequence

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.factors import service
from monster.dashboard.factors.errors import CodeMismatch, PasswordMismatch
from monster.dashboard.factors.schemas import (
    HOME,
    OF_APP,
    OF_CODES,
    Confirm,
    Password,
    Question,
    Setup,
    of_passkey,
)
from monster.dashboard.factors.scope import AccountKey, CurrentParty, PartyIfAny, PersonBegin
from monster.dashboard.factors.service import Begin
from monster.dashboard.identity.scope import CurrentPerson, Person, PersonTransaction
from monster.dashboard.passkeys import service as passkeys
from monster.dashboard.passkeys.errors import PasskeyRefused
from monster.dashboard.passkeys.schemas import NewPasskey, NewPasskeyForm
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence
from monster.kit.errors import TooMany

router = APIRouter(prefix="/settings/security", tags=["pages"], default_response_class=HTMLResponse)

_CRUMB = Crumb("Sign-in and security", HOME)
_NAME = {"name": "Give it a name of up to 200 characters."}
_ASKED = {"password": "Type your password."}


@router.get("")
async def security(
    request: Request, session: PersonTransaction, person: CurrentPerson, party: PartyIfAny
) -> Response:
    who = person.identity
    return _page(
        request,
        person,
        "security",
        "",
        factors=await service.overview(session, person.user_id),
        elsewhere=party.url if party and request.url.hostname != party.id else "",
        possible=party is not None,
        own=who.impersonator_id is None and who.identity_provider_id is None,
        demanded=who.lacks_factor,
        most=passkeys.MOST,
    )


@router.post("/totp/begin")
async def begin_totp(
    request: Request, session: PersonTransaction, person: CurrentPerson, key: AccountKey
) -> Response:
    await service.begin_totp(session, person, key)
    return pages.go(request, f"{HOME}/totp")


@router.get("/totp")
async def show_totp(
    request: Request, session: PersonTransaction, person: CurrentPerson, key: AccountKey
) -> Response:
    setup = await service.pending_totp(session, person, key)
    return _totp(request, person, setup, Form()) if setup else pages.go(request, HOME)


@router.post("/totp")
async def confirm_totp(
    request: Request, person: CurrentPerson, begin: PersonBegin, key: AccountKey
) -> Response:
    form = await forms.read(request, Confirm, {"code": "Type the code that the app shows."})
    try:
        if form.data:
            async with begin() as session:
                codes = await service.confirm_totp(session, person, key, form.data.code)
            return _done(request, person, codes, "Your authenticator app is set up.")
    except CodeMismatch as wrong:
        form = Form(form.values, {"code": sentence(wrong.message)})
    async with begin() as session:
        setup = await service.pending_totp(session, person, key)
    return _totp(request, person, setup, form, 422) if setup else pages.go(request, HOME)


def _totp(
    request: Request, person: Person, setup: Setup, form: Form, status: int = 200
) -> Response:
    picture = segno.make(setup.uri, error="m").svg_data_uri(scale=4, dark="#000", light="#fff")
    return _page(
        request,
        person,
        "security_totp",
        "Authenticator app",
        status,
        picture=picture,
        secret=" ".join(setup.secret[at : at + 4] for at in range(0, len(setup.secret), 4)),
        errors=form.errors,
    )


@router.get("/passkeys/new")
async def new_passkey(request: Request, person: CurrentPerson, _: CurrentParty) -> Response:
    person.require_own()
    return _new_passkey(request, person, Form())


@router.post("/passkeys")
async def add_passkey(
    request: Request, person: CurrentPerson, party: CurrentParty, begin: PersonBegin
) -> Response:
    person.require_own()
    form = await forms.read(request, NewPasskeyForm, _NAME)
    if form.data is None:
        return _new_passkey(request, person, form, 422)
    new = NewPasskey.model_construct(**dict(form.data))
    try:
        async with begin() as session:
            passkey, codes = await service.add_passkey(session, person, party, new)
    except PasskeyRefused as refused:
        return _new_passkey(
            request, person, Form(form.values, {"credential": refused.message}), 422
        )
    return _done(request, person, codes, f"{passkey.name} is registered.")


def _new_passkey(request: Request, person: Person, form: Form, status: int = 200) -> Response:
    problem = form.errors.get("credential", "") or form.errors.get("challenge", "")
    return _page(
        request,
        person,
        "security_passkey",
        "New passkey",
        status,
        name=form.values.get("name", ""),
        errors=form.errors,
        problem=sentence(problem) if problem else "",
    )


def _done(request: Request, person: Person, codes: Sequence[str], said: str) -> Response:
    """The recovery codes if they are new: this is the only time that they are shown."""
    if not codes:
        return pages.go(request, HOME, said)
    return _page(request, person, "security_codes", "Recovery codes", codes=codes, done=said)


# What is given up only with the password


@router.get("/totp/remove")
async def ask_to_remove_totp(request: Request, person: CurrentPerson) -> Response:
    person.require_own()
    return _ask(request, person, OF_APP, Form())


@router.post("/totp/remove")
async def remove_totp(request: Request, person: CurrentPerson, begin: PersonBegin) -> Response:
    person.require_own()
    if wrong := await _refusal(request, person, begin):
        return _ask(request, person, OF_APP, wrong, 422)
    async with begin() as session:
        await service.remove_totp(session, person)
    return pages.go(request, HOME, "The authenticator app is removed.")


@router.get("/passkeys/{passkey_id}/remove")
async def ask_to_remove_passkey(
    passkey_id: uuid.UUID, request: Request, session: PersonTransaction, person: CurrentPerson
) -> Response:
    person.require_own()
    passkey = await passkeys.get(session, person.user_id, passkey_id)
    return _ask(request, person, of_passkey(passkey), Form())


@router.post("/passkeys/{passkey_id}/remove")
async def remove_passkey(
    passkey_id: uuid.UUID, request: Request, person: CurrentPerson, begin: PersonBegin
) -> Response:
    person.require_own()
    async with begin() as session:
        passkey = await passkeys.get(session, person.user_id, passkey_id)
    if wrong := await _refusal(request, person, begin):
        return _ask(request, person, of_passkey(passkey), wrong, 422)
    async with begin() as session:
        await service.remove_passkey(session, person, passkey_id)
    return pages.go(request, HOME, f"{passkey.name} is removed.")


@router.get("/recovery-codes")
async def ask_for_codes(request: Request, person: CurrentPerson) -> Response:
    person.require_own()
    return _ask(request, person, OF_CODES, Form())


@router.post("/recovery-codes")
async def make_codes(request: Request, person: CurrentPerson, begin: PersonBegin) -> Response:
    person.require_own()
    if wrong := await _refusal(request, person, begin):
        return _ask(request, person, OF_CODES, wrong, 422)
    async with begin() as session:
        codes = await service.new_codes(session, person)
    return _done(request, person, codes, "The codes before these are worth nothing any more.")


async def _refusal(request: Request, person: Person, begin: Begin) -> Form | None:
    """What is wrong with the password that was typed."""
    form = await forms.read(request, Password, _ASKED)
    if form.data is None:
        return Form(errors=form.errors)
    try:
        await service.check_password(begin, person, form.data.password.get_secret_value())
    except (PasswordMismatch, TooMany) as wrong:
        return Form(errors={"password": sentence(wrong.message)})
    return None


def _ask(
    request: Request, person: Person, question: Question, form: Form, status: int = 200
) -> Response:
    values: dict[str, object] = {"question": question, "errors": form.errors}
    return _page(request, person, "security_ask", question.title, status, **values)


def _page(
    request: Request,
    person: Person,
    template: str,
    title: str,
    status: int = 200,
    **context: object,
) -> Response:
    here = [_CRUMB, Crumb(title)] if title else [Crumb(_CRUMB.label)]
    return pages.page(
        request,
        person.shell,
        template,
        section="settings",
        crumbs=[Crumb("Settings", "/settings"), *here],
        status=status,
        at="security",
        **context,
    )
