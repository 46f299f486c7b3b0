"""The screens of one agent: its instructions, model, knowledge and versions, and publishing it."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.agents import service as agents
from monster.dashboard.agents.errors import AgentNameTaken
from monster.dashboard.agents.models import AgentVersion
from monster.dashboard.agents.schemas import AgentChanges, LlmConfig, Publish
from monster.dashboard.builder import service
from monster.dashboard.builder.schemas import IndexChoice, Instructions, ModelChoice, Tab
from monster.dashboard.builder.service import Draft
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity.scope import Begin, CurrentEngine, CurrentScope, Scope
from monster.dashboard.permissions import Can
from monster.dashboard.tools import service as tools
from monster.dashboard.tools.errors import BadFunctions, ReferenceMissing
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.dashboard.web.problems import sentence

router = APIRouter(prefix="/agents/{agent_id}", tags=["pages"], default_response_class=HTMLResponse)

_HINTS = {"name": "Give it a name of up to 200 characters."}
_TAKEN = {"name": "Another agent has this name."}
_UNTOUCHED = Form()
_PARTS: Mapping[Tab, str] = {
    "instructions": "pages/_agent_instructions.html",
    "model": "pages/_agent_model.html",
    "knowledge": "pages/_agent_knowledge.html",
    "versions": "pages/_agent_versions.html",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What every screen of one agent works with."""

    agent_id: uuid.UUID
    request: Request
    scope: Scope
    transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]
    engine: HttpEngine

    async def draft(self) -> Draft:
        async with self.transaction() as session:
            agent, live = await agents.view(session, self.scope, self.agent_id)
            has = await tools.page(session, self.scope, self.agent_id)
        return await service.draft(self.engine, self.scope, agent, live, has)

    async def config(self) -> LlmConfig:
        async with self.transaction() as session:
            agent = await agents.get(session, self.scope, self.agent_id)
        return LlmConfig.model_validate(agent.config)

    async def change(self, changes: AgentChanges, known: LlmConfig | None = None) -> None:
        """`known`: what it names already, and may. Raises ReferenceMissing and AgentNameTaken."""
        await agents.check_references(self.engine, self.scope, changes.config, known)
        async with self.transaction() as session:
            await agents.update(session, self.scope, self.agent_id, changes)


async def _desk(
    agent_id: uuid.UUID, request: Request, scope: CurrentScope, begin: Begin, engine: CurrentEngine
) -> Desk:
    return Desk(agent_id, request, scope, begin, engine)


CurrentDesk: TypeAlias = Annotated[Desk, Depends(_desk)]


@router.get("")
async def read_agent(desk: CurrentDesk) -> Response:
    return await _show(desk, "instructions", _UNTOUCHED)


@router.get("/publish")
async def ask_to_publish(desk: CurrentDesk) -> Response:
    """The dialog as a page, for browsers without scripts."""
    return await _ask_to_publish(desk, {})


@router.get("/{tab}")
async def read_part(desk: CurrentDesk, tab: Tab) -> Response:
    return await _show(desk, tab, _UNTOUCHED)


@router.post("/instructions")
async def save_instructions(desk: CurrentDesk) -> Response:
    desk.scope.require(Can.BUILD)
    form = await forms.read(desk.request, Instructions, _HINTS)
    if form.data is None:
        return await _show(desk, "instructions", form)
    try:
        await desk.change(AgentChanges(**form.data.model_dump()))
    except AgentNameTaken:
        return await _show(desk, "instructions", Form(form.values, _TAKEN))
    return await _saved(desk, "instructions")


@router.post("/model")
async def save_model(desk: CurrentDesk) -> Response:
    desk.scope.require(Can.BUILD)
    form = await forms.read(desk.request, ModelChoice)
    if form.data is None:
        return await _show(desk, "model", form)
    config = await desk.config()
    changes, wrong = await service.choose(desk.engine, desk.scope, config, form.data)
    if wrong:
        return await _show(desk, "model", Form(form.values, wrong))
    await desk.change(changes, config)
    return await _saved(desk, "model")


@router.post("/knowledge")
async def attach_index(desk: CurrentDesk) -> Response:
    desk.scope.require(Can.BUILD)
    form = await forms.read(desk.request, IndexChoice, {"index_id": "Choose an index."})
    if form.data is None:
        return await _show(desk, "knowledge", form)
    config = await desk.config()
    try:
        await desk.change(service.attach(config, form.data.index_id), config)
    except ReferenceMissing as missing:
        wrong = {"index_id": sentence(missing.message)}
        return await _show(desk, "knowledge", Form(form.values, wrong))
    return await _saved(desk, "knowledge")


