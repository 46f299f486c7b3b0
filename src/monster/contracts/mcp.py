"""What the dashboard and the engine say about MCP servers.

A server is a tool factory of the kind `mcp_server`. What it offers counts once a person has
accepted it: `discover` asks the server and keeps what it said, `accept` takes that over.
"""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr, StringConstraints

from monster.contracts.tools import (
    MOST_FUNCTIONS,
    EffectName,
    FunctionName,
    FunctionOut,
)
from monster.kit.schemas import WHOLE, Input, Line, Name, Output

# `stdio` starts a program on the machine of the engine: that takes the permission `system:write`.
McpTransport: TypeAlias = Literal["streamable-http", "stdio"]
FactoryType: TypeAlias = Literal["official", "custom"]

# What each connection brings: nothing; a token for `Authorization: Bearer`; values for
# `parameters`; what somebody agreed to at an OAuth provider.
McpAuth: TypeAlias = Literal["none", "token", "values", "oauth"]

_LINE = r"^[^\x00-\x1f\x7f]*$"

Address: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=2_000, pattern=r"^https?://[^\s/?#@\\]+(?:[/?][^\s#\\]*)?$"),
]
Variable: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
HeaderName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$")]
Argument: TypeAlias = Annotated[str, StringConstraints(max_length=2_000, pattern=_LINE)]
Command: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=_LINE, strip_whitespace=True)
]
Secret: TypeAlias = Annotated[SecretStr, Field(max_length=20_000)]
Headers: TypeAlias = Annotated[dict[HeaderName, Secret], Field(max_length=30)]
Environments: TypeAlias = Annotated[dict[Variable, Secret], Field(max_length=50)]
Parameters: TypeAlias = Annotated[dict[Variable, Line], Field(max_length=20)]
Allowed: TypeAlias = Annotated[tuple[FunctionName, ...], Field(max_length=MOST_FUNCTIONS)]
Seconds: TypeAlias = Annotated[int, Field(ge=1, le=120), WHOLE]


class McpServerCreate(Input):
    """`url` and `headers` are for `streamable-http`, `command` and `args` for `stdio`.

    `environments` are secrets of the server: variables of its program; in the value of a header,
    and in the path or query of the address, `${NAME}` stands for one. `parameters` (name: what it
    is) are what each connection brings when `auth` is `values`; they are used like environments.
    `allowed` are the only tools there are; empty: all.
    """

    name: Name
    description: Line = ""
    type: FactoryType = "custom"
    compatible_system: Name | None = None
    transport: McpTransport = "streamable-http"
    url: Address | None = None
    headers: Headers = Field(default_factory=dict)
    command: Command | None = None
    args: Annotated[tuple[Argument, ...], Field(max_length=50)] = ()
    environments: Environments = Field(default_factory=dict)
    auth: McpAuth = "none"
    parameters: Parameters = Field(default_factory=dict)
    allowed: Allowed = ()
    timeout_seconds: Seconds = 60


class McpServerChange(Input):
    """Only what is sent is changed. Of headers and environments those that are named; one that is
    empty is forgotten. `effects` is what people say a tool does, whatever the server says.

    A server that is sent to another address, or started otherwise, forgets its headers and
    environments unless they are sent again: they were meant for the one before.
    """

    name: Name = ""
    description: Line = ""
    url: Address = "https://unchanged"
    headers: Headers = Field(default_factory=dict)
    command: Command = "unchanged"
    args: Annotated[tuple[Argument, ...], Field(max_length=50)] = ()
    environments: Environments = Field(default_factory=dict)
    allowed: Allowed = ()
    timeout_seconds: Seconds = 60
    effects: Annotated[dict[FunctionName, EffectName], Field(max_length=MOST_FUNCTIONS)] = Field(
        default_factory=dict
    )


class McpDiscover(Input):
    """With which connection the server is asked; without one with the caller's own, if needed."""

    credential_id: uuid.UUID | None = None


class McpAccept(Input):
    """`digest` is that of what was found and looked at. `effects` of the tools that are new or
    changed; those that are not named may change something (`write`)."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    effects: Annotated[dict[FunctionName, EffectName], Field(max_length=MOST_FUNCTIONS)] = Field(
        default_factory=dict
    )


class McpFoundOut(Output):
    """A tool as the server describes it; `original` is what the server calls it, `hint` what it
    says about the effect (believe it or not), `hash` as in `PinnedFunction`."""

    name: str
    original: str
    description: str
    parameters: dict[str, object]
    hint: EffectName
    hash: str


class McpChangedOut(Output):
    before: FunctionOut
    now: McpFoundOut


class McpLeftOutOut(Output):
    """A tool that cannot be used, and why."""

    name: str
    why: str


class McpDiscoveredOut(Output):
    """What the server said the last time, beside what was accepted. Nothing of it counts yet."""

    digest: str
    new: list[McpFoundOut]
    changed: list[McpChangedOut]
    gone: list[FunctionOut]
    left_out: list[McpLeftOutOut]


class McpServerOut(Output):
    """`tools` are what was accepted; `found` is what waits for that, None if nothing does.

    Of secrets only the names are told.
    """

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    description: str
    type: FactoryType
    compatible_system: str | None
    transport: McpTransport
    url: str | None
    headers: list[str]
    command: str | None
    args: list[str]
    environments: list[str]
    auth: McpAuth
    parameters: dict[str, str]
    allowed: list[str]
    timeout_seconds: int
    oauth_provider_id: uuid.UUID | None
    tools: list[FunctionOut]
    found: McpDiscoveredOut | None
    status: Literal["active", "failing"]
    last_error: str | None
    created_at: datetime
