"""Screens about connections: what agents may reach, and as whom."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.connections import service
from monster.dashboard.connections.schemas import HOME, Connection, Filter, onward, path, works
from monster.dashboard.engine_client import EngineRefused, HttpEngine
from monster.dashboard.identity.pages import local
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.permissions import Can
from monster.dashboard.systems.schemas import Asked, collect, refusal
from monster.dashboard.web import forms, pages
from monster.dashboard.web.pages import Crumb

router = APIRouter(prefix=HOME, tags=["pages"], default_response_class=HTMLResponse)

_HOME = Crumb("Connections", HOME)
_NAME = {"name": "Give it a name of up to 200 characters."}
_REFUSED = frozenset({400, 409, 422})  # by which something in the form is meant

Back = Annotated[str, Query(max_length=2000)]


@router.get("")
async def list_connections(
    request: Request, scope: CurrentScope, engine: CurrentEngine, chosen: Annotated[Filter, Query()]
) -> Response:
    values: dict[str, object] = {
        "listed": await service.page(engine, request.app.state.sessions, scope, chosen),
        "chosen": chosen,
        "may_write": scope.may(Can.CONNECT),
        "user_id": scope.user_id,
    }
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "connections", status=200, **values)
    return pages.page(
        request,
        scope.shell,
        "connections",
        section="connections",
        crumbs=[Crumb("Connections")],
        status=200,
        **values,
    )


@router.get("/{credential_id}")
async def show_connection(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    credential_id: uuid.UUID,
    back: Back = "",
) -> Response:
    found = await service.get(engine, request.app.state.sessions, scope, credential_id)
    return _page(request, scope, found, Asked(), back)


@router.post("/{credential_id}")
async def change_connection(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    credential_id: uuid.UUID,
    back: Back = "",
) -> Response:
    """New values are tested at once."""
    scope.require(Can.CONNECT)
    found = await service.get(engine, request.app.state.sessions, scope, credential_id)
    typed = await forms.fields(request)
    values, errors = collect(found.parameters, typed, await forms.files(request), found.known)
    body = found.changes(typed, values)
    try:
        changed = None if errors else await service.change(engine, scope, credential_id, body)
    except EngineRefused as refused:
        changed, errors = None, wrong(refused)
    if changed is None:
        return _page(request, scope, found, Asked(typed, errors), back)
    if "values" not in body or changed.status == "pending":
        return pages.go(request, path(credential_id, own(back)), f"{changed.name} is saved.")
    return await _test(request, scope, engine, credential_id, back)


def own(back: str) -> str:
    """A path of ours, or nothing."""
    return local(back) if back else ""


def wrong(refused: EngineRefused) -> dict[str, str]:
    """By field; raises again what the form is not to blame for."""
    if refused.status not in _REFUSED:
        raise refused
    if refused.code == "invalid" and refused.field == "name":
        return _NAME
    return refusal(refused.field, refused.message)


@router.post("/{credential_id}/test")
async def look_again(
    credential_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    back: Back = "",
) -> Response:
    return await _test(request, scope, engine, credential_id, back)


async def _test(
    request: Request, scope: Scope, engine: HttpEngine, credential_id: uuid.UUID, back: str
) -> Response:
    """What does not work says so, and why, on its page."""
    tested = await service.test(engine, scope, credential_id)
    if tested.status == "active":
        return pages.go(request, onward(own(back), credential_id), works(tested))
    return pages.go(request, path(credential_id, own(back)))


@router.get("/{credential_id}/delete")
async def ask_to_delete(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, engine: CurrentEngine
) -> Response:
    """The dialog as a page, for browsers without scripts."""
    scope.require(Can.CONNECT)
    found = await service.get(engine, request.app.state.sessions, scope, credential_id)
    here = Crumb(found.credential.name, path(credential_id))
    return pages.page(
        request,
        scope.shell,
        "connection_delete",
        section="connections",
        crumbs=[_HOME, here, Crumb("Delete")],
        it=found,
    )


@router.post("/{credential_id}/delete")
async def delete_connection(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, engine: CurrentEngine
) -> Response:
    await service.delete(engine, scope, credential_id)
    return pages.go(request, HOME, "The connection is deleted.")


def _page(request: Request, scope: Scope, found: Connection, asked: Asked, back: str) -> Response:
    mine = found.credential.user_id == scope.user_id
    status = 422 if asked.errors else 200
    values: dict[str, object] = {
        "it": found,
        "asked": asked,
        "parts": found.parts(asked),
        "back": own(back),
        "may_write": scope.may(Can.CONNECT),
        "mine": mine,
    }
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "connection_form", status=status, **values)
    return pages.page(
        request,
        scope.shell,
        "connection",
        section="connections",
        crumbs=[_HOME, Crumb(found.credential.name)],
        status=status,
        **values,
    )
