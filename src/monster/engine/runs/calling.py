"""One call of a tool: its arguments, its time, and what comes out, as long as a model can read."""

from asyncio import timeout
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import orjson

from monster.contracts.tools import Origin
from monster.engine.models.protocol import SourcePart, storable
from monster.engine.runs import policy
from monster.engine.runs.tools import CallContext, Tool, ToolOutput
from monster.engine.toolkit.effects import ConnectionMissing, Effect, ToolFailed
from monster.kit import logs

LONGEST = 30_000  # characters of a result that a model is shown

# What a model is shown of a result that is longer.
Shorten: TypeAlias = Callable[[CallContext, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`untrusted`: it may hold what somebody outside wrote."""

    status: Literal["done", "failed", "unknown"]
    content: str
    origin: Origin = "operator"
    untrusted: bool = False
    sources: tuple[SourcePart, ...] = ()


async def perform(tool: Tool, arguments: str, context: CallContext, shorten: Shorten) -> Outcome:
    """Raises ConnectionMissing."""
    parsed = _parsed(arguments)
    if isinstance(parsed, str):
        return Outcome("failed", parsed)
    status, output = await _called(tool, parsed, context)
    content = storable(output.content)
    if len(content) > LONGEST:
        content = await shorten(context, content)
    untrusted = policy.taints(tool, output.sources)
    return Outcome(status, logs.mask(content), tool.origin, untrusted, output.sources)


def _parsed(arguments: str) -> dict[str, Any] | str:
    """Or why not: the model wrote them, they may be anything."""
    try:
        parsed = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        return "the arguments are not JSON"
    if not isinstance(parsed, dict):
        return "the arguments are not a JSON object"
    return cast("dict[str, Any]", parsed)


async def _called(
    tool: Tool, arguments: dict[str, Any], context: CallContext
) -> tuple[Literal["done", "failed", "unknown"], ToolOutput]:
    in_doubt = "unknown" if tool.effect is Effect.WRITE else "failed"
    try:
        async with timeout(tool.seconds):
            return "done", await tool.call(arguments, context)
    except ToolFailed as error:
        return "failed", ToolOutput(str(error))
    except ConnectionMissing:
        raise
    except TimeoutError:
        return in_doubt, ToolOutput(f"it did not end within {tool.seconds:g} seconds")
    except Exception as error:  # noqa: BLE001 (a tool is foreign code: it may have acted or not)
        return in_doubt, ToolOutput(f"{type(error).__name__}: {error}")


async def preview(_: CallContext, content: str) -> str:
    """Its beginning; the rest is gone."""
    more = len(content) - LONGEST
    return f"{content[:LONGEST]}\n\n[{more:,} more characters are not shown.]"
