"""The tools of a server as they were accepted, and what people said they do."""

from collections.abc import Mapping, Sequence
from typing import Any

from monster.contracts.tools import MOST_FUNCTIONS, EffectName, FunctionOut
from monster.engine.mcp.config import ServerConfig
from monster.engine.mcp_servers.errors import BadMcpServer
from monster.engine.mcp_servers.schemas import Found, hash_of
from monster.engine.tool_factories.models import ToolFactory


def accepted(
    found: Found, held: ToolFactory, effects: Mapping[str, EffectName]
) -> list[dict[str, Any]]:
    """What people said about a tool holds as long as the tool is the same."""
    before = {one["name"]: FunctionOut.model_validate(one) for one in held.tools}
    taken = found.among(ServerConfig.model_validate(held.config).allowed)
    if len(taken) > MOST_FUNCTIONS:
        raise BadMcpServer(
            f"an agent has {MOST_FUNCTIONS} functions of a server at most: name those that are"
            " allowed",
            field="allowed",
        )
    tools: list[dict[str, Any]] = []
    for one in taken:
        old = before.get(one.name)
        same = old is not None and hash_of(old) == one.hash
        tool = one.model_dump(include={"name", "description", "parameters"})
        tools.append({**tool, "effect": old.effect if old and same else "write"})
    return with_effects(tools, (), effects)


def with_effects(
    tools: Sequence[dict[str, Any]], allowed: Sequence[str], effects: Mapping[str, EffectName]
) -> list[dict[str, Any]]:
    left = [one for one in tools if not allowed or one["name"] in allowed]
    for name in effects.keys() - {one["name"] for one in left}:
        raise BadMcpServer(f"there is no tool {name!r}", field=f"effects.{name}")
    return [{**one, "effect": effects.get(one["name"], one["effect"])} for one in left]
