"""Screens: choose a workspace, and the settings of the one that was chosen."""

import uuid

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.scope import (
    CurrentPerson,
    CurrentScope,
    Person,
    PersonTransaction,
    Scope,
    Transaction,
)
from monster.dashboard.invitations import service as invitations
from monster.dashboard.members import service as members
from monster.dashboard.permissions import Can
from monster.dashboard.tenancy import service
from monster.dashboard.tenancy.errors import FactorFirst
from monster.dashboard.tenancy.schemas import SettingsChanges, WorkspaceCreate
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)

_SAID = {
    "name": "Give it a name of up to 200 characters.",
    "email": "Write it like name@company.com.",
    "slug": "Small letters, digits and hyphens, such as acme-europe.",
}
_TAKEN = {"slug": "Another workspace has this short name."}


@router.get("/workspaces")
async def choose_workspace(
    request: Request, person: CurrentPerson, session: PersonTransaction
) -> Response:
    return await _choose(request, person, session, Form())


@router.post("/workspaces")
async def create_workspace(
    request: Request, person: CurrentPerson, session: PersonTransaction
) -> Response:
    form = await forms.read(request, WorkspaceCreate, _SAID)
    if form.data is None:
        return await _choose(request, person, session, form)
    made = await service.create(session, person, form.data)
    return pages.go(request, "/", f"{made.name} is there, and you own it.")


@router.post("/workspaces/invitations/{invitation_id}")
async def take_up_invitation(
    request: Request, person: CurrentPerson, session: PersonTransaction, invitation_id: uuid.UUID
) -> Response:
    await invitations.take_up(session, person, invitation_id)
    return pages.go(request, "/", "Welcome. You are in.")


@router.post("/workspaces/{tenant_id}/enter")
async def enter_workspace(
    request: Request, person: CurrentPerson, session: PersonTransaction, tenant_id: uuid.UUID
) -> Response:
    entered = await service.enter(session, person, tenant_id)
    return pages.go(request, "/", f"You work in {entered.name} now.")


@router.get("/settings/workspace")
async def show_settings(request: Request, scope: CurrentScope, session: Transaction) -> Response:
    return await _settings(request, scope, session, Form())


@router.post("/settings/workspace")
async def save_settings(request: Request, scope: CurrentScope, session: Transaction) -> Response:
    scope.require(Can.SETTINGS)
    typed = await forms.fields(request)
    demanded = typed.pop("require_second_factor", "") == "on"
    form = forms.check(typed | {"require_second_factor": demanded}, SettingsChanges, _SAID)
    if form.data is None:
        return await _settings(request, scope, session, Form(typed, form.errors))
    if await service.slug_is_taken(session, scope, form.data.slug):
        return await _settings(request, scope, session, Form(typed, _TAKEN))
    try:
        await service.change(session, scope, form.data)
    except FactorFirst as first:
        wrong = {"require_second_factor": sentence(first.message)}
        return await _settings(request, scope, session, Form(typed, wrong))
    return pages.go(request, "/settings/workspace", "Saved.")


async def _choose(request: Request, person: Person, session: AsyncSession, form: Form) -> Response:
    who = person.identity
    return pages.bare(
        request,
        "workspaces",
        status=422 if form.errors else 200,
        shell=person.shell,
        workspaces=await service.mine(session, person),
        waiting=await invitations.waiting(session, person),
        here=who.tenant_id,
        may_move=not (who.identity_provider_id or who.impersonator_id),
        values={"name": form.values.get("name", "")},
        errors=form.errors,
        problem="",
    )


async def _settings(request: Request, scope: Scope, session: AsyncSession, form: Form) -> Response:
    stored = await service.settings(session, scope)
    owns = scope.may(Can.DELETE)
    return pages.page(
        request,
        scope.shell,
        "workspace",
        section="settings",
        crumbs=[Crumb("Settings", "/settings"), Crumb("General")],
        status=422 if form.errors else 200,
        at="workspace",
        stored=stored,
        values=stored.model_dump() | dict(form.values),
        errors=form.errors,
        may_write=scope.may(Can.SETTINGS),
        owns=owns,
        losses=await members.losses(session, scope) if owns else [],
    )
