"""What goes in and out of the tools feature."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from monster.contracts import auth_config
from monster.contracts.auth_config import Strategy
from monster.contracts.tools import (
    MOST_FUNCTIONS,
    Approval,
    FunctionName,
    PinnedFunction,
    ToolFactoryOut,
    ToolName,
)
from monster.kit.schemas import WHOLE, Input, Line, Name, Output

Functions = Annotated[tuple[FunctionName, ...], Field(max_length=MOST_FUNCTIONS)]
Config = Annotated[dict[Name, str], Field(max_length=50)]


class ToolCreate(Input):
    """No `functions` means all that there are. Without a credential, whoever talks to the agent
    uses a connection of their own."""

    tool_factory_id: uuid.UUID
    credential_id: uuid.UUID | None = None
    name: ToolName
    description: Line = ""
    approval: Approval = "untrusted"
    functions: Functions = ()
    config: Config = Field(default_factory=dict)


class ToolChanges(Input):
    """Only what is sent is changed: the defaults here are never used."""

    credential_id: uuid.UUID | None = None
    name: ToolName = "tool"
    description: Line = ""
    approval: Approval = "untrusted"
    functions: Functions = ()
    config: Config = Field(default_factory=dict)
    position: Annotated[int, Field(ge=0, le=1_000), WHOLE] = 0


class ToolOut(Output):
    id: uuid.UUID
    agent_id: uuid.UUID
    tool_factory_id: uuid.UUID
    credential_id: uuid.UUID | None
    name: str
    description: str
    approval: Approval
    functions: list[str]
    config: dict[str, Any]
    position: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool factory as the engine has it now, and its functions as a version of an agent keeps
    them: those of servers and custom tools, which may change."""

    factory: ToolFactoryOut
    pins: Mapping[str, PinnedFunction]


def settings(factory: ToolFactoryOut) -> Strategy:
    """What an agent chooses besides a connection. The config of servers and of custom tools says
    how they are reached: nothing of that is an agent's to choose."""
    chosen = factory.config if factory.kind == "builtin" else {}
    return auth_config.parse({"strategy_config": chosen}).strategies[0]
