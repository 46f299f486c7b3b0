"""Screens about API keys: the list, a new one, its limits, its end."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.api_keys import ApiKeyMade, ApiKeyOut
from monster.dashboard.engine_client import EngineRefused
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.keys import schemas, service
from monster.dashboard.keys.errors import NoSuchContact
from monster.dashboard.keys.schemas import KeyForm, KeyLimits, Shown
from monster.dashboard.permissions import Can
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import CSRF, Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence
from monster.kit.schemas import Prose

router = APIRouter(prefix="/settings/api-keys", tags=["pages"], default_response_class=HTMLResponse)

_SETTINGS = Crumb("Settings", "/settings")
_KEYS = Crumb("API keys", "/settings/api-keys")
_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "permissions": "Choose at least one thing that it may do.",
    "agent_ids": "Choose agents from the list.",
    "requests_per_minute": "A whole number from 1 to 100,000, or nothing.",
    "budget_tokens": "A whole number of tokens from 1 on, or nothing.",
    "contact": "At most 500 characters.",
    "expires": "Choose one of these.",
}
_MANY = ("permissions", "agent_ids")
_BLANK = {"name": "", "requests_per_minute": "", "budget_tokens": "", "contact": ""}


@router.get("")
async def list_api_keys(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
) -> Response:
    listed = await service.page(engine, request.app.state.sessions, scope, q, after)
    values: dict[str, object] = {"listed": listed, "query": q, "after": after}
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "api_keys", status=200, **values)
    return _page(request, scope, "api_keys", Crumb("API keys"), status=200, **values)


@router.get("/new")
async def new_api_key(request: Request, scope: CurrentScope) -> Response:
    scope.require(Can.API_KEYS)
    return await _form(request, scope, Form({"permissions": list(schemas.USUAL)}))  # pyright: ignore[reportArgumentType]


@router.post("")
async def create_api_key(request: Request, scope: CurrentScope, engine: CurrentEngine) -> Response:
    """The answer is the only page that ever shows the key: no address leads back to it."""
    scope.require(Can.API_KEYS)
    form = forms.check(await _sent(request), KeyForm, _HINTS)
    if form.data is None:
        return await _form(request, scope, form, status=422)
    try:
        made = await service.make(engine, scope, form.data)
    except (EngineRefused, NoSuchContact) as refused:
        wrong = {(refused.field or "name").partition(".")[0]: sentence(refused.message)}
        return await _form(request, scope, Form(form.values, wrong), status=refused.status)
    return await _made(request, scope, made)


async def _made(request: Request, scope: Scope, made: ApiKeyMade) -> Response:
    address = request.app.state.settings.engine_url.rstrip("/")
    reached = made.agent_ids
    if not reached:
        reached = [one.id for one in await service.choices(request.app.state.sessions, scope)]
    agent_id = reached[0] if reached else None
    example = schemas.example(address, made.key, made.permissions, agent_id)
    crumb = Crumb(made.name)
    return _page(request, scope, "api_key_made", _KEYS, crumb, made=made, example=example)


@router.get("/{key_id}")
async def show_api_key(
    request: Request, scope: CurrentScope, engine: CurrentEngine, key_id: uuid.UUID
) -> Response:
    key = await service.key(engine, scope, key_id)
    values = key.model_dump(mode="json")
    for name in ("requests_per_minute", "budget_tokens"):
        values[name] = "" if values[name] is None else str(values[name])
    return await _form(request, scope, Form(values), key)


@router.post("/{key_id}")
async def change_api_key(
    request: Request, scope: CurrentScope, engine: CurrentEngine, key_id: uuid.UUID
) -> Response:
    key = await service.key(engine, scope, key_id)
    form = forms.check(await _sent(request), KeyLimits, _HINTS)
    if form.data is None:
        return await _form(request, scope, form, key, status=422)
    try:
        await service.change(engine, scope, key_id, form.data.change)
    except EngineRefused as refused:
        wrong = {(refused.field or "name").partition(".")[0]: sentence(refused.message)}
        return await _form(request, scope, Form(form.values, wrong), key, status=refused.status)
    return pages.go(request, _KEYS.href, f"{form.data.name} is changed.")


@router.get("/{key_id}/revoke")
async def ask_to_revoke(
    request: Request, scope: CurrentScope, engine: CurrentEngine, key_id: uuid.UUID
) -> Response:
    """The dialog as a page, for browsers without scripts."""
    key = await service.key(engine, scope, key_id)
    return _page(request, scope, "api_key_revoke", _KEYS, Crumb(key.name), key=key)


@router.post("/{key_id}/revoke")
async def revoke_api_key(
    request: Request, scope: CurrentScope, engine: CurrentEngine, key_id: uuid.UUID
) -> Response:
    await service.revoke(engine, scope, key_id)
    return pages.go(request, _KEYS.href, "The key is revoked.")


async def _sent(request: Request) -> dict[str, object]:
    sent = await request.form()
    one = {name: text for name, text in sent.items() if name not in {CSRF, *_MANY}}
    return {**one, **{name: sent.getlist(name) for name in _MANY if name in sent}}


async def _form(
    request: Request, scope: Scope, form: Form, key: ApiKeyOut | None = None, status: int = 200
) -> Response:
    return _page(
        request,
        scope,
        "api_key",
        _KEYS,
        Crumb(key.name if key else "New key"),
        status=status,
        key=Shown(key, "") if key else None,
        values={**_BLANK, "permissions": [], "agent_ids": [], "expires": "never", **form.values},
        errors={**dict.fromkeys(_MANY, ""), **form.errors},
        words=schemas.WORDS,
        lifetimes=schemas.LIFETIMES,
        agents=await service.choices(request.app.state.sessions, scope),
    )


def _page(
    request: Request, scope: Scope, template: str, *crumbs: Crumb, status: int = 200, **more: object
) -> Response:
    return pages.page(
        request,
        scope.shell,
        template,
        section="settings",
        crumbs=[_SETTINGS, *crumbs],
        status=status,
        at="api-keys",
        **more,
    )
