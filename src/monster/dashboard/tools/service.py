"""Tools as agents have them: made of what, with whose connection, and when a person is asked."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts import pinning
from monster.contracts.auth_config import BadValue
from monster.contracts.credentials import CredentialOut
from monster.contracts.tools import (
    MOST_FUNCTIONS,
    MOST_TOOLS,
    AttachedTool,
    PinnedFunction,
    ToolFactoryOut,
)
from monster.dashboard.engine_client import Caller, EngineRefused, HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can
from monster.dashboard.tools import queries
from monster.dashboard.tools.errors import (
    BadConfig,
    BadFunctions,
    ReferenceMissing,
    ToolNameTaken,
    ToolNotFound,
    TooManyTools,
    WrongConnection,
)
from monster.dashboard.tools.models import Tool
from monster.dashboard.tools.schemas import Offer, ToolChanges, ToolCreate, settings
from monster.kit import audit
from monster.kit.audit import Action, Entry
from monster.kit.ids import new_id

_FACTORIES = TypeAdapter(list[ToolFactoryOut])
_PINNED = {"mcp_server", "custom"}  # they may change while an agent is published
_KIND = "agent"

# What the engine has. No transaction may be open while it is asked.


async def look(engine: HttpEngine, caller: Caller, path: str, field: str) -> Any:  # noqa: ANN401
    """What is there for this person. Raises ReferenceMissing."""
    try:
        return await engine.call(caller, "GET", path)
    except EngineRefused as refused:
        raise ReferenceMissing(f"there is no {path.removeprefix('/v1/')}", field=field) from refused


async def factories(engine: HttpEngine, caller: Caller) -> Sequence[ToolFactoryOut]:
    return _FACTORIES.validate_python(await engine.call(caller, "GET", "/v1/tool_factories"))


async def offers(
    engine: HttpEngine, caller: Caller, tools: Collection[Tool]
) -> dict[uuid.UUID, Offer]:
    """Of the factories that these tools are made of; one request however many there are."""
    if not tools:
        return {}
    wanted = {tool.tool_factory_id for tool in tools}
    found = await factories(engine, caller)
    return {one.id: _offer(one) for one in found if one.id in wanted}


def _offer(factory: ToolFactoryOut) -> Offer:
    pinned = (
        {one.name: pinning.pin(one) for one in factory.tools} if factory.kind in _PINNED else {}
    )
    return Offer(factory, pinned)


async def check(
    engine: HttpEngine, scope: Scope, data: ToolCreate | ToolChanges, of: uuid.UUID
) -> None:
    """Whether all that is named is there for this person and fits together; `of` is the factory.

    Raises ReferenceMissing, BadFunctions, BadConfig, WrongConnection.
    """
    scope.require(Can.BUILD)
    path = f"/v1/tool_factories/{of}"
    found = await look(engine, scope.caller, path, "tool_factory_id")
    factory = ToolFactoryOut.model_validate(found)
    known = {one.name for one in factory.tools}
    if unknown := [name for name in data.functions if name not in known]:
        raise BadFunctions(f"{factory.name} has no {', '.join(unknown)}", field="functions")
    if not known:
        raise BadFunctions(f"{factory.name} brings no functions", field="tool_factory_id")
    _check_config(factory, data.config)
    if data.credential_id:
        path = f"/v1/credentials/{data.credential_id}"
        credential = await look(engine, scope.caller, path, "credential_id")
        if CredentialOut.model_validate(credential).tool_factory_id != factory.id:
            said = f"this connection is not one to {factory.name}"
            raise WrongConnection(said, field="credential_id")


async def check_changes(engine: HttpEngine, scope: Scope, tool: Tool, data: ToolChanges) -> None:
    """The same of what is sent, with what stays. Raises like `check`."""
    scope.require(Can.BUILD)
    kept = ("credential_id", "functions", "config")
    stays = {name: getattr(tool, name) for name in kept if name not in data.model_fields_set}
    if len(stays) < len(kept):
        whole = ToolChanges.model_validate({**data.model_dump(exclude_unset=True), **stays})
        await check(engine, scope, whole, tool.tool_factory_id)


def _check_config(factory: ToolFactoryOut, config: Mapping[str, str]) -> None:
    try:
        settings(factory).check(config)
    except BadValue as error:
        field = (error.field or "").replace("values.", "config.", 1)
        raise BadConfig(error.message, field=field) from error


# What an agent has


async def page(session: AsyncSession, scope: Scope, agent_id: uuid.UUID) -> Sequence[Tool]:
    """Whoever asks has seen to it that the caller may see the agent; so everywhere below."""
    return await queries.page(session, scope, agent_id)


async def get(session: AsyncSession, scope: Scope, agent_id: uuid.UUID, tool_id: uuid.UUID) -> Tool:
    found = await queries.get(session, scope, agent_id, tool_id)
    if found is None:
        raise ToolNotFound(f"no tool {tool_id} of this agent")
    return found


async def attach(
    session: AsyncSession, scope: Scope, agent_id: uuid.UUID, data: ToolCreate
) -> Tool:
    scope.require(Can.BUILD)
    count, place = await queries.count(session, scope, agent_id)
    if count >= MOST_TOOLS:
        raise TooManyTools(f"an agent has at most {MOST_TOOLS} tools")
    row = {**data.model_dump(), "functions": list(data.functions), "position": place}
    made = await queries.insert_if_free(session, scope, agent_id, {"id": new_id(), **row})
    if made is None:
        raise _taken(data.name)
    said = {"tool": data.name, "attached": row}
    await audit.record(session, scope.actor, Entry(Action.UPDATE, _KIND, agent_id, more=said))
    return made


async def change(
    session: AsyncSession,
    scope: Scope,
    agent_id: uuid.UUID,
    tool_id: uuid.UUID,
    data: ToolChanges,
) -> Tool:
    scope.require(Can.BUILD)
    tool = await get(session, scope, agent_id, tool_id)
    values = data.model_dump(exclude_unset=True)
    if "functions" in values:
        values["functions"] = list(data.functions)
    before = {name: getattr(tool, name) for name in values}
    named = {"tool": tool.name}
    if not await queries.save(session, scope, tool, values):
        raise _taken(data.name)
    changed = Entry(Action.UPDATE, _KIND, agent_id, before, values, named)
    await audit.record(session, scope.actor, changed)
    return tool


async def detach(
    session: AsyncSession, scope: Scope, agent_id: uuid.UUID, tool_id: uuid.UUID
) -> None:
    scope.require(Can.BUILD)
    gone = await queries.remove(session, scope, agent_id, tool_id)
    if gone is None:
        raise ToolNotFound(f"no tool {tool_id} of this agent")
    said = {"tool": gone.name, "detached": True}
    await audit.record(session, scope.actor, Entry(Action.UPDATE, _KIND, agent_id, more=said))


def attached(tool: Tool, offered: Mapping[uuid.UUID, Offer] | None = None) -> AttachedTool:
    """As a version of the agent has it. `offered`: what is published is pinned to these.

    Raises ReferenceMissing and BadFunctions if the engine has it no more.
    """
    return AttachedTool(
        name=tool.name,
        tool_factory_id=tool.tool_factory_id,
        credential_id=tool.credential_id,
        description=tool.description,
        functions=tuple(tool.functions),
        pinned=_pinned(tool, offered) if offered is not None else (),
        config=tool.config,
        approval=tool.approval,
    )


def _pinned(tool: Tool, offered: Mapping[uuid.UUID, Offer]) -> tuple[PinnedFunction, ...]:
    offer = offered.get(tool.tool_factory_id)
    if offer is None:
        raise ReferenceMissing(f"what {tool.name!r} was made of is gone: detach it", field="tools")
    known = {one.name for one in offer.factory.tools}
    if gone := [name for name in tool.functions if name not in known]:
        raise BadFunctions(f"{tool.name} has no {', '.join(gone)} any more", field="tools")
    wanted = tool.functions or list(offer.pins)
    if len(wanted) > MOST_FUNCTIONS:
        said = f"{tool.name} has {len(wanted)} functions: choose {MOST_FUNCTIONS} of them at most"
        raise BadFunctions(said, field="tools")
    return tuple(offer.pins[name] for name in wanted if name in offer.pins)


def _taken(name: str) -> ToolNameTaken:
    return ToolNameTaken(f"this agent has a tool named {name!r}", field="name")
