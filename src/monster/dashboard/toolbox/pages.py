"""The screens of an agent's tools: what it has, the library, and one tool with its settings."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from monster.contracts.tools import ToolFactoryOut
from monster.dashboard.agents import service as agents
from monster.dashboard.builder.pages import CurrentDesk, Desk, page
from monster.dashboard.permissions import Can
from monster.dashboard.toolbox import service
from monster.dashboard.toolbox.schemas import APPROVALS, CONFIG, Typed, body, slug, wrong
from monster.dashboard.tools import service as tools
from monster.dashboard.tools.models import Tool
from monster.dashboard.tools.schemas import ToolChanges, ToolCreate
from monster.dashboard.web import pages
from monster.kit.errors import Conflict, Invalid, NotFound

router = APIRouter(
    prefix="/agents/{agent_id}/tools", tags=["pages"], default_response_class=HTMLResponse
)


@router.get("")
async def read_tools(desk: CurrentDesk) -> Response:
    return await _tools(desk)


@router.get("/add")
async def read_library(
    desk: CurrentDesk, q: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
) -> Response:
    desk.scope.require(Can.BUILD)
    shelves = await service.library(desk.engine, desk.scope, q)
    shown = {"draft": await desk.draft(), "shelves": shelves, "query": q}
    if pages.is_partial(desk.request):
        return pages.fragment(desk.request, desk.scope.shell, "tool_library", status=200, **shown)
    return page(desk, "agent_tool_add", shown, "Add a tool", 200)


@router.get("/new")
async def read_new_tool(desk: CurrentDesk, factory: uuid.UUID, credential: str = "") -> Response:
    """`credential`: the connection that was just made for it."""
    desk.scope.require(Can.BUILD)
    found = await _factory(desk, factory)
    name = _free_name(found, [tool.name for tool in (await desk.draft()).tools])
    names = [one.name for one in found.tools]
    typed = {"name": name, "approval": "untrusted", "credential_id": credential}
    return await _form(desk, found, Typed(typed, names), None)


@router.post("/new")
async def attach_tool(desk: CurrentDesk, factory: uuid.UUID) -> Response:
    desk.scope.require(Can.BUILD)
    found = await _factory(desk, factory)
    typed = await _typed(desk.request)
    try:
        data = ToolCreate.model_validate({**body(typed), "tool_factory_id": found.id})
        await tools.check(desk.engine, desk.scope, data, found.id)
        async with desk.transaction() as session:
            await agents.get(session, desk.scope, desk.agent_id)
            made = await tools.attach(session, desk.scope, desk.agent_id, data)
    except (ValidationError, Invalid, Conflict, NotFound) as error:
        return await _form(desk, found, wrong(typed, error), None)
    said = f"{found.name} is attached as {made.name}."
    return pages.go(desk.request, f"/agents/{desk.agent_id}/tools", said)


@router.get("/{tool_id}")
async def read_tool(desk: CurrentDesk, tool_id: uuid.UUID) -> Response:
    desk.scope.require(Can.BUILD)
    tool = await _tool(desk, tool_id)
    found = await _factory(desk, tool.tool_factory_id)
    values = {
        "name": tool.name,
        "description": tool.description,
        "approval": tool.approval,
        "credential_id": str(tool.credential_id or ""),
        **{CONFIG + name: str(value) for name, value in tool.config.items()},
    }
    names = tool.functions or [one.name for one in found.tools]
    return await _form(desk, found, Typed(values, names), tool)


@router.post("/{tool_id}")
async def change_tool(desk: CurrentDesk, tool_id: uuid.UUID) -> Response:
    desk.scope.require(Can.BUILD)
    tool = await _tool(desk, tool_id)
    found = await _factory(desk, tool.tool_factory_id)
    typed = await _typed(desk.request)
    try:
        await _change(desk, tool, ToolChanges.model_validate(body(typed)))
    except (ValidationError, Invalid, Conflict, NotFound) as error:
        return await _form(desk, found, wrong(typed, error), tool)
    return pages.go(desk.request, f"/agents/{desk.agent_id}/tools", "Saved as a draft.")


@router.post("/{tool_id}/approval")
async def change_approval(desk: CurrentDesk, tool_id: uuid.UUID) -> Response:
    """Anything but one of the three is nothing that a person chose on the page: 422."""
    desk.scope.require(Can.BUILD)
    tool = await _tool(desk, tool_id)
    sent = (await desk.request.form()).get("approval")
    try:
        data = ToolChanges.model_validate({"approval": sent})
    except ValidationError as error:
        raise Invalid("choose when a person is asked", field="approval") from error
    await _change(desk, tool, data)
    return await _changed(desk, "")


@router.post("/{tool_id}/detach")
async def detach_tool(desk: CurrentDesk, tool_id: uuid.UUID) -> Response:
    async with desk.transaction() as session:
        await agents.get(session, desk.scope, desk.agent_id)
        await tools.detach(session, desk.scope, desk.agent_id, tool_id)
    return await _changed(desk, "Detached from the draft.")


async def _changed(desk: Desk, said: str) -> Response:
    """To htmx the list with the head of the page, where unpublished changes are told."""
    if not pages.is_partial(desk.request):
        return pages.go(desk.request, f"/agents/{desk.agent_id}/tools", said)
    shown = await _values(desk)
    return pages.fragment(desk.request, desk.scope.shell, "agent_form", status=200, **shown)


async def _change(desk: Desk, tool: Tool, data: ToolChanges) -> None:
    await tools.check_changes(desk.engine, desk.scope, tool, data)
    async with desk.transaction() as session:
        await agents.get(session, desk.scope, desk.agent_id)
        await tools.change(session, desk.scope, desk.agent_id, tool.id, data)


async def _tools(desk: Desk) -> Response:
    shown = await _values(desk)
    if pages.is_partial(desk.request):
        return pages.fragment(desk.request, desk.scope.shell, "agent_part", status=200, **shown)
    return page(desk, "agent", shown, "", 200)


async def _values(desk: Desk) -> dict[str, object]:
    draft = await desk.draft()
    return {
        "draft": draft,
        "tab": "tools",
        "part": "pages/_agent_tools.html",
        "tools": await service.shown(desk.engine, desk.scope, draft.tools),
        "approvals": APPROVALS,
        "may_write": desk.scope.may(Can.BUILD),
        "errors": {},
    }


async def _factory(desk: Desk, factory_id: uuid.UUID) -> ToolFactoryOut:
    async with desk.transaction() as session:
        await agents.get(session, desk.scope, desk.agent_id)
    path = f"/v1/tool_factories/{factory_id}"
    return ToolFactoryOut.model_validate(
        await tools.look(desk.engine, desk.scope.caller, path, "factory")
    )


async def _tool(desk: Desk, tool_id: uuid.UUID) -> Tool:
    async with desk.transaction() as session:
        await agents.get(session, desk.scope, desk.agent_id)
        return await tools.get(session, desk.scope, desk.agent_id, tool_id)


async def _typed(request: Request) -> Typed:
    sent = await request.form()
    values = {name: text for name, text in sent.items() if isinstance(text, str)}
    return Typed(values, [one for one in sent.getlist("functions") if isinstance(one, str)])


async def _form(desk: Desk, factory: ToolFactoryOut, typed: Typed, tool: Tool | None) -> Response:
    """`tool` is there already, or None if it is about to be attached."""
    path = f"/agents/{desk.agent_id}/tools"
    shown = {
        "draft": await desk.draft(),
        "bench": await service.bench(desk.engine, desk.scope, factory),
        "values": typed.values,
        "chosen": typed.functions,
        "errors": typed.errors,
        "approvals": APPROVALS,
        "tool": tool,
        "action": f"{path}/{tool.id}" if tool else f"{path}/new?factory={factory.id}",
        "may_connect": desk.scope.may(Can.CONNECT),
    }
    status = 422 if typed.errors else 200
    return page(desk, "agent_tool", shown, tool.name if tool else factory.name, status)


def _free_name(factory: ToolFactoryOut, taken: Sequence[str]) -> str:
    base = slug(factory.system_name or factory.name)
    names = [base, *(f"{base[:36]}_{n}" for n in range(2, 100))]
    return next((name for name in names if name not in taken), base)
