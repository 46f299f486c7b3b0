"""What the engine says about credentials, and what it is told. Secrets go in and never come out."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr

from monster.contracts.agents import Sharing
from monster.kit.schemas import Input, Name, Output

ModelSystem: TypeAlias = Literal["openai", "anthropic", "google"]
CredentialStatus: TypeAlias = Literal["active", "expired", "failing", "pending"]

# By parameter of the strategy, as the factory's `auth_config` names them.
Values: TypeAlias = Annotated[dict[Name, SecretStr], Field(max_length=50)]


class CredentialCreate(Input):
    """For a tool factory, named by its id or, if it comes with Monster, by its `system_name`.

    Without a `strategy`, the factory's first. With OAuth, `oauth_provider_id` is one that the
    workspace registered with; without it the platform's own registration is used. The credential
    is then `pending` until somebody has agreed at the provider.
    """

    tool_factory_id: uuid.UUID | None = None
    system_name: Name | None = None
    strategy: Name | None = None
    name: Name
    scope: Sharing = "private"
    oauth_provider_id: uuid.UUID | None = None
    values: Values = Field(default_factory=dict)


class CredentialChange(Input):
    """Only what is sent is changed; of `values`, those that are named."""

    name: Name = ""
    scope: Sharing = "private"
    values: Values = Field(default_factory=dict)


class CredentialOut(Output):
    """`config` are the values that are not secret, `secrets` the names of those that are;
    `account` is who the other side says we are."""

    id: uuid.UUID
    user_id: uuid.UUID
    tool_factory_id: uuid.UUID
    system_name: str  # empty if the factory is the workspace's own
    strategy: str
    name: str
    scope: Sharing
    config: dict[str, str]
    secrets: list[str]
    account: str | None
    status: CredentialStatus
    last_error: str | None
    last_used_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
