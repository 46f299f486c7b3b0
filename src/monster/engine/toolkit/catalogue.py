"""All systems that come with Monster: each module of a package is looked at, none is registered."""

import importlib
import pkgutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from monster.engine.toolkit.factory import ToolFactory


@dataclass(frozen=True, slots=True)
class Catalogue:
    systems: Mapping[str, type[ToolFactory]]  # by system_name

    @classmethod
    def load(cls, package: str) -> Self:
        """Raises ValueError if two systems have the same name."""
        folder = importlib.import_module(package).__path__
        found: dict[str, type[ToolFactory]] = {}
        for info in pkgutil.iter_modules(folder, f"{package}."):
            for system in _systems(info.name):
                if system.system_name in found:
                    raise ValueError(f"two systems are called {system.system_name!r}")
                found[system.system_name] = system
        return cls(dict(sorted(found.items())))

    def by_id(self, factory_id: uuid.UUID) -> type[ToolFactory] | None:
        return next((s for s in self.systems.values() if s.factory_id() == factory_id), None)


def _systems(module: str) -> list[type[ToolFactory]]:
    """Those that are defined there; what it imports, or only builds upon, is not its own."""
    members = vars(importlib.import_module(module)).values()
    return [
        member
        for member in members
        if isinstance(member, type)
        and issubclass(member, ToolFactory)
        and member.__module__ == module
        and "system_name" in vars(member)
    ]
