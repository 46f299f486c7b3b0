"""Where the link of an invitation leads."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.identity.errors import EmailTaken, TokenWorthless
from monster.dashboard.identity.pages import let_in
from monster.dashboard.identity.schemas import Typed
from monster.dashboard.identity.scope import (
    CurrentPerson,
    PersonTransaction,
    device,
    same_origin,
)
from monster.dashboard.invitations import service
from monster.dashboard.invitations.schemas import Accept, Join
from monster.dashboard.invitations.scope import LinkTransaction, Visitor
from monster.dashboard.web import forms, pages

router = APIRouter(
    prefix="/invitations/accept", tags=["pages"], default_response_class=HTMLResponse
)

_SAID = {
    "name": "How shall others call you? Up to 200 characters.",
    "password": "At least 10 characters.",
}


@router.get("")
async def show_invitation(
    request: Request,
    session: LinkTransaction,
    visitor: Visitor,
    token: Annotated[Typed, Query()],
) -> Response:
    """Uses nothing up: programs that look at mails follow links, too."""
    try:
        promised = await service.offer(session, token)
    except TokenWorthless as worthless:
        return pages.bare(request, "invitation_gone", status=worthless.status)
    here = f"/invitations/accept?{urlencode({'token': token})}"
    return pages.bare(
        request,
        "invitation",
        offer=promised,
        visitor=visitor,
        is_theirs=visitor is not None and visitor.user_email.lower() == promised.email.lower(),
        token=token,
        onward=f"/sign-in?{urlencode({'next': here})}",
        values={"name": ""},
        errors={},
    )


@router.post("", dependencies=[Depends(same_origin)])
async def make_account(request: Request, session: LinkTransaction) -> Response:
    state, typed = request.app.state, await forms.fields(request)
    form = forms.check(typed, Accept, _SAID)
    token = typed.get("token", "")
    if form.data is None:
        return await _again(request, session, typed, form.errors)
    try:
        ticket = await service.accept(state.sessions, form.data, device(request), state.lifetime)
    except EmailTaken:  # meanwhile: the page says how to go on
        return pages.go(request, f"/invitations/accept?{urlencode({'token': token})}")
    except TokenWorthless as worthless:
        return pages.bare(request, "invitation_gone", status=worthless.status)
    return let_in(request, ticket, "/", "Welcome. You are in.")


@router.post("/join")
async def join_workspace(
    request: Request, person: CurrentPerson, session: PersonTransaction
) -> Response:
    form = await forms.read(request, Join)
    promised = await service.join(session, person, form.data.token if form.data else "")
    return pages.go(request, "/", f"You work in {promised.tenant_name} now.")


async def _again(
    request: Request,
    session: LinkTransaction,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
) -> Response:
    try:
        promised = await service.offer(session, typed.get("token", ""))
    except TokenWorthless as worthless:
        return pages.bare(request, "invitation_gone", status=worthless.status)
    return pages.bare(
        request,
        "invitation",
        status=422,
        offer=promised,
        visitor=None,
        is_theirs=False,
        token=typed.get("token", ""),
        onward="/sign-in",
        values={"name": typed.get("name", "")},
        errors=errors,
    )
