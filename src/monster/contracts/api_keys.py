"""What the engine says about API keys, and what it is told. A key is shown once, when made."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from monster.kit.schemas import WHOLE, Input, Moment, Name, Output

# A key can do no more than this, whoever made it. It never manages keys.
KeyPermission: TypeAlias = Literal[
    "runs:write",
    "runs:read",
    "conversations:read",
    "conversations:write",
    "agents:read",
    "knowledge:read",
    "contacts:read",
    "contacts:write",
]

PerMinute: TypeAlias = Annotated[int, Field(ge=1, le=100_000), WHOLE]
Budget: TypeAlias = Annotated[int, Field(ge=1, le=10**15), WHOLE]
Permissions: TypeAlias = Annotated[frozenset[KeyPermission], Field(min_length=1)]
AgentIds: TypeAlias = Annotated[tuple[uuid.UUID, ...], Field(max_length=100)]


class ApiKeyCreate(Input):
    """No `agent_ids` means every shared agent; `contact_id`: every call is on their behalf."""

    name: Name
    permissions: Permissions
    agent_ids: AgentIds = ()
    contact_id: uuid.UUID | None = None
    requests_per_minute: PerMinute | None = None
    budget_tokens: Budget | None = None
    expires_at: Moment | None = None


class ApiKeyChange(Input):
    """What is not given stays as it is; null lifts a limit."""

    name: Name = ""
    agent_ids: AgentIds = ()
    requests_per_minute: PerMinute | None = None
    budget_tokens: Budget | None = None


class ApiKeyOut(Output):
    """`prefix` is how people recognise it; `spent_tokens` are of this calendar month (UTC)."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    prefix: str
    permissions: list[str]
    agent_ids: list[uuid.UUID]
    contact_id: uuid.UUID | None
    requests_per_minute: int | None
    budget_tokens: int | None
    spent_tokens: int
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime


class ApiKeyMade(ApiKeyOut):
    """The only answer that ever holds the key."""

    key: str
