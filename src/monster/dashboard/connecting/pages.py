"""Screens to connect a system: the gallery of all there are, and the form of one."""

import uuid
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.auth_config import BadValue, Strategy
from monster.contracts.credentials import CredentialOut
from monster.dashboard.connecting import schemas, service
from monster.dashboard.connecting.schemas import FIRST, Connect
from monster.dashboard.connections import service as connections
from monster.dashboard.connections.pages import own, wrong
from monster.dashboard.connections.schemas import onward, path, works
from monster.dashboard.engine_client import EngineRefused, HttpEngine
from monster.dashboard.grants import pages as grants
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope
from monster.dashboard.permissions import Can
from monster.dashboard.systems import service as systems
from monster.dashboard.systems.schemas import Asked, System, collect
from monster.dashboard.web import forms, pages
from monster.dashboard.web.pages import Crumb
from monster.kit.schemas import Prose

router = APIRouter(prefix="/connections", tags=["pages"], default_response_class=HTMLResponse)

_HOME = Crumb("Connections", "/connections")

Words = Annotated[Prose, Query(max_length=200)]
Back = Annotated[str, Query(max_length=2000)]


@router.get("/systems")
async def list_systems(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    q: Words = "",
    category: Words = "",
    back: Back = "",
) -> Response:
    every = await systems.every(engine, scope.caller)
    found = systems.chosen(every, q, category)
    values: dict[str, object] = {
        "query": q,
        "category": category,
        "back": own(back),
        "groups": [(name, [one for one in found if one.category == name])
                   for name in systems.categories(found)],
        "may_write": scope.may(Can.CONNECT),
        "path": schemas.path,
    }  # fmt: skip
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "systems", status=200, **values)
    return pages.page(
        request,
        scope.shell,
        "systems",
        section="connections",
        crumbs=[_HOME, Crumb("Systems")],
        status=200,
        categories=systems.categories(every),
        **values,
    )


@router.get("/new")
async def new_connection(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    factory: uuid.UUID | None = None,
    strategy: Words = "",
    back: Back = "",
) -> Response:
    scope.require(Can.CONNECT)
    if factory is None:
        return pages.go(request, FIRST)
    system = await systems.get(engine, scope.caller, factory)
    if not system.needs_connection:
        return _page(request, scope, "system", system)
    form = await _connect(engine, scope, system, _strategy(system, strategy), Asked(), own(back))
    return _form(request, scope, form)


@router.post("/new")
async def connect(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    factory: uuid.UUID,
    strategy: Words = "",
    back: Back = "",
) -> Response:
    scope.require(Can.CONNECT)
    system = await systems.get(engine, scope.caller, factory)
    chosen = _strategy(system, strategy)
    typed = await forms.fields(request)
    values, errors = collect(chosen.parameters, typed, await forms.files(request))
    form = await _connect(engine, scope, system, chosen, Asked(typed, errors), own(back))
    made, errors = None, form.unready | errors
    if not errors:
        made, errors = await _create(engine, scope, form.body(values))
    if made is None:
        return _form(request, scope, replace(form, asked=Asked(typed, errors)))
    return await _made(request, scope, engine, made, own(back))


async def _create(
    engine: HttpEngine, scope: Scope, body: dict[str, object]
) -> tuple[CredentialOut | None, dict[str, str]]:
    """What is wrong, by field, if nothing is made."""
    try:
        return await connections.create(engine, scope, body), {}
    except EngineRefused as refused:
        return None, wrong(refused)


async def _made(
    request: Request, scope: Scope, engine: HttpEngine, made: CredentialOut, back: str
) -> Response:
    """With OAuth the provider is asked next; anything else is tested at once."""
    if made.status == "pending":
        return await grants.lead_on(request, scope, engine, made, back)
    tested = await connections.test(engine, scope, made.id)
    if tested.status == "active":
        return pages.go(request, onward(back, made.id), works(tested))
    return pages.go(request, path(made.id, back))


def _strategy(system: System, name: str) -> Strategy:
    """The first if there is none of this name."""
    try:
        return system.auth.strategy(name or None)
    except BadValue:
        return system.auth.strategy(None)


async def _connect(
    engine: HttpEngine, scope: Scope, system: System, strategy: Strategy, asked: Asked, back: str
) -> Connect:
    found = await service.registrations(engine, scope.caller, system, strategy)
    return Connect(system, strategy, asked, back, found)


def _form(request: Request, scope: Scope, form: Connect) -> Response:
    status = 422 if form.asked.errors else 200
    if pages.is_partial(request):
        return pages.fragment(
            request, scope.shell, "connect_form", status=status, form=form, system=form.system
        )
    return _page(request, scope, "connect", form.system, status=status, form=form)


def _page(
    request: Request,
    scope: Scope,
    template: str,
    system: System,
    *,
    status: int = 200,
    **more: object,
) -> Response:
    return pages.page(
        request,
        scope.shell,
        template,
        section="connections",
        crumbs=[_HOME, Crumb("Systems", FIRST), Crumb(system.name)],
        status=status,
        system=system,
        **more,
    )
