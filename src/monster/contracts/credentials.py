"""What the engine says about credentials, and what it is told. Values go in and never come out."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr

from monster.contracts.agents import Sharing
from monster.kit.schemas import Input, Name, Output

ModelSystem: TypeAlias = Literal["openai", "anthropic", "google"]
CredentialStatus: TypeAlias = Literal["active", "expired", "failing"]


class CredentialCreate(Input):
    """`openai` is any server that speaks the OpenAI format; `base_url` says which one."""

    system_name: ModelSystem
    name: Name
    scope: Sharing = "shared"
    base_url: Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s\x00]+$")] | None = None
    secrets: Annotated[dict[Name, SecretStr], Field(max_length=20)]  # {"api_key": …}


class CredentialOut(Output):
    """`secrets` are the names of what is set; `account` is who the other side says we are."""

    id: uuid.UUID
    user_id: uuid.UUID
    system_name: ModelSystem
    name: str
    scope: Sharing
    base_url: str | None
    secrets: list[str]
    account: str | None
    status: CredentialStatus
    last_error: str | None
    last_used_at: datetime | None
    created_at: datetime
