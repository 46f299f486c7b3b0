"""Talks to the engine about custom tools."""

import uuid
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from monster.contracts.custom_tools import FunctionTried, OpenApiPreview
from monster.contracts.tools import ToolFactoryOut
from monster.dashboard.custom_tools.errors import NoSuchTool
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can

_PATH = "/v1/tool_factories"
_KIND = "custom"
_TOOLS = TypeAdapter(list[ToolFactoryOut])


async def page(engine: HttpEngine, scope: Scope, words: str) -> Sequence[ToolFactoryOut]:
    """By name."""
    scope.require(Can.CONNECT)
    found = _TOOLS.validate_python(await engine.call(scope.caller, "GET", _PATH))
    wanted = words.casefold().split()
    fitting = [
        one
        for one in found
        if one.kind == _KIND
        and all(word in f"{one.name} {one.description}".casefold() for word in wanted)
    ]
    return sorted(fitting, key=lambda one: one.name.casefold())


async def get(engine: HttpEngine, scope: Scope, tool_id: uuid.UUID) -> ToolFactoryOut:
    """Raises NoSuchTool of what is made otherwise."""
    scope.require(Can.CONNECT)
    found = await engine.call(scope.caller, "GET", f"{_PATH}/{tool_id}")
    tool = ToolFactoryOut.model_validate(found)
    if tool.kind != _KIND:
        raise NoSuchTool("this is no custom tool")
    return tool


async def create(engine: HttpEngine, scope: Scope, body: Mapping[str, object]) -> ToolFactoryOut:
    scope.require(Can.CONNECT)
    made = await engine.call(scope.caller, "POST", f"{_PATH}/custom", json=body)
    return ToolFactoryOut.model_validate(made)


async def change(
    engine: HttpEngine, scope: Scope, tool_id: uuid.UUID, body: Mapping[str, object]
) -> ToolFactoryOut:
    scope.require(Can.CONNECT)
    changed = await engine.call(scope.caller, "PATCH", f"{_PATH}/{tool_id}", json=body)
    return ToolFactoryOut.model_validate(changed)


async def attempt(
    engine: HttpEngine, scope: Scope, tool_id: uuid.UUID, body: Mapping[str, object]
) -> FunctionTried:
    """One call, with the caller's own connection if it takes one: it really is made."""
    scope.require(Can.CONNECT)
    tried = await engine.call(scope.caller, "POST", f"{_PATH}/{tool_id}/try", json=body)
    return FunctionTried.model_validate(tried)


async def preview(engine: HttpEngine, scope: Scope, source: Mapping[str, str]) -> OpenApiPreview:
    """What is in an OpenAPI document."""
    scope.require(Can.CONNECT)
    found = await engine.call(scope.caller, "POST", f"{_PATH}/openapi/preview", json=source)
    return OpenApiPreview.model_validate(found)


async def take_over(engine: HttpEngine, scope: Scope, body: Mapping[str, object]) -> ToolFactoryOut:
    """A tool made of the operations that are chosen."""
    scope.require(Can.CONNECT)
    made = await engine.call(scope.caller, "POST", f"{_PATH}/openapi", json=body)
    return ToolFactoryOut.model_validate(made)


async def delete(engine: HttpEngine, scope: Scope, tool_id: uuid.UUID) -> None:
    scope.require(Can.CONNECT)
    await engine.call(scope.caller, "DELETE", f"{_PATH}/{tool_id}")
