"""Screens about folders: a new one, and one to rename, move, share or delete. The list of agents
shows them all."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.folders import service
from monster.dashboard.folders.errors import FolderInUse, FolderNameTaken, FolderTooDeep
from monster.dashboard.folders.schemas import (
    ChosenFolder,
    FolderChanges,
    FolderCreate,
    FolderForm,
)
from monster.dashboard.identity.scope import Begin, CurrentScope, Scope, Transaction
from monster.dashboard.permissions import Can
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence

router = APIRouter(prefix="/folders", tags=["pages"], default_response_class=HTMLResponse)

_AGENTS = Crumb("Agents", "/agents")
_SAID = {"name": "Give it a name of up to 200 characters.", "parent_id": "There is no such folder."}
_BLANK = {"name": "", "parent_id": "", "scope": "shared"}
_Refused = (FolderInUse, FolderNameTaken, FolderTooDeep)


@router.get("/new")
async def new_folder(
    request: Request,
    scope: CurrentScope,
    begin: Begin,
    parent: Annotated[ChosenFolder, Query()] = None,
) -> Response:
    """The dialog as a page, for browsers without scripts."""
    scope.require(Can.BUILD)
    return await _new(request, scope, begin, Form({"parent_id": str(parent or "")}))


@router.post("")
async def create_folder(request: Request, scope: CurrentScope, begin: Begin) -> Response:
    scope.require(Can.BUILD)
    form = await forms.read(request, FolderForm, _SAID)
    if form.data is None:
        return await _new(request, scope, begin, form)
    try:
        async with begin() as session:
            wanted = FolderCreate(**form.data.model_dump())
            folder = await service.create(session, scope, wanted)
    except _Refused as refused:
        return await _new(request, scope, begin, Form(form.values, _wrong(refused)))
    return pages.go(request, f"/agents?folder={folder.id}", f"{folder.name} is there.")


@router.get("/{folder_id}")
async def show_folder(
    request: Request, scope: CurrentScope, begin: Begin, folder_id: uuid.UUID
) -> Response:
    scope.require(Can.BUILD)
    return await _one(request, scope, begin, folder_id, Form())


@router.post("/{folder_id}")
async def change_folder(
    request: Request, scope: CurrentScope, begin: Begin, folder_id: uuid.UUID
) -> Response:
    """Its name, where it lies, who sees it."""
    scope.require(Can.BUILD)
    form = await forms.read(request, FolderForm, _SAID)
    if form.data is None:
        return await _one(request, scope, begin, folder_id, form)
    try:
        async with begin() as session:
            changes = FolderChanges(**form.data.model_dump())
            folder = await service.update(session, scope, folder_id, changes)
    except _Refused as refused:
        shown = Form(form.values, _wrong(refused))
        return await _one(request, scope, begin, folder_id, shown)
    return pages.go(request, f"/agents?folder={folder_id}", f"{folder.name} is saved.")


@router.post("/{folder_id}/delete")
async def delete_folder(
    request: Request, scope: CurrentScope, session: Transaction, folder_id: uuid.UUID
) -> Response:
    folder = await service.delete(session, scope, folder_id)
    where = f"/agents?folder={folder.parent_id}" if folder.parent_id else "/agents"
    return pages.go(request, where, f"{folder.name} is deleted. What lay in it is here.")


def _wrong(refused: FolderInUse | FolderNameTaken | FolderTooDeep) -> dict[str, str]:
    return {refused.field or "name": sentence(refused.message)}


async def _new(request: Request, scope: Scope, begin: Begin, form: Form) -> Response:
    async with begin() as session:
        shelves = await service.tree(session, scope)
    status = 422 if form.errors else 200
    shown: dict[str, object] = {
        "shelves": shelves,
        "values": _BLANK | dict(form.values),
        "errors": form.errors,
    }
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "new_folder", status=status, **shown)
    crumbs = [_AGENTS, Crumb("New folder")]
    return pages.page(
        request,
        scope.shell,
        "folder_new",
        section="agents",
        crumbs=crumbs,
        status=status,
        **shown,
    )


async def _one(
    request: Request, scope: Scope, begin: Begin, folder_id: uuid.UUID, form: Form
) -> Response:
    async with begin() as session:
        folder = await service.get(session, scope, folder_id)
        shelves = await service.tree(session, scope)
    names = {shelf.folder.id: shelf.folder.name for shelf in shelves}
    stored = {"name": folder.name, "parent_id": folder.parent_id or "", "scope": folder.scope}
    return pages.page(
        request,
        scope.shell,
        "folder",
        section="agents",
        crumbs=[_AGENTS, Crumb(folder.name, f"/agents?folder={folder_id}"), Crumb("Change")],
        status=422 if form.errors else 200,
        folder=folder,
        shelves=shelves,
        up=f"“{names[folder.parent_id]}”" if folder.parent_id else "the top of the list",
        values=stored | dict(form.values),
        errors=form.errors,
    )
