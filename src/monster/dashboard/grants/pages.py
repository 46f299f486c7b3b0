"""Screens of OAuth: off to the provider, back from it, and codes for devices without a browser."""

import uuid
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from monster.contracts.credentials import CredentialOut
from monster.contracts.oauth import CALLBACK_PATH, Callback
from monster.dashboard.connections import service as connections
from monster.dashboard.connections.pages import own
from monster.dashboard.connections.schemas import HOME, onward, path, works
from monster.dashboard.engine_client import EngineRefused, HttpEngine
from monster.dashboard.grants import service
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.permissions import Can
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence

router = APIRouter(prefix=HOME, tags=["pages"], default_response_class=HTMLResponse)

_WHERE = "monster_grant"  # the cookie that knows which connection it was about, and where to go on
_MINUTES = 15
_HOME = Crumb("Connections", HOME)

Back = Annotated[str, Query(max_length=2000)]


@router.post("/{credential_id}/authorize")
async def authorize(
    credential_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    back: Back = "",
) -> Response:
    scope.require(Can.CONNECT)
    found = await connections.credential(engine, scope.caller, credential_id)
    return await lead_on(request, scope, engine, found, own(back))


async def lead_on(
    request: Request, scope: Scope, engine: HttpEngine, found: CredentialOut, back: str
) -> Response:
    """Sends the person to the provider, or to the page of the connection if that cannot be."""
    address = request.app.state.settings.public_url.rstrip("/") + CALLBACK_PATH
    try:
        url = await service.authorize(engine, scope, found.id, address)
    except EngineRefused as refused:
        if pages.is_htmx(request):  # from a form that has done its part: there one can try again
            return pages.go(request, path(found.id, back))
        why = sentence(refused.message)
        return _failed(request, scope, why, refused.status, found.id)
    if pages.is_htmx(request):
        answer: Response = HTMLResponse(headers={"HX-Redirect": url})
    else:  # no redirect: the content security policy keeps forms from leading elsewhere
        answer = _page(request, scope, "leave", found.name, url=url, name=found.name)
    _remember(request, answer, f"{found.id} {back}")
    return answer


def _remember(request: Request, answer: Response, where: str) -> None:
    answer.set_cookie(
        _WHERE,
        quote(where),
        max_age=_MINUTES * 60,
        path=CALLBACK_PATH,
        httponly=True,
        samesite="lax",  # the provider leads here from elsewhere
        secure=request.url.scheme == "https",
    )


@router.get("/oauth/callback")
async def come_back(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    """What the provider answers, in the query; each answer counts once."""
    began, back = _remembered(request)
    try:
        said = Callback.model_validate(_said(request))
        found = await service.redeem(engine, scope, said)
    except ValidationError:
        return _failed(request, scope, "This is no answer of a provider.", 422, began)
    except EngineRefused as refused:
        return _failed(request, scope, sentence(refused.message), refused.status, began)
    answer = pages.go(request, onward(own(back), found.id), works(found))
    answer.delete_cookie(_WHERE, path=CALLBACK_PATH)
    return answer


def _remembered(request: Request) -> tuple[uuid.UUID | None, str]:
    began, _, back = unquote(request.cookies.get(_WHERE, "")).partition(" ")
    try:
        return uuid.UUID(began), back
    except ValueError:
        return None, ""


def _said(request: Request) -> dict[str, str]:
    """Providers add parameters of their own."""
    query = request.query_params
    return {name: query[name] for name in Callback.model_fields if query.get(name)}


def _failed(
    request: Request, scope: Scope, why: str, status: int, began: uuid.UUID | None
) -> Response:
    """`began` is the connection that it was about, if that is known."""
    where = path(began) if began else HOME
    return _page(request, scope, "grant_failed", "Not connected", status, why=why, where=where)


@router.post("/{credential_id}/device")
async def begin_device(
    credential_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    back: Back = "",
) -> Response:
    """The page waits, and goes on by itself once the person has agreed elsewhere."""
    scope.require(Can.CONNECT)
    found = await connections.credential(engine, scope.caller, credential_id)
    code = await service.begin_device(engine, scope, credential_id)
    waiting = f"{path(credential_id)}/device/poll?{_asked(own(back))}"
    return _page(
        request,
        scope,
        "device",
        found.name,
        device=code,
        wait=max(code.interval, 2),  # seconds
        name=found.name,
        waiting=waiting,
        go_on=path(found.id, own(back)),
    )


@router.post("/{credential_id}/device/poll")
async def poll_device(
    credential_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    back: Back = "",
) -> Response:
    """For the page that waits: nothing, until there is an answer."""
    try:
        if not await service.has_agreed(engine, scope, credential_id):
            return Response(status_code=204)
    except EngineRefused as refused:  # the code has ended, or the person said no
        return _failed(request, scope, sentence(refused.message), refused.status, credential_id)
    found = await connections.credential(engine, scope.caller, credential_id)
    return pages.go(request, onward(own(back), credential_id), works(found))


def _asked(back: str) -> str:
    return f"back={quote(back, safe='/')}" if back else ""


def _page(
    request: Request, scope: Scope, template: str, title: str, status: int = 200, **more: object
) -> Response:
    return pages.page(
        request,
        scope.shell,
        template,
        section="connections",
        crumbs=[_HOME, Crumb(title)],
        status=status,
        **more,
    )
