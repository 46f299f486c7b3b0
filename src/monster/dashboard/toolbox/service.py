"""What the screens of an agent's tools show: its tools, the library, what one can choose."""

from collections.abc import Sequence
from itertools import groupby

from pydantic import TypeAdapter

from monster.contracts import auth_config
from monster.contracts.credentials import CredentialOut
from monster.contracts.tools import ToolFactoryOut
from monster.dashboard.engine_client import EngineUnavailable, HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.toolbox.schemas import Bench, Shown
from monster.dashboard.tools import service as tools
from monster.dashboard.tools.models import Tool
from monster.dashboard.tools.schemas import settings

_MOST = 200
_CREDENTIALS = TypeAdapter(list[CredentialOut])


async def shown(engine: HttpEngine, scope: Scope, has: Sequence[Tool]) -> list[Shown] | None:
    """None if the engine does not answer."""
    if not has:
        return []
    try:
        factories = {one.id: one for one in await tools.factories(engine, scope.caller)}
        credentials = {one.id: one for one in await _credentials(engine, scope)}
    except EngineUnavailable:
        return None
    return [
        Shown(
            tool,
            factory := factories.get(tool.tool_factory_id),
            credentials.get(tool.credential_id) if tool.credential_id else None,
            factory is not None and _needs_connection(factory),
        )
        for tool in has
    ]


async def library(
    engine: HttpEngine, scope: Scope, words: str
) -> list[tuple[str, list[ToolFactoryOut]]]:
    """What brings functions, by category; each word is looked for in names and functions."""
    wanted = words.lower().split()
    found = [
        one
        for one in await tools.factories(engine, scope.caller)
        if one.tools and all(word in _text(one) for word in wanted)
    ]
    found.sort(key=lambda one: (one.category, one.name.lower()))
    return [(name, list(some)) for name, some in groupby(found, lambda one: one.category)]


async def bench(engine: HttpEngine, scope: Scope, factory: ToolFactoryOut) -> Bench:
    needs = _needs_connection(factory)
    connections = (
        await _credentials(engine, scope, tool_factory_id=str(factory.id)) if needs else []
    )
    return Bench(factory, connections, settings(factory).parameters, needs)


def _needs_connection(factory: ToolFactoryOut) -> bool:
    return bool(auth_config.parse(factory.auth_config).strategies)


async def _credentials(engine: HttpEngine, scope: Scope, **only: str) -> list[CredentialOut]:
    params = {"limit": str(_MOST), **only}
    answer = await engine.call(scope.caller, "GET", "/v1/credentials", params=params)
    return _CREDENTIALS.validate_python(answer)


def _text(factory: ToolFactoryOut) -> str:
    functions = " ".join(one.name for one in factory.tools)
    return f"{factory.name} {factory.description} {factory.category} {functions}".lower()
