"""Screens about connections: what agents may reach, and as whom."""

import uuid
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.credentials import ModelSystem
from monster.dashboard.connections import service
from monster.dashboard.connections.schemas import SYSTEMS, ConnectForm, Connection, System
from monster.dashboard.engine_client import EngineRefused
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope
from monster.dashboard.permissions import Can
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence

router = APIRouter(prefix="/connections", tags=["pages"], default_response_class=HTMLResponse)

_HOME = Crumb("Connections", "/connections")
_FIELDS = {"name": "name", "base_url": "base_url", "api_key": "api_key"}
_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "base_url": "Enter a whole address, such as https://api.openai.com/v1.",
    "api_key": "Paste the key as the provider shows it.",
}


@router.get("")
async def list_connections(
    request: Request, scope: CurrentScope, engine: CurrentEngine
) -> Response:
    return pages.page(
        request,
        scope.shell,
        "connections",
        section="connections",
        crumbs=[Crumb("Connections")],
        connections=await service.connections(engine, scope.caller),
        systems=SYSTEMS.values(),
        may_write=scope.may(Can.CONNECT),
        user_id=scope.user_id,
    )


@router.get("/new")
async def new_connection(
    request: Request, scope: CurrentScope, system: ModelSystem = "openai"
) -> Response:
    scope.require(Can.CONNECT)
    chosen = SYSTEMS[system]
    return _form(request, scope, chosen, ConnectForm(name=chosen.name), {})


def _form(
    request: Request,
    scope: CurrentScope,
    system: System,
    form: ConnectForm,
    errors: Mapping[str, str],
) -> Response:
    status = 422 if errors else 200
    values = {"system": system, "systems": SYSTEMS.values(), "form": form, "errors": errors}
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "connect_form", status=status, **values)
    return pages.page(
        request,
        scope.shell,
        "connect",
        section="connections",
        crumbs=[_HOME, Crumb("Connect a model")],
        status=status,
        **values,
    )


@router.post("/new")
async def connect(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    form: Annotated[ConnectForm, Form()],
    system: ModelSystem = "openai",
) -> Response:
    scope.require(Can.CONNECT)
    chosen = SYSTEMS[system]
    try:
        made = await service.connect(engine, scope.caller, chosen, form)
    except EngineRefused as refused:
        field = _FIELDS.get((refused.field or "").removeprefix("values."))
        if field is None:
            raise
        hint = _HINTS[field] if refused.code == "invalid" else sentence(refused.message)
        return _form(request, scope, chosen, form, {field: hint})
    return pages.go(request, "/connections", _result(made))


def _result(connection: Connection) -> str:
    """For a toast; when it does not work, the list itself says so, and why."""
    works = connection.credential.status == "active"
    return f"{connection.credential.name} works." if works else ""


@router.post("/{credential_id}/test")
async def test_connection(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, engine: CurrentEngine
) -> Response:
    tested = await service.test(engine, scope.caller, credential_id)
    return pages.go(request, "/connections", _result(tested))


@router.post("/{credential_id}/delete")
async def delete_connection(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, engine: CurrentEngine
) -> Response:
    await service.delete(engine, scope.caller, credential_id)
    return pages.go(request, "/connections", "The connection is deleted.")
