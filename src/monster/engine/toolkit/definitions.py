"""What a credential is for: a tool factory that comes with Monster, or one that a tenant made."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monster.contracts.auth_config import AuthConfig
from monster.engine.toolkit.factory import ToolFactory


@dataclass(frozen=True, slots=True)
class Definition:
    """`system` comes with Monster; without one, `config` and `environments` (names of secrets) are
    what the tenant said, and `kind` tells how it is used."""

    id: uuid.UUID
    name: str
    kind: str
    auth: AuthConfig
    oauth: tuple[str, ...]
    system: type[ToolFactory] | None = None
    config: Mapping[str, Any] | None = None
    oauth_provider_id: uuid.UUID | None = None

    @property
    def system_name(self) -> str:
        return self.system.system_name if self.system else ""

    @property
    def needs_connection(self) -> bool:
        return bool(self.auth.strategies)


def of(system: type[ToolFactory]) -> Definition:
    return Definition(
        system.factory_id(), system.name, "builtin", system.auth(), system.oauth, system
    )
