"""What a tool is to the dashboard and the engine: what it is made of, and how an agent has it."""

import uuid
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints

from monster.kit.schemas import Input, Json, JsonObject, Line, Name, Output, Prose

# Whether a person is asked before a call that acts; one that only reads never asks. `untrusted`:
# once something that an outsider wrote is in the conversation.
Approval: TypeAlias = Literal["never", "always", "untrusted"]
EffectName: TypeAlias = Literal["read", "idempotent", "write"]
# Where the content of a result comes from; `operator`: this platform itself.
Origin: TypeAlias = Literal["operator", "user", "tool", "document", "web", "agent"]

# What a call that has not ended waits for; `unknown`: nobody can say whether it acted.
WaitsFor: TypeAlias = Literal["approval", "connection", "unknown"]

# `confirm` is for calls of which it was unknown whether they acted: they did.
Decision: TypeAlias = Literal["approve", "deny", "confirm"]

FactoryKind: TypeAlias = Literal["builtin", "doc_source", "mcp_server", "custom"]

MOST_TOOLS = 40  # of an agent
MOST_FUNCTIONS = 200  # of a tool

# What stands before a function's name when a model is shown it: `jira` makes `jira_search`.
ToolName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
FunctionName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]


class PinnedFunction(Input):
    """A function as it was when the agent was published; `hash` is of the three before it.

    `parameters` is a JSON Schema.
    """

    name: FunctionName
    description: Prose
    parameters: JsonObject
    effect: EffectName
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class AttachedTool(Input):
    """A tool as an agent has it.

    `functions` are those it may use, `pinned` those of servers and custom tools, which may change
    behind its back. Without a credential the caller's own is taken.
    """

    name: ToolName
    tool_factory_id: uuid.UUID
    credential_id: uuid.UUID | None = None
    description: Line = ""
    functions: Annotated[tuple[FunctionName, ...], Field(max_length=MOST_FUNCTIONS)] = ()
    pinned: Annotated[tuple[PinnedFunction, ...], Field(max_length=MOST_FUNCTIONS)] = ()
    config: Annotated[dict[Name, Json], Field(max_length=50)] = Field(default_factory=dict)
    approval: Approval = "untrusted"


class FunctionOut(Output):
    """`parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]
    effect: EffectName


class ToolFactoryOut(Output):
    """What a tool can be made of. `auth_config` is as `contracts.auth_config` reads it.

    `oauth` are the names of providers that its OAuth strategy may use; `logo` names an icon.
    """

    id: uuid.UUID
    kind: FactoryKind
    system_name: str
    name: str
    description: str
    category: str
    logo: str
    help: str
    auth_config: dict[str, Any]
    oauth: list[str]
    type: Literal["official", "custom"]
    compatible_system: str | None
    tools: list[FunctionOut]
    config: dict[str, Any]
    status: Literal["active", "failing"]
    last_error: str | None
