"""What the screens of an agent's tools send, and what they show."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from monster.contracts.auth_config import Parameter
from monster.contracts.credentials import CredentialOut
from monster.contracts.tools import Approval, EffectName, ToolFactoryOut
from monster.dashboard.tools.models import Tool
from monster.dashboard.web.problems import sentence
from monster.kit.errors import Conflict, Invalid, NotFound

APPROVALS: Sequence[tuple[Approval, str]] = (
    ("untrusted", "Asks after outside content"),
    ("always", "Asks before every change"),
    ("never", "Runs by itself"),
)
ANYBODYS = ""  # no connection of its own: whoever talks to the agent uses theirs
_EFFECTS: dict[EffectName, tuple[str, str]] = {
    "read": ("read", "neutral"),
    "idempotent": ("change", "warn"),
    "write": ("write", "warn"),
}


CONFIG = "config."  # before the names of settings, as fields of a form
_HINTS = {
    "name": "A short name: a letter, then letters, digits and _.",
    "functions": "Choose at least one.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A tool of the agent; without `factory`, the engine has nothing of that kind any more.

    `stopped` are functions that it was given and that are gone.
    """

    tool: Tool
    factory: ToolFactoryOut | None
    connection: CredentialOut | None
    needs_connection: bool

    @property
    def tags(self) -> list[tuple[str, str, str]]:
        """(name, effect in a word, tone)."""
        there = self.factory.tools if self.factory else []
        known = {one.name: _EFFECTS[one.effect] for one in there}
        names = self.tool.functions or list(known)
        found = [(name, known.get(name, ("stopped", "bad"))) for name in names]
        return [(name, word, tone) for name, (word, tone) in found]

    @property
    def trouble(self) -> str:
        if self.factory is None:
            return "What it was made of is gone. Detach it."
        if self.factory.status == "failing":
            return sentence(self.factory.last_error or "It does not work now")
        if self.connection and self.connection.status != "active":
            return sentence(self.connection.last_error or "Its connection does not work")
        return ""

    @property
    def where(self) -> str:
        """The page on which the trouble can be ended, if there is one."""
        if self.factory and self.factory.status == "failing":
            is_server = self.factory.kind == "mcp_server"
            return f"/settings/mcp/{self.factory.id}" if is_server else ""
        return f"/connections/{self.connection.id}" if self.connection else ""

    @property
    def account(self) -> str:
        """With whose connection it works."""
        if self.connection:
            return " · ".join(filter(None, [self.connection.name, self.connection.account]))
        if not self.needs_connection:
            return "Needs no connection"
        if self.tool.credential_id:
            return "A connection that is gone, or private to somebody else: people use their own"
        return "Everybody uses a connection of their own"


@dataclass(frozen=True, slots=True)
class Bench:
    """What one can choose when a tool is attached or changed."""

    factory: ToolFactoryOut
    connections: Sequence[CredentialOut]
    parameters: Sequence[Parameter]  # of its settings
    needs_connection: bool

    @property
    def options(self) -> list[tuple[str, str]]:
        named = [(str(one.id), _described(one)) for one in self.connections]
        return [*named, (ANYBODYS, "Whoever talks to it uses their own")]

    @property
    def settings(self) -> list["Setting"]:
        return [_setting(parameter) for parameter in self.parameters]

    def effect(self, name: str) -> tuple[str, str]:
        return next(_EFFECTS[one.effect] for one in self.factory.tools if one.name == name)


class Setting(NamedTuple):
    """A field of the form."""

    key: str
    label: str
    help: str
    type: Literal["text", "number"]
    options: list[tuple[str, str]]
    default: str
    required: bool


def _setting(parameter: Parameter) -> Setting:
    free = [] if parameter.required else [("", "As it is")]
    return Setting(
        f"config.{parameter.name}",
        parameter.name.replace("_", " ").capitalize(),
        parameter.description,
        "number" if parameter.type == "number" else "text",
        [*free, *((one, one) for one in parameter.options)] if parameter.options else [],
        parameter.default or "",
        parameter.required,
    )


def _described(credential: CredentialOut) -> str:
    whose = "shared" if credential.scope == "shared" else "only yours"
    return f"{credential.name} ({', '.join(filter(None, [credential.account, whose]))})"


def slug(name: str) -> str:
    """A name as a model is shown it."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    return plain if plain[:1].isalpha() else f"tool_{plain}"[:40]


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was left."""

    values: Mapping[str, str]
    functions: Sequence[str]
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


def body(typed: Typed) -> dict[str, Any]:
    """Raises Invalid: none chosen would mean all."""
    if not typed.functions:
        raise Invalid(_HINTS["functions"], field="functions")
    values = typed.values
    try:
        named = values.get("credential_id", "")
        chosen = uuid.UUID(named) if named else None
    except ValueError as error:
        raise Invalid("choose a connection", field="credential_id") from error
    return {
        "name": values.get("name", ""),
        "description": values.get("description", ""),
        "approval": values.get("approval", ""),
        "credential_id": chosen,
        "functions": typed.functions,
        "config": {
            name.removeprefix(CONFIG): text
            for name, text in values.items()
            if name.startswith(CONFIG) and text
        },
    }


def wrong(typed: Typed, error: ValidationError | Invalid | Conflict | NotFound) -> Typed:
    if isinstance(error, ValidationError):
        fields = {str(one["loc"][0]): f"{one['msg']}." for one in error.errors()}
        fields |= {name: hint for name, hint in _HINTS.items() if name in fields}
    else:
        fields = {error.field or "": sentence(error.message)}
    return Typed(typed.values, typed.functions, fields)
