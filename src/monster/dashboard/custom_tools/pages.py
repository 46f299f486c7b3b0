"""Screens of the settings: tools that a workspace describes itself, or takes from a document."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.custom_tools import FunctionTried, OpenApiPreview
from monster.contracts.tools import ToolFactoryOut
from monster.dashboard.custom_tools import schemas, service
from monster.dashboard.custom_tools.errors import BadArguments
from monster.dashboard.custom_tools.schemas import HOME
from monster.dashboard.engine_client import EngineRefused
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.permissions import Can
from monster.dashboard.systems.schemas import Asked
from monster.dashboard.web import forms, pages
from monster.dashboard.web.pages import Crumb, Setting
from monster.dashboard.web.problems import sentence
from monster.kit.limits import takes_files
from monster.kit.schemas import Prose

router = APIRouter(prefix=HOME, tags=["pages"], default_response_class=HTMLResponse)

_SETTING = Setting("custom-tools", "Custom tools", HOME)
_OURS = frozenset({400, 404, 409, 413, 422, 424})  # by which something in the form is meant

Words = Annotated[Prose, Query(max_length=200)]


@router.get("")
async def list_tools(
    request: Request, scope: CurrentScope, engine: CurrentEngine, q: Words = ""
) -> Response:
    values: dict[str, object] = {"tools": await service.page(engine, scope, q), "query": q}
    return _SETTING.listed(request, scope.shell, "custom_tools", **values)


@router.get("/new")
async def new_tool(request: Request, scope: CurrentScope) -> Response:
    scope.require(Can.CONNECT)
    return _form(request, scope, None, Asked())


@router.post("")
async def create_tool(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    scope.require(Can.CONNECT)
    typed = await forms.fields(request)
    try:
        made = await service.create(engine, scope, schemas.tool_body(typed))
    except EngineRefused as error:
        return _form(request, scope, None, _again(typed, error))
    return pages.go(request, f"{HOME}/{made.id}", f"{made.name} can be attached to agents.")


@router.get("/import")
async def ask_for_document(request: Request, scope: CurrentScope) -> Response:
    scope.require(Can.CONNECT)
    return _import(request, scope, None, Asked())


@router.post("/import")
@takes_files
async def import_document(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    """First the document, then its operations: until some are chosen, they are shown."""
    scope.require(Can.CONNECT)
    typed, chosen = await forms.fields(request), (await request.form()).getlist("operations")
    file = (await forms.files(request)).get("file", "")
    typed |= {"document": file} if file else {}
    source = {name: typed.get(name, "").strip() for name in ("document", "url")}
    preview = None
    try:
        preview = await service.preview(engine, scope, source)
        if "name" not in typed:
            return _import(request, scope, preview, Asked(typed | {"name": preview.name}))
        wanted = {name: typed.get(name, "") for name in ("name", "base_url")}
        body = {**source, **wanted, "operations": chosen}
        made = await service.take_over(engine, scope, body)
    except EngineRefused as error:
        return _import(request, scope, preview, _again(typed, error))
    return pages.go(request, f"{HOME}/{made.id}", f"{made.name} can be attached to agents.")


@router.get("/{tool_factory_id}")
async def show_tool(
    request: Request, scope: CurrentScope, engine: CurrentEngine, tool_factory_id: uuid.UUID
) -> Response:
    tool = await service.get(engine, scope, tool_factory_id)
    return _form(request, scope, tool, Asked())


@router.post("/{tool_factory_id}")
async def add_function(
    request: Request, scope: CurrentScope, engine: CurrentEngine, tool_factory_id: uuid.UUID
) -> Response:
    """One more; of the same name, in place of the one before."""
    tool = await service.get(engine, scope, tool_factory_id)
    typed = await forms.fields(request)
    new = schemas.function_body(typed)
    kept = [one for one in schemas.functions(tool) if one["name"] != new["name"]]
    try:
        await service.change(engine, scope, tool.id, {"functions": [new, *kept]})
    except EngineRefused as error:
        return _form(request, scope, tool, _again(typed, error))
    return pages.go(request, f"{HOME}/{tool.id}", "The function is saved.")


@router.post("/{tool_factory_id}/try")
async def try_function(
    request: Request, scope: CurrentScope, engine: CurrentEngine, tool_factory_id: uuid.UUID
) -> Response:
    """What came of it is shown once, and kept nowhere."""
    tool = await service.get(engine, scope, tool_factory_id)
    typed = await forms.fields(request)
    try:
        body = schemas.try_body(typed)
        tried = await service.attempt(engine, scope, tool.id, body)
    except (BadArguments, EngineRefused) as error:
        if isinstance(error, EngineRefused) and error.status not in _OURS:
            raise
        return _form(request, scope, tool, Asked(typed, {"arguments": sentence(error.message)}))
    return _form(request, scope, tool, Asked(typed), tried)


@router.get("/{tool_factory_id}/delete")
async def ask_to_delete(
    request: Request, scope: CurrentScope, engine: CurrentEngine, tool_factory_id: uuid.UUID
) -> Response:
    tool = await service.get(engine, scope, tool_factory_id)
    crumbs = [Crumb(tool.name, f"{HOME}/{tool.id}"), Crumb("Delete")]
    return _SETTING.page(request, scope.shell, "custom_tool_delete", crumbs, status=200, tool=tool)


@router.post("/{tool_factory_id}/delete")
async def delete_tool(
    request: Request, scope: CurrentScope, engine: CurrentEngine, tool_factory_id: uuid.UUID
) -> Response:
    tool = await service.get(engine, scope, tool_factory_id)
    await service.delete(engine, scope, tool.id)
    return pages.go(request, HOME, f"{tool.name} is deleted.")


def _again(typed: dict[str, str], error: EngineRefused) -> Asked:
    if error.status not in _OURS:
        raise error
    return schemas.refused(typed, error.code, error.field, sentence(error.message))


def _form(
    request: Request,
    scope: Scope,
    tool: ToolFactoryOut | None,
    asked: Asked,
    tried: FunctionTried | None = None,
) -> Response:
    shown = {"name", "base_url", "auth_name", "function", "says", "path", "result", "arguments"}
    return _SETTING.page(
        request,
        scope.shell,
        "custom_tool" if tool else "custom_tool_new",
        [Crumb(tool.name if tool else "New")],
        status=422 if asked.errors else 200,
        tool=tool,
        values=asked.values,
        errors=asked.errors,
        problem=next((said for name, said in asked.errors.items() if name not in shown), ""),
        say=schemas,
        tried=tried,
    )


def _import(
    request: Request, scope: Scope, preview: OpenApiPreview | None, asked: Asked
) -> Response:
    shown = {"document", "url", "name", "base_url", "operations"}
    return _SETTING.page(
        request,
        scope.shell,
        "custom_tool_import",
        [Crumb("From OpenAPI")],
        status=422 if asked.errors else 200,
        preview=preview,
        values=asked.values,
        errors={"operations": "", **asked.errors},
        problem=next((said for name, said in asked.errors.items() if name not in shown), ""),
    )
