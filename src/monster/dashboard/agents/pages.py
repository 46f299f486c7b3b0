"""Screens about agents: the list, a new one, the end of one. One agent is the builder's."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.contracts.agents import QUOTING
from monster.dashboard.agents import service
from monster.dashboard.agents.errors import AgentNameTaken
from monster.dashboard.agents.schemas import AgentChanges, AgentCreate, Move, NewAgent
from monster.dashboard.folders import service as folders
from monster.dashboard.folders.errors import FolderNotFound
from monster.dashboard.folders.schemas import ChosenFolder
from monster.dashboard.identity.scope import Begin, CurrentScope, Scope, Transaction
from monster.dashboard.permissions import Can
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.kit.schemas import Prose

router = APIRouter(prefix="/agents", tags=["pages"], default_response_class=HTMLResponse)

Folder: TypeAlias = Annotated[ChosenFolder, Query()]

_PAGE = 30
_AGENTS = Crumb("Agents", "/agents")
_TAKEN = {"name": "Another agent has this name."}
_BLANK = {"name": "", "description": "", "scope": "private", "folder_id": ""}
_HINTS = {"name": "Give it a name of up to 200 characters."}


@router.get("")
async def list_agents(
    request: Request,
    scope: CurrentScope,
    session: Transaction,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
    folder: Folder = None,
) -> Response:
    found = await service.page(session, scope, q, after, _PAGE + 1, folder)
    values: dict[str, object] = {
        "agents": found[:_PAGE],
        "more": found[_PAGE - 1].id if len(found) > _PAGE else "",
        "query": q,
        "folder": folder or "",
        "may_write": scope.may(Can.BUILD),
    }
    if pages.is_partial(request):
        return pages.fragment(request, scope.shell, "agent_cards", status=200, **values)
    crumbs = [Crumb("Agents")]
    values["shelves"] = await folders.tree(session, scope)
    values["counts"] = await service.counts(session, scope)
    return pages.page(
        request, scope.shell, "agents", section="agents", crumbs=crumbs, status=200, **values
    )


@router.get("/new")
async def new_agent(request: Request, scope: CurrentScope, folder: Folder = None) -> Response:
    scope.require(Can.BUILD)
    return _new(request, scope, Form({"folder_id": str(folder or "")}))


@router.post("")
async def create_agent(request: Request, scope: CurrentScope, begin: Begin) -> Response:
    scope.require(Can.BUILD)
    form = await forms.read(request, NewAgent, _HINTS)
    if form.data is None:
        return _new(request, scope, form, 422)
    wanted = AgentCreate(model=QUOTING, **form.data.model_dump())
    try:
        async with begin() as session:
            agent = await service.create(session, scope, wanted)
    except AgentNameTaken as taken:
        return _new(request, scope, Form(form.values, _TAKEN), taken.status)
    return pages.go(request, f"/agents/{agent.id}", f"{agent.name} is there. Tell it what to do.")


def _new(request: Request, scope: Scope, form: Form, status: int = 200) -> Response:
    return pages.page(
        request,
        scope.shell,
        "agent_new",
        section="agents",
        crumbs=[_AGENTS, Crumb("New agent")],
        status=status,
        values=_BLANK | dict(form.values),
        errors=form.errors,
    )


@router.get("/{agent_id}/delete")
async def ask_to_delete(
    request: Request, scope: CurrentScope, session: Transaction, agent_id: uuid.UUID
) -> Response:
    """The dialog as a page, for browsers without scripts."""
    scope.require(Can.BUILD)
    agent = await service.get(session, scope, agent_id)
    crumbs = [_AGENTS, Crumb(agent.name, f"/agents/{agent_id}"), Crumb("Delete")]
    return pages.page(
        request, scope.shell, "agent_delete", section="agents", crumbs=crumbs, agent=agent
    )


@router.post("/{agent_id}/delete")
async def delete_agent(
    request: Request, scope: CurrentScope, session: Transaction, agent_id: uuid.UUID
) -> Response:
    name = (await service.get(session, scope, agent_id)).name
    await service.delete(session, scope, agent_id)
    return pages.go(request, "/agents", f"{name} is deleted.")


@router.get("/{agent_id}/move")
async def ask_where_to(
    request: Request, scope: CurrentScope, session: Transaction, agent_id: uuid.UUID
) -> Response:
    scope.require(Can.BUILD)
    agent = await service.get(session, scope, agent_id)
    crumbs = [_AGENTS, Crumb(agent.name, f"/agents/{agent_id}"), Crumb("Move")]
    return pages.page(
        request,
        scope.shell,
        "agent_move",
        section="agents",
        crumbs=crumbs,
        agent=agent,
        shelves=await folders.tree(session, scope),
    )


@router.post("/{agent_id}/move")
async def move_agent(
    request: Request, scope: CurrentScope, session: Transaction, agent_id: uuid.UUID
) -> Response:
    form = await forms.read(request, Move)
    if form.data is None:
        raise FolderNotFound("there is no such folder", field="folder_id")
    folder_id = form.data.folder_id
    moved = await service.update(session, scope, agent_id, AgentChanges(folder_id=folder_id))
    where = f"/agents?folder={folder_id}" if folder_id else "/agents"
    return pages.go(request, where, f"{moved.name} is moved.")
