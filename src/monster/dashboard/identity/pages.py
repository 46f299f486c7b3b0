"""The door for people: sign in, sign out."""

import re

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.identity import service
from monster.dashboard.identity.errors import WrongPassword
from monster.dashboard.identity.schemas import SignIn, Ticket
from monster.dashboard.identity.scope import (
    COOKIE,
    CurrentPerson,
    CurrentToken,
    PersonTransaction,
    device,
    same_origin,
)
from monster.dashboard.web import forms, pages, problems
from monster.dashboard.web.forms import Form
from monster.kit import clock
from monster.kit.errors import TooMany

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)

_SAID = {"email": "Write it like name@company.com.", "password": "Type your password."}

# A path of ours. "//host" and "/\host" are addresses of another site, and browsers drop controls.
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")


def local(path: object) -> str:
    return path if isinstance(path, str) and _LOCAL.fullmatch(path) else "/"


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    return _page(request, Form(), local(request.query_params.get("next")))


@router.post("/sign-in", dependencies=[Depends(same_origin)])
async def sign_in(request: Request) -> Response:
    state, typed = request.app.state, await forms.fields(request)
    onward = local(typed.pop("next", "/"))
    form = forms.check(typed, SignIn, _SAID)
    if form.data is None:
        return _page(request, form, onward, status=422)
    try:
        ticket = await service.sign_in(state.sessions, form.data, device(request), state.lifetime)
    except (WrongPassword, TooMany) as refusal:
        return _refused(request, form, onward, refusal)
    return let_in(request, ticket, onward)


@router.post("/sign-out")
async def sign_out(
    request: Request, session: PersonTransaction, person: CurrentPerson, token: CurrentToken
) -> Response:
    await service.sign_out(session, person.actor, token)
    answer = pages.go(request, "/sign-in")
    answer.delete_cookie(COOKIE, secure=_secure(request), httponly=True, samesite="lax")
    return answer


def _refused(request: Request, form: Form, onward: str, why: WrongPassword | TooMany) -> Response:
    text = problems.sentence(why.message)
    answer = _page(request, form, onward, status=why.status, problem=text)
    if isinstance(why, TooMany):
        answer.headers["Retry-After"] = str(why.retry_after)
    return answer


def _page(
    request: Request, form: Form, onward: str, *, status: int = 200, problem: str = ""
) -> Response:
    email = form.values.get("email", "")
    return pages.bare(
        request,
        "sign_in",
        status=status,
        email=email,
        errors=form.errors,
        onward=onward,
        problem=problem,
        may_register=request.app.state.settings.registration,
    )


def let_in(request: Request, ticket: Ticket, onward: str, said: str = "") -> Response:
    """The browser goes on, signed in. Until the ticket ends, or its session is idle too long."""
    answer = pages.go(request, onward, said)
    left = ticket.expires_at - clock.now()
    answer.set_cookie(
        COOKIE,
        ticket.token,
        max_age=int(left.total_seconds()),
        secure=_secure(request),
        httponly=True,
        samesite="lax",
    )
    return answer


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