@router.post("/knowledge/detach")
async def detach_index(desk: CurrentDesk) -> Response:
    desk.scope.require(Can.BUILD)
    form = await forms.read(desk.request, IndexChoice)
    if form.data is None:
        return await _show(desk, "knowledge", form)
    config = await desk.config()
    await desk.change(service.detach(config, form.data.index_id), config)
    return await _saved(desk, "knowledge")


@router.post("/publish")
async def publish(desk: CurrentDesk) -> Response:
    desk.scope.require(Can.BUILD)
    form = await forms.read(desk.request, Publish)
    if form.data is None:
        return await _ask_to_publish(desk, form.errors)
    try:
        version = await _publish(desk, form.data.note)
    except (ReferenceMissing, BadFunctions) as missing:
        return await _ask_to_publish(desk, {"": sentence(missing.message)})
    said = f"Version {version.version} is published."
    return pages.go(desk.request, f"/agents/{desk.agent_id}/versions", said)


async def _publish(desk: Desk, note: str) -> AgentVersion:
    await agents.check_references(desk.engine, desk.scope, await desk.config())
    async with desk.transaction() as session:
        has = await tools.page(session, desk.scope, desk.agent_id)
    offered = await tools.offers(desk.engine, desk.scope.caller, has)
    async with desk.transaction() as session:
        return await agents.publish(session, desk.scope, desk.agent_id, note, offered)


async def _show(desk: Desk, tab: Tab, form: Form) -> Response:
    """The whole page, or the part that htmx asked for; 422 if something is wrong in the form."""
    shown = await _values(desk, tab, form)
    status = 422 if form.errors else 200
    if pages.is_partial(desk.request):
        name = "agent_form" if desk.request.method == "POST" else "agent_part"
        return pages.fragment(desk.request, desk.scope.shell, name, status=status, **shown)
    return page(desk, "agent", shown, "", status)


async def _saved(desk: Desk, tab: Tab) -> Response:
    """To htmx the form as it is stored, or a word only, so that nothing typed since is lost."""
    if not pages.is_partial(desk.request):
        return pages.go(desk.request, f"/agents/{desk.agent_id}/{tab}", "Saved as a draft.")
    shown = await _values(desk, tab, _UNTOUCHED)
    told = desk.request.headers.get("HX-Target", "").endswith("#saved")
    name = "agent_saved" if told else "agent_form"
    return pages.fragment(desk.request, desk.scope.shell, name, status=200, **shown)


async def _ask_to_publish(desk: Desk, errors: Mapping[str, str]) -> Response:
    desk.scope.require(Can.BUILD)
    shown = {"draft": await desk.draft(), "errors": errors}
    status = 422 if errors else 200
    if pages.is_partial(desk.request):
        return pages.fragment(
            desk.request, desk.scope.shell, "publish_form", status=status, **shown
        )
    return page(desk, "agent_publish", shown, "Publish", status)


def page(
    desk: Desk, template: str, shown: Mapping[str, object], crumb: str, status: int
) -> Response:
    """A screen of this agent; `shown` has its draft. Without a `crumb` it is the agent's own."""
    draft = shown["draft"]
    assert isinstance(draft, Draft)
    here = [Crumb(draft.agent.name, f"/agents/{desk.agent_id}"), Crumb(crumb)]
    crumbs = [Crumb("Agents", "/agents"), *(here if crumb else [Crumb(draft.agent.name)])]
    return pages.page(
        desk.request,
        desk.scope.shell,
        template,
        section="agents",
        crumbs=crumbs,
        status=status,
        **shown,
    )


async def _values(desk: Desk, tab: Tab, form: Form) -> dict[str, object]:
    draft = await desk.draft()
    shown: dict[str, object] = {
        "draft": draft,
        "tab": tab,
        "part": _PARTS[tab],
        "may_write": desk.scope.may(Can.BUILD),
        "values": form.values,
        "errors": form.errors,
    }
    if tab == "model":
        chosen = form.values.get("source", "")
        shown["models"] = await service.models(desk.engine, desk.scope, draft.agent, chosen)
    elif tab == "knowledge":
        shown["shelf"] = await service.shelf(desk.engine, desk.scope, draft.config)
    elif tab == "versions":
        async with desk.transaction() as session:
            shown["versions"] = await service.versions(session, desk.scope, desk.agent_id)
    return shown
