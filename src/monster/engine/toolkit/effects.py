"""What a call does to the world, and how it can go wrong."""

import uuid
from enum import StrEnum

from monster.kit import logs
from monster.kit.texts import storable


class Effect(StrEnum):
    READ = "read"  # may be repeated
    IDEMPOTENT = "idempotent"  # may be repeated with the same key
    WRITE = "write"  # may not


class ToolFailed(Exception):
    """The tool did not act, for certain; the model is told why, so secrets are masked."""

    def __init__(self, message: str) -> None:
        super().__init__(storable(logs.mask(message)))


class Unclear(Exception):
    """Nobody can say whether the tool acted: the answer to something that acts did not come."""

    def __init__(self, message: str) -> None:
        super().__init__(storable(logs.mask(message)))


class ConnectionRefused(ToolFailed):
    """The system does not accept the credential (any more). It did not act."""


class ConnectionMissing(Exception):
    """A person must connect `name` first. It did not act."""

    def __init__(self, name: str, tool_factory_id: uuid.UUID) -> None:
        super().__init__(f"connect {name}")
        self.name = name
        self.tool_factory_id = tool_factory_id
