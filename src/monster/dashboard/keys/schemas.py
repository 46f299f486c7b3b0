"""What the screens about API keys take and show."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import BeforeValidator, Field

from monster.contracts.api_keys import ApiKeyChange, ApiKeyCreate, ApiKeyOut, KeyPermission
from monster.dashboard.transcript.answers import Tone
from monster.kit import clock
from monster.kit.schemas import Input, Name

# What a key may do, in words.
WORDS: Mapping[KeyPermission, tuple[str, str]] = {
    "runs:write": ("Ask agents", "Start runs, read their answers, stop them"),
    "runs:read": ("Read runs", "Follow runs again later, read messages"),
    "conversations:read": ("Read conversations", "Those of the key or of its contact"),
    "conversations:write": ("Change conversations", "Begin, rename and delete them"),
    "agents:read": ("Read agents", "What they are called and told"),
    "knowledge:read": ("Search knowledge", "Shared indexes and their documents"),
    "contacts:read": ("Read contacts", "Also ask on behalf of one"),
    "contacts:write": ("Change contacts", "Create them, also with the first question"),
}
USUAL: tuple[KeyPermission, ...] = ("runs:write", "runs:read")

# What a `GET` shows that each of these is allowed.
_LOOKS: Mapping[str, str] = {
    "conversations:read": "/v1/conversations",
    "agents:read": "/v1/agents",
    "knowledge:read": "/v1/indexes",
    "contacts:read": "/v1/contacts",
}

Lifetime: TypeAlias = Literal["never", "30", "90", "365"]
LIFETIMES = (("never", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))


def _blank_is_none(value: object) -> object:
    return (value.strip() or None) if isinstance(value, str) else value


PerMinute: TypeAlias = Annotated[
    Annotated[int, Field(ge=1, le=100_000)] | None, BeforeValidator(_blank_is_none)
]
Budget: TypeAlias = Annotated[
    Annotated[int, Field(ge=1, le=10**15)] | None, BeforeValidator(_blank_is_none)
]


class KeyLimits(Input):
    """What can be changed later, as a form sends it."""

    name: Name
    agent_ids: Annotated[tuple[uuid.UUID, ...], Field(max_length=100)] = ()
    requests_per_minute: PerMinute = None
    budget_tokens: Budget = None

    @property
    def change(self) -> ApiKeyChange:
        return ApiKeyChange.model_validate(self.model_dump())


class KeyForm(KeyLimits):
    """`contact` is an ext_id: whom the key speaks for."""

    permissions: Annotated[frozenset[KeyPermission], Field(min_length=1)]
    contact: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""
    expires: Lifetime = "never"

    def create(self, contact_id: uuid.UUID | None) -> ApiKeyCreate:
        values = self.model_dump(exclude={"contact", "expires"})
        return ApiKeyCreate(**values, contact_id=contact_id, expires_at=self._end())

    def _end(self) -> datetime | None:
        return None if self.expires == "never" else clock.now() + timedelta(days=int(self.expires))


class Choice(NamedTuple):
    """An agent that a key may be limited to."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A key in the list."""

    key: ApiKeyOut
    agents: str

    @property
    def scopes(self) -> str:
        return ", ".join(WORDS[one][0] for one in WORDS if one in self.key.permissions)

    @property
    def over(self) -> bool:
        """Nothing brings it back."""
        return self.status[0] in {"Revoked", "Expired"}

    @property
    def status(self) -> tuple[str, Tone]:
        key = self.key
        if key.revoked_at:
            return "Revoked", "neutral"
        if key.expires_at and key.expires_at <= clock.now():
            return "Expired", "neutral"
        if key.budget_tokens and key.spent_tokens >= key.budget_tokens:
            return "Budget spent", "bad"
        return "Active", "good"


class Page(NamedTuple):
    rows: Sequence[Shown]
    next: uuid.UUID | None


def example(address: str, key: str, permissions: Sequence[str], agent_id: object) -> str:
    """A command that works as it stands, if the key may do anything it can show."""
    bearer = f'-H "Authorization: Bearer {key}"'
    if "runs:write" in permissions:
        return (
            f"curl {address}/v1/agents/{agent_id or 'AGENT_ID'}/runs \\\n  {bearer} \\\n"
            '  -H "Content-Type: application/json" \\\n'
            """  -d '{"message": "Hello"}'"""
        )
    looks = next((path for one, path in _LOOKS.items() if one in permissions), "")
    return f"curl {address}{looks} \\\n  {bearer}" if looks else ""
