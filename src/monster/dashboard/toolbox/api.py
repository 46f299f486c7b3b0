"""JSON endpoints about the tools of an agent."""

import uuid
from collections.abc import Sequence

from fastapi import APIRouter

from monster.dashboard.agents import service as agents
from monster.dashboard.identity.scope import Begin, CurrentEngine, CurrentScope, Transaction
from monster.dashboard.tools import service as tools
from monster.dashboard.tools.models import Tool
from monster.dashboard.tools.schemas import ToolChanges, ToolCreate, ToolOut

router = APIRouter(prefix="/agents/{agent_id}/tools", tags=["tools"])


@router.get("", response_model=list[ToolOut])
async def list_tools(
    agent_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> Sequence[Tool]:
    """Of the draft, in order."""
    await agents.get(session, scope, agent_id)
    return await tools.page(session, scope, agent_id)


@router.post("", response_model=ToolOut, status_code=201)
async def attach_tool(
    agent_id: uuid.UUID, data: ToolCreate, begin: Begin, scope: CurrentScope, engine: CurrentEngine
) -> Tool:
    async with begin() as session:
        await agents.get(session, scope, agent_id)
    await tools.check(engine, scope, data, data.tool_factory_id)
    async with begin() as session:
        await agents.get(session, scope, agent_id)
        return await tools.attach(session, scope, agent_id, data)


@router.patch("/{tool_id}", response_model=ToolOut)
async def change_tool(
    agent_id: uuid.UUID,
    tool_id: uuid.UUID,
    data: ToolChanges,
    begin: Begin,
    scope: CurrentScope,
    engine: CurrentEngine,
) -> Tool:
    async with begin() as session:
        await agents.get(session, scope, agent_id)
        tool = await tools.get(session, scope, agent_id, tool_id)
    await tools.check_changes(engine, scope, tool, data)
    async with begin() as session:
        await agents.get(session, scope, agent_id)
        return await tools.change(session, scope, agent_id, tool_id, data)


@router.delete("/{tool_id}", status_code=204)
async def detach_tool(
    agent_id: uuid.UUID, tool_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> None:
    await agents.get(session, scope, agent_id)
    await tools.detach(session, scope, agent_id, tool_id)
