"""The second step of signing in, for people."""

import json
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.challenges import service
from monster.dashboard.challenges.errors import WrongCode, WrongPasskey
from monster.dashboard.challenges.schemas import Answer, PasskeyAnswer, PasskeyAnswerForm
from monster.dashboard.challenges.scope import CurrentDoor
from monster.dashboard.challenges.service import Door
from monster.dashboard.factors.scope import AccountKey, CurrentParty, PartyIfAny
from monster.dashboard.identity.errors import TokenWorthless
from monster.dashboard.identity.pages import CHALLENGE, let_in, local
from monster.dashboard.identity.schemas import Ticket
from monster.dashboard.passkeys.schemas import RelyingParty
from monster.dashboard.web import csrf, forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.problems import sentence
from monster.kit.errors import AppError, TooMany

router = APIRouter(
    prefix="/sign-in/second-factor", tags=["pages"], default_response_class=HTMLResponse
)

_SAID = {"code": "Type the code."}
_REFUSALS = (WrongCode, WrongPasskey, TooMany, TokenWorthless)


@router.get("")
async def second_step(request: Request, door: CurrentDoor, party: PartyIfAny) -> Response:
    onward = local(request.query_params.get("next"))
    try:
        return await _page(request, door, party, onward)
    except TokenWorthless:
        return pages.go(request, f"/sign-in?{urlencode({'next': onward})}")


@router.post("", dependencies=[Depends(csrf.same_origin)])
async def answer_with_code(
    request: Request, door: CurrentDoor, party: PartyIfAny, key: AccountKey
) -> Response:
    typed, onward = await _typed(request)
    form = forms.check(typed, Answer, _SAID)
    try:
        if form.data is None:
            return await _page(request, door, party, onward, form)
        return _in(request, await service.complete(door, key, form.data), onward)
    except _REFUSALS as refusal:
        return await _again(request, door, party, onward, refusal)


@router.post("/passkey", dependencies=[Depends(csrf.same_origin)])
async def answer_with_passkey(request: Request, door: CurrentDoor, party: CurrentParty) -> Response:
    typed, onward = await _typed(request)
    data = forms.check(typed, PasskeyAnswerForm).data
    try:
        if data is None:
            raise WrongPasskey("your browser sent no passkey: try again")
        answer = PasskeyAnswer.model_construct(**dict(data))
        return _in(request, await service.complete_with_passkey(door, party, answer), onward)
    except _REFUSALS as refusal:
        return await _again(request, door, party, onward, refusal)


async def _typed(request: Request) -> tuple[dict[str, str], str]:
    """What the form holds, with what the cookie holds; and where to go on to."""
    typed = await forms.fields(request)
    onward = local(typed.pop("next", "/"))
    return {**typed, "challenge": request.cookies.get(CHALLENGE, "")}, onward


def _in(request: Request, ticket: Ticket, onward: str) -> Response:
    answer = let_in(request, ticket, onward)
    secure = request.url.scheme == "https"
    answer.delete_cookie(CHALLENGE, "/sign-in", secure=secure, httponly=True, samesite="lax")
    return answer


async def _again(
    request: Request, door: Door, party: RelyingParty | None, onward: str, refusal: AppError
) -> Response:
    said = sentence(refusal.message)
    form = Form(errors={refusal.field: said} if refusal.field else {"": said})
    try:
        return await _page(request, door, party, onward, form, refusal.status)
    except TokenWorthless as over:
        values: dict[str, object] = {"onward": onward, "step": None, "options": "", "errors": {}}
        return pages.bare(request, "second_factor", status=over.status, **values)


async def _page(
    request: Request,
    door: Door,
    party: RelyingParty | None,
    onward: str,
    form: Form | None = None,
    status: int = 422,
) -> Response:
    step = await service.step(door.sessions, request.cookies.get(CHALLENGE, ""), party)
    return pages.bare(
        request,
        "second_factor",
        status=status if form else 200,
        onward=onward,
        step=step,
        options=json.dumps(step.options) if step.options else "",
        errors=form.errors if form else {},
    )
