"""Screens of the settings: MCP servers, what they offer, and what of it is accepted."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.oauth import CALLBACK_PATH
from monster.dashboard.engine_client import EngineRefused, HttpEngine
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.mcp_servers import schemas, service
from monster.dashboard.mcp_servers.schemas import ALLOWED, HOME, Server
from monster.dashboard.permissions import Can
from monster.dashboard.systems.schemas import Asked
from monster.dashboard.web import forms, pages
from monster.dashboard.web.pages import Crumb, Setting
from monster.dashboard.web.problems import sentence
from monster.kit.schemas import Prose

router = APIRouter(prefix=HOME, tags=["pages"], default_response_class=HTMLResponse)

_SETTING = Setting("mcp", "MCP servers", HOME)
_OURS = frozenset({400, 409, 422})  # by which something in the form is meant
_FAILED = 424  # the server did, not we

Words = Annotated[Prose, Query(max_length=200)]


@router.get("")
async def list_servers(
    request: Request, scope: CurrentScope, engine: CurrentEngine, q: Words = ""
) -> Response:
    values: dict[str, object] = {"servers": await service.page(engine, scope, q), "query": q}
    return _SETTING.listed(request, scope.shell, "mcp_servers", **values)


@router.get("/new")
async def new_server(request: Request, scope: CurrentScope) -> Response:
    scope.require(Can.CONNECT)
    return _new(request, scope, Asked())


@router.post("")
async def create_server(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    """It is asked what it offers at once, unless that takes a connection."""
    scope.require(Can.CONNECT)
    typed = await forms.fields(request)
    try:
        made = await service.create(engine, scope, schemas.create_body(typed))
    except EngineRefused as error:
        return _new(request, scope, _again(typed, error))
    if made.out.auth != "none":
        return pages.go(request, made.path, f"{made.out.name} is there. Connect it, then ask it.")
    return await _discover(request, scope, engine, made)


@router.get("/{mcp_server_id}")
async def show_server(
    request: Request, scope: CurrentScope, engine: CurrentEngine, mcp_server_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, mcp_server_id)
    return _one(request, scope, found, Asked(found.values))


@router.post("/{mcp_server_id}")
async def change_server(
    request: Request, scope: CurrentScope, engine: CurrentEngine, mcp_server_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, mcp_server_id)
    typed = await forms.fields(request)
    names = (await request.form()).getlist(ALLOWED)
    allowed = [name for name in names if isinstance(name, str)]
    try:
        body = schemas.change_body(found.out, typed, allowed, found.names)
        saved = await service.change(engine, scope, mcp_server_id, body)
    except EngineRefused as error:
        return _one(request, scope, found, _again(typed, error))
    return pages.go(request, found.path, f"{saved.out.name} is saved.")


@router.post("/{mcp_server_id}/discover")
async def discover(
    request: Request, scope: CurrentScope, engine: CurrentEngine, mcp_server_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, mcp_server_id)
    return await _discover(request, scope, engine, found)


async def _discover(request: Request, scope: Scope, engine: HttpEngine, server: Server) -> Response:
    """What does not work is said on its page, where one can change it."""
    try:
        asked = await service.discover(engine, scope, server.id)
    except EngineRefused as error:
        if error.status != _FAILED:
            raise
        wrong = Asked(server.values, {"": sentence(error.message)})
        now = await service.get(engine, scope, server.id)
        return _one(request, scope, now, wrong, status=_FAILED)
    said = "Look at what it offers." if asked.waits else "It offers what you know."
    return pages.go(request, server.path, said)


@router.post("/{mcp_server_id}/register")
async def register(
    request: Request, scope: CurrentScope, engine: CurrentEngine, mcp_server_id: uuid.UUID
) -> Response:
    """Then people can sign in to connect."""
    found = await service.get(engine, scope, mcp_server_id)
    address = request.app.state.settings.public_url.rstrip("/") + CALLBACK_PATH
    try:
        await service.register(engine, scope, mcp_server_id, address)
    except EngineRefused as error:
        if error.status not in (*_OURS, _FAILED):
            raise
        wrong = Asked(found.values, {"": sentence(error.message)})
        return _one(request, scope, found, wrong, status=error.status)
    return pages.go(request, found.path, "Monster is known there. Connect it now.")


@router.post("/{mcp_server_id}/accept")
async def accept(
    request: Request, scope: CurrentScope, engine: CurrentEngine, mcp_server_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, mcp_server_id)
    typed = await forms.fields(request)
    digest, effects = typed.get("digest", ""), schemas.effects(typed)
    try:
        await service.accept(engine, scope, mcp_server_id, digest, effects)
    except EngineRefused as error:
        if error.status not in _OURS:
            raise
        return _one(request, scope, found, Asked(found.values, {"": sentence(error.message)}))
    said = "Accepted. Publish the agents that use it once more."
    return pages.go(request, found.path, said)


@router.get("/{mcp_server_id}/delete")
async def ask_to_delete(
    request: Request, scope: CurrentScope, engine: CurrentEngine, mcp_server_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, mcp_server_id)
    crumbs = [Crumb(found.out.name, found.path), Crumb("Delete")]
    return _SETTING.page(request, scope.shell, "mcp_server_delete", crumbs, status=200, it=found)


@router.post("/{mcp_server_id}/delete")
async def delete_server(
    request: Request, scope: CurrentScope, engine: CurrentEngine, mcp_server_id: uuid.UUID
) -> Response:
    await service.get(engine, scope, mcp_server_id)
    await service.delete(engine, scope, mcp_server_id)
    return pages.go(request, HOME, "The server is deleted.")


def _again(typed: dict[str, str], error: EngineRefused) -> Asked:
    if error.status not in _OURS:
        raise error
    return schemas.refused(typed, error.code, error.field, sentence(error.message))


def _new(request: Request, scope: Scope, asked: Asked) -> Response:
    blank = dict.fromkeys(("name", "description", "url", "command", "args", "parameters"), "")
    values = {**blank, "transport": "streamable-http", "auth": "none", **asked.values}
    return _SETTING.page(
        request,
        scope.shell,
        "mcp_server_new",
        [Crumb("New")],
        status=422 if asked.errors else 200,
        values=values,
        errors={"headers": "", "environments": "", **asked.errors},
        problem=schemas.problem(asked),
        is_again=bool(asked.errors),
        auth=schemas.AUTH,
        may_start_programs=service.may_start_programs(scope),
    )


def _one(
    request: Request, scope: Scope, found: Server, asked: Asked, *, status: int = 422
) -> Response:
    """`status` is for when something is wrong."""
    return _SETTING.page(
        request,
        scope.shell,
        "mcp_server",
        [Crumb(found.out.name)],
        status=status if asked.errors else 200,
        it=found,
        values={**found.values, **asked.values},
        errors=asked.errors,
        problem=schemas.problem(asked),
        effects=schemas.EFFECTS,
        may_change_program=service.may_start_programs(scope) or not found.is_program,
    )
