"""What the screens about MCP servers take and show."""

import difflib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monster.contracts.mcp import McpChangedOut, McpFoundOut, McpServerOut
from monster.contracts.tools import EffectName, FunctionOut
from monster.dashboard.systems.schemas import Asked

HOME = "/settings/mcp"
EFFECT = "effect."  # before the name of a tool, in forms
ALLOWED = "allowed"
EFFECTS = (
    ("read", "Reads"),
    ("idempotent", "Sets: again is no harm"),
    ("write", "Acts: again acts again"),
)
AUTH = (
    ("none", "Nothing"),
    ("token", "A token, sent as bearer"),
    ("values", "Values of its own"),
    ("oauth", "Signing in (OAuth)"),
)


class State(NamedTuple):
    text: str
    tone: str


class Found(NamedTuple):
    """A tool that waits for a look; `rows` are what changed, as (sign, text).

    `effect` is what a hurried person accepts; `claim` is what the server says besides, if anything.
    """

    name: str
    description: str
    effect: EffectName
    rows: Sequence[tuple[str, str]] = ()
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """An MCP server, as a person sees it."""

    out: McpServerOut

    @property
    def id(self) -> uuid.UUID:
        return self.out.id

    @property
    def path(self) -> str:
        return f"{HOME}/{self.out.id}"

    @property
    def address(self) -> str:
        return self.out.url or " ".join([self.out.command or "", *self.out.args])

    @property
    def is_program(self) -> bool:
        return self.out.transport == "stdio"

    @property
    def waits(self) -> bool:
        """For somebody to look at what it offers."""
        found = self.out.found
        return bool(found and (found.new or found.changed or found.gone))

    @property
    def state(self) -> State:
        if self.waits:
            return State("Changed, look at it" if self.out.tools else "Look at its tools", "warn")
        if self.out.status == "failing":
            return State("Not working", "bad")
        return State("Working", "good") if self.out.tools else State("Not asked yet", "neutral")

    @property
    def names(self) -> Sequence[str]:
        """Of every tool that is known, for the list of those that are allowed."""
        found = self.out.found
        new = [one.name for one in found.new] if found else []
        return list(dict.fromkeys([*(one.name for one in self.out.tools), *self.out.allowed, *new]))

    @property
    def new(self) -> Sequence[Found]:
        found = self.out.found
        is_official = self.out.type == "official"
        return [_new(one, is_official=is_official) for one in found.new] if found else ()

    @property
    def changed(self) -> Sequence[Found]:
        return [_changed(one) for one in self.out.found.changed] if self.out.found else ()

    @property
    def values(self) -> Mapping[str, str]:
        """Of the form. What is secret is not among them."""
        out = self.out
        return {
            "name": out.name,
            "description": out.description,
            "url": out.url or "",
            "command": out.command or "",
            "args": "\n".join(out.args),
            "timeout_seconds": str(out.timeout_seconds),
        }

    def matches(self, words: str) -> bool:
        text = f"{self.out.name} {self.out.description} {self.address}".casefold()
        return all(word in text for word in words.casefold().split())


def _new(one: McpFoundOut, *, is_official: bool) -> Found:
    """A server of anybody's may lie about its tools: what it says of them is shown, not chosen."""
    if is_official or one.hint == "write":
        return Found(one.name, one.description, one.hint)
    claim = {"read": "only reads", "idempotent": "may be repeated"}[one.hint]
    return Found(one.name, one.description, "write", claim=f"The server says that it {claim}.")


def _changed(one: McpChangedOut) -> Found:
    rows = [
        (line[0], line[2:])
        for line in difflib.ndiff(_lines(one.before), _lines(one.now))
        if line[0] in " +-"
    ]
    return Found(one.now.name, "", one.before.effect, rows)


def _lines(one: FunctionOut | McpFoundOut) -> list[str]:
    shape = json.dumps(one.parameters, indent=2, sort_keys=True, ensure_ascii=False)
    return [*one.description.splitlines(), *shape.splitlines()]


def create_body(typed: Mapping[str, str]) -> dict[str, object]:
    is_program = typed.get("transport") == "stdio"
    told: dict[str, object] = {
        "name": typed.get("name", ""),
        "description": typed.get("description", ""),
        "transport": "stdio" if is_program else "streamable-http",
        "auth": typed.get("auth", "none"),
        "environments": _pairs(typed.get("environments", ""), "="),
        "parameters": _pairs(typed.get("parameters", ""), ":"),
    }
    if is_program:
        return told | {"command": typed.get("command", ""), "args": _some(typed.get("args", ""))}
    return told | {"url": typed.get("url", ""), "headers": _pairs(typed.get("headers", ""), ":")}


def change_body(
    server: McpServerOut, typed: Mapping[str, str], allowed: Sequence[str], names: Sequence[str]
) -> dict[str, object]:
    """Only what differs: a server that is sent elsewhere forgets what is secret."""
    told: dict[str, object] = {one: typed[one] for one in ("name", "description") if one in typed}
    if server.transport == "stdio":
        program = {"command": typed.get("command", ""), "args": _some(typed.get("args", ""))}
        if program != {"command": server.command, "args": server.args}:
            told |= program
    elif typed.get("url", "") != server.url:
        told["url"] = typed.get("url", "")
    for kind, sign in (("headers", ":"), ("environments", "=")):
        if typed.get(kind, "").strip():
            told[kind] = _pairs(typed[kind], sign)
    seconds = typed.get("timeout_seconds", "").strip()
    told["timeout_seconds"] = int(seconds) if seconds.isascii() and seconds.isdigit() else seconds
    told["allowed"] = [] if set(allowed) >= set(names) else list(allowed)
    return told | {"effects": effects(typed)}


def effects(typed: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(EFFECT): text for name, text in typed.items() if name.startswith(EFFECT)
    }


def _pairs(text: str, sign: str) -> dict[str, str]:
    """One to a line: what stands before the sign, and after it."""
    split = [line.partition(sign) for line in text.splitlines() if line.strip()]
    return {name.strip(): value.strip() for name, _, value in split}


def _some(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "url": "Enter a whole address, such as https://mcp.example.com/mcp, without password and #.",
    "headers": "One to a line, such as X-Key: ${KEY}.",
    "environments": "One to a line, such as KEY=value; names have letters, digits and _.",
    "parameters": "One to a line, such as team_id: Which team; names have letters, digits and _.",
    "timeout_seconds": "A whole number of seconds, up to two minutes.",
}


def refused(typed: Mapping[str, str], code: str, field: str | None, message: str) -> Asked:
    """The form again, with what the engine says at its field."""
    name = (field or "").partition(".")[0]
    kept = {one: text for one, text in typed.items() if one not in ("headers", "environments")}
    return Asked(kept, {name: _HINTS.get(name, message) if code == "invalid" else message})


def problem(asked: Asked) -> str:
    """What is wrong with no field of the form."""
    shown = {*_HINTS, "description", "command", "args"}
    return next((said for name, said in asked.errors.items() if name not in shown), "")
