"""Screens for people who are not signed in: register, confirm, forget and choose a password.

A link in a mail shows a page with a button and uses nothing up: programs that look for bad links
open them, too.
"""

from typing import TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from monster.dashboard.accounts import service
from monster.dashboard.accounts.errors import WeakPassword
from monster.dashboard.accounts.schemas import (
    LONGEST,
    SHORTEST,
    AskForReset,
    Register,
    Reset,
    VerifyAddress,
)
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import EmailTaken, TokenWorthless
from monster.dashboard.identity.models import TokenKind
from monster.dashboard.identity.pages import let_in
from monster.dashboard.identity.scope import device, same_origin
from monster.dashboard.web import forms, pages, problems
from monster.dashboard.web.forms import Filled, Form
from monster.kit import tenancy
from monster.kit.errors import AppError, NotFound, TooMany

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
Model = TypeVar("Model", bound=BaseModel)

_OURS = [Depends(same_origin)]
_PASSWORD = f"From {SHORTEST} to {LONGEST:,} characters."
_SAID = {
    "name": "What you are called, in up to 200 characters.",
    "company": "A name of up to 200 characters.",
    "email": "Write it like name@company.com.",
    "password": _PASSWORD,
}


@router.get("/register")
async def register_page(request: Request) -> Response:
    _require_open(request)
    return _form(request, "register", Form())


@router.post("/register", dependencies=_OURS)
async def register(request: Request) -> Response:
    _require_open(request)
    form = await forms.read(request, Register, _SAID)
    if form.data is None:
        return _form(request, "register", form, 422)
    try:
        await service.register(request.app.state.sessions, form.data, device(request))
    except (WeakPassword, TooMany) as refusal:
        return _refused(request, "register", form, refusal)
    return _tell(request, "Look into your mailbox", _sent(form.data.email, "24 hours"))


@router.get("/register/verify")
async def verify_page(request: Request, token: str = "") -> Response:
    _require_open(request)
    return await _confirm(request, "register", token)


@router.post("/register/verify", dependencies=_OURS)
async def verify(request: Request) -> Response:
    _require_open(request)
    state, token = request.app.state, await _token(request)
    try:
        async with tenancy.outside(state.sessions) as session:
            ticket = await service.open_workspace(session, token, device(request), state.lifetime)
    except TokenWorthless as refusal:
        return _worthless(request, refusal, "/register", "Register again")
    except EmailTaken:
        text = "Somebody registered with this address in the meantime. If it was you, sign in."
        return _tell(request, "This address has an account", text, status=EmailTaken.status)
    return let_in(request, ticket, "/", "Your workspace is open.")


@router.get("/forgot")
async def forgot_page(request: Request) -> Response:
    return _form(request, "forgot", Form())


@router.post("/forgot", dependencies=_OURS)
async def forgot(request: Request) -> Response:
    form = await forms.read(request, AskForReset, _SAID)
    if form.data is None:
        return _form(request, "forgot", form, 422)
    try:
        await service.ask_for_reset(request.app.state.sessions, form.data.email, device(request))
    except TooMany as refusal:
        return _refused(request, "forgot", form, refusal)
    return _tell(request, "Look into your mailbox", _sent(form.data.email, "one hour"))


@router.get("/reset")
async def reset_page(request: Request, token: str = "") -> Response:
    return await _confirm(request, "reset", token)


@router.post("/reset", dependencies=_OURS)
async def reset(request: Request) -> Response:
    form = await forms.read(request, Reset, _SAID)
    if form.data is None:
        return await _confirm(request, "reset", form.values.get("token", ""), form, 422)
    password = form.data.password.get_secret_value()
    try:
        await service.reset(request.app.state.sessions, form.data.token, password, device(request))
    except (WeakPassword, TooMany) as refusal:
        return _refused(request, "reset", form, refusal)
    except TokenWorthless as refusal:
        return _worthless(request, refusal, "/forgot", "Ask for a new link")
    text = "Every session was ended. Sign in with the new password."
    return _tell(request, "Your password is changed", text)


@router.get("/settings/email/confirm")
async def confirm_email_page(request: Request, token: str = "") -> Response:
    return await _confirm(request, "email", token)


@router.post("/settings/email/confirm", dependencies=_OURS)
async def confirm_email(request: Request) -> Response:
    token = await _token(request)
    try:
        async with tenancy.outside(request.app.state.sessions) as session:
            email = await service.move(session, token, device(request))
    except TokenWorthless as refusal:
        return _worthless(request, refusal, "/settings/profile", "To your profile")
    except EmailTaken:
        text = "Another account has it, so yours keeps the address it had."
        return _tell(request, "This address has an account", text, status=EmailTaken.status)
    return _tell(request, "Your address is changed", f"From now on you sign in as {email}.")


def _require_open(request: Request) -> None:
    """Where nobody can register there is no such page."""
    if not request.app.state.settings.registration:
        raise NotFound("nobody can register here: ask to be invited")


def _sent(email: str, lasts: str) -> str:
    return f"If {email} can use one, a link is on its way to it. It works once, for {lasts}."


async def _token(request: Request) -> str:
    form = await forms.read(request, VerifyAddress)
    return form.data.token if form.data else ""


_UNTOUCHED = Form()

# What is asked before a link is used: the template, and where a new link is to be had.
_LINKS: dict[str, tuple[str, str, str]] = {
    "register": ("register_verify", "/register", "Register again"),
    "reset": ("reset", "/forgot", "Ask for a new link"),
    "email": ("email_confirm", "/settings/profile", "To your profile"),
}


async def _confirm(
    request: Request, kind: TokenKind, token: str, form: Form = _UNTOUCHED, status: int = 200
) -> Response:
    """What a link in a mail shows. It looks, and leaves the token as it is."""
    template, again, label = _LINKS[kind]
    try:
        async with tenancy.outside(request.app.state.sessions) as session:
            row = await identity.peek(session, kind, token)
    except TokenWorthless as refusal:
        return _worthless(request, refusal, again, label)
    known = {"token": token, "email": row.email or "", "company": row.data.get("company", "")}
    return pages.bare(request, template, status=status, errors=form.errors, problem="", **known)


def _form(
    request: Request, template: str, form: Form, status: int = 200, problem: str = ""
) -> Response:
    empty = {"name": "", "company": "", "email": "", "token": ""}
    values = empty | dict(form.values) | {"password": ""}
    return pages.bare(
        request, template, status=status, errors=form.errors, problem=problem, **values
    )


def _refused(
    request: Request, template: str, form: Filled[Model], why: WeakPassword | TooMany
) -> Response:
    if isinstance(why, TooMany):
        text = problems.sentence(why.message)
        answer = _form(request, template, form, why.status, text)
        answer.headers["Retry-After"] = str(why.retry_after)
        return answer
    errors = {"password": why.message}
    return _form(request, template, Form(form.values, errors), why.status)


def _worthless(request: Request, why: AppError, again: str, label: str) -> Response:
    text = problems.sentence(why.message)
    return pages.bare(
        request,
        "told",
        status=why.status,
        title="This link does not work",
        text=text,
        href=again,
        label=label,
    )


def _tell(request: Request, title: str, text: str, *, status: int = 200) -> Response:
    return pages.bare(
        request, "told", status=status, title=title, text=text, href="/sign-in", label="Sign in"
    )
