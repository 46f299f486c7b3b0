"""A system that is connected, whoever made its tool factory."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from monster.contracts.tools import PinnedFunction
from monster.engine.toolkit.factory import Connection


class Live(Protocol):
    async def account(self) -> str | None:
        """Who we are there, by the cheapest call that needs the connection.

        Raises ToolFailed, ConnectionRefused.
        """
        ...

    async def call(self, function: str, arguments: Mapping[str, Any]) -> object:
        """What JSON can say, or text. Raises what `effects` has; anything else means that nobody
        knows whether it acted."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """A tool factory that a tenant made, as it is used: `environments` are its secrets, opened.

    `pinned` are the functions as the agent's version knows them; none while it is only tested.
    """

    tenant_id: uuid.UUID
    id: uuid.UUID
    name: str
    config: Mapping[str, Any]
    environments: Mapping[str, str] = field(repr=False)
    credential_id: uuid.UUID | None = None
    pinned: Sequence[PinnedFunction] = ()


class Kind(Protocol):
    """How the factories of one kind that tenants make are used."""

    def open(self, made: Made, connection: Connection) -> Live: ...
