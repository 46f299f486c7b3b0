"""Asks the engine what can be connected."""

import uuid
from collections.abc import Sequence

from pydantic import TypeAdapter

from monster.contracts import auth_config
from monster.contracts.tools import ToolFactoryOut
from monster.dashboard.engine_client import Caller, HttpEngine
from monster.dashboard.systems.schemas import MODELS, System

_PATH = "/v1/tool_factories"
_FACTORIES = TypeAdapter(list[ToolFactoryOut])


async def every(engine: HttpEngine, caller: Caller) -> list[System]:
    """Models first, then by category and name; those of the workspace among them."""
    found = _FACTORIES.validate_python(await engine.call(caller, "GET", _PATH))
    return sorted(map(_system, found), key=_order)


async def get(engine: HttpEngine, caller: Caller, factory_id: uuid.UUID) -> System:
    found = await engine.call(caller, "GET", f"{_PATH}/{factory_id}")
    return _system(ToolFactoryOut.model_validate(found))


def categories(systems: Sequence[System]) -> list[str]:
    return list(dict.fromkeys(system.category for system in systems))


def chosen(systems: Sequence[System], words: str, category: str) -> list[System]:
    return [
        system for system in systems if system.matches(words) and category in ("", system.category)
    ]


def _system(factory: ToolFactoryOut) -> System:
    return System(factory, auth_config.parse(factory.auth_config))


def _order(system: System) -> tuple[bool, bool, str, str]:
    return system.category != MODELS, system.is_own, system.category, system.name.casefold()
