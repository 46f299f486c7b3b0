"""Screens of the settings: with which OAuth providers this workspace is registered."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.oauth import CALLBACK_PATH
from monster.dashboard.engine_client import EngineRefused
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.oauth_providers import schemas, service
from monster.dashboard.oauth_providers.schemas import HOME, Kind, Shown, body, refused
from monster.dashboard.permissions import Can
from monster.dashboard.systems.schemas import Asked
from monster.dashboard.web import forms, pages
from monster.dashboard.web.pages import Crumb, Setting
from monster.dashboard.web.problems import sentence
from monster.kit.schemas import Prose

router = APIRouter(prefix=HOME, tags=["pages"], default_response_class=HTMLResponse)

_SETTING = Setting("oauth-providers", "OAuth providers", HOME)
_OURS = frozenset({400, 409, 422})  # by which something in the form is meant

Words = Annotated[Prose, Query(max_length=200)]


@router.get("")
async def list_providers(
    request: Request, scope: CurrentScope, engine: CurrentEngine, q: Words = ""
) -> Response:
    values: dict[str, object] = {"providers": await service.page(engine, scope, q), "query": q}
    return _SETTING.listed(request, scope.shell, "oauth_providers", **values)


@router.get("/new")
async def new_provider(
    request: Request, scope: CurrentScope, engine: CurrentEngine, system: Words = ""
) -> Response:
    """Without a `system`, one chooses it first."""
    kinds = await service.kinds(engine, scope)
    chosen = next((kind for kind in kinds if kind.out.system_name == system), None)
    if chosen is None:
        return _SETTING.page(
            request, scope.shell, "oauth_provider_kinds", [Crumb("New")], kinds=kinds
        )
    return _form(request, scope, Asked({"name": chosen.out.name}), chosen)


@router.post("")
async def create_provider(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    scope.require(Can.CONNECT)
    typed = await forms.fields(request)
    kinds = await service.kinds(engine, scope)
    chosen = next((k for k in kinds if k.out.system_name == typed.get("system_name")), kinds[-1])
    try:
        made = await service.create(engine, scope, body(typed, is_new=True))
    except EngineRefused as error:
        return _form(request, scope, _again(typed, error), chosen)
    return pages.go(request, f"{HOME}/{made.id}", f"{made.name} can be used to connect.")


@router.get("/{oauth_provider_id}")
async def show_provider(
    request: Request, scope: CurrentScope, engine: CurrentEngine, oauth_provider_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, oauth_provider_id)
    return _form(request, scope, Asked(found.values), found.kind, found)


@router.post("/{oauth_provider_id}")
async def change_provider(
    request: Request, scope: CurrentScope, engine: CurrentEngine, oauth_provider_id: uuid.UUID
) -> Response:
    scope.require(Can.CONNECT)
    found = await service.get(engine, scope, oauth_provider_id)
    typed = await forms.fields(request)
    try:
        saved = await service.change(engine, scope, oauth_provider_id, body(typed, is_new=False))
    except EngineRefused as error:
        return _form(request, scope, _again(typed, error), found.kind, found)
    return pages.go(request, HOME, f"{saved.name} is saved.")


@router.get("/{oauth_provider_id}/delete")
async def ask_to_delete(
    request: Request, scope: CurrentScope, engine: CurrentEngine, oauth_provider_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, oauth_provider_id)
    return _delete(request, scope, found, "")


@router.post("/{oauth_provider_id}/delete")
async def delete_provider(
    request: Request, scope: CurrentScope, engine: CurrentEngine, oauth_provider_id: uuid.UUID
) -> Response:
    found = await service.get(engine, scope, oauth_provider_id)
    try:
        await service.delete(engine, scope, oauth_provider_id)
    except EngineRefused as error:
        if error.status != 409:
            raise
        return _delete(request, scope, found, sentence(error.message))
    return pages.go(request, HOME, f"{found.provider.name} is deleted.")


def _again(typed: dict[str, str], error: EngineRefused) -> Asked:
    if error.status not in _OURS:
        raise error
    return refused(typed, error.code, error.field, sentence(error.message))


def _delete(request: Request, scope: Scope, found: Shown, problem: str) -> Response:
    here = Crumb(found.provider.name, f"{HOME}/{found.provider.id}")
    return _SETTING.page(
        request,
        scope.shell,
        "oauth_provider_delete",
        [here, Crumb("Delete")],
        status=409 if problem else 200,
        it=found.provider,
        problem=problem,
    )


def _form(
    request: Request, scope: Scope, asked: Asked, kind: Kind | None, found: Shown | None = None
) -> Response:
    title = found.provider.name if found else "New registration"
    shown = {"name", "client_id", "client_secret", "scopes", "endpoints.client_auth"}
    shown |= {f"endpoints.{name}" for name, _, _ in schemas.ADDRESSES}
    return _SETTING.page(
        request,
        scope.shell,
        "oauth_provider",
        [Crumb(title)],
        status=422 if asked.errors else 200,
        title=title,
        kind=kind,
        it=found,
        values={"client_id": "", "scopes": "", **asked.values},
        errors=asked.errors,
        problem=next((said for name, said in asked.errors.items() if name not in shown), ""),
        addresses=schemas.ADDRESSES,
        client_auth=schemas.CLIENT_AUTH,
        redirect_uri=request.app.state.settings.public_url.rstrip("/") + CALLBACK_PATH,
    )
