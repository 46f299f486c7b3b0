"""What the screens about custom tools take and show."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from monster.contracts.custom_tools import FunctionTried
from monster.contracts.tools import ToolFactoryOut
from monster.dashboard.custom_tools.errors import BadArguments
from monster.dashboard.systems.schemas import Asked

HOME = "/settings/custom-tools"
_LONGEST = 20_000  # characters of a result that are shown
ROWS = range(8)  # of parameters, in the form of a function
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
PLACES = (
    ("path", "In the path"),
    ("query", "In the query"),
    ("header", "In a header"),
    ("body", "In the body"),
)
TYPES = (
    ("string", "Text"),
    ("integer", "Whole number"),
    ("number", "Number"),
    ("boolean", "Yes or no"),
    ("array", "List of texts"),
    ("object", "Object"),
)
EFFECTS = (
    ("", "As its method: GET reads, others act"),
    ("read", "Reads"),
    ("idempotent", "Sets: again is no harm"),
    ("write", "Acts: again acts again"),
)
AUTH = (
    ("none", "Nothing", "Anybody may call it."),
    ("bearer", "A token", "Sent as “Authorization: Bearer …”."),
    ("header", "A key in a header", "Say which below."),
    ("query", "A key in the query", "Say which below."),
    ("basic", "User name and password", "Basic authentication."),
)
_KEY = {"strategy_token": {"1. key": {"description": "Key", "type": "secret"}}}
_PAIR = {
    "strategy_basic": {
        "1. username": {"description": "User name", "type": "text"},
        "2. password": {"description": "Password", "type": "secret"},
    }
}


def tool_body(typed: Mapping[str, str]) -> dict[str, object]:
    """A tool with its first function, as the engine takes it."""
    told = {name: typed.get(name, "").strip() for name in ("name", "description", "base_url")}
    return {**told, **_auth(typed), "functions": [function_body(typed)]}


def _auth(typed: Mapping[str, str]) -> dict[str, object]:
    kind, place = typed.get("auth", "none"), typed.get("auth_name", "").strip()
    if kind == "basic":
        return {"auth_config": _PAIR, "basic": ["{username}", "{password}"]}
    sent: dict[str, dict[str, object]] = {
        "bearer": {"headers": {"Authorization": "Bearer {key}"}},
        "header": {"headers": {place: "{key}"}},
        "query": {"query": {place: "{key}"}},
    }
    return {"auth_config": _KEY, **sent[kind]} if kind in sent else {}


def function_body(typed: Mapping[str, str]) -> dict[str, object]:
    names = {"name": "function", "description": "says", "method": "method", "path": "path"}
    told: dict[str, object] = {key: typed.get(name, "").strip() for key, name in names.items()}
    found = [_parameter(typed, row) for row in ROWS if typed.get(f"p{row}.name", "").strip()]
    effect = typed.get("effect", "")
    return told | {
        "method": told["method"] or METHODS[0],
        "parameters": found,
        "result": typed.get("result", "").strip(),
        **({"effect": effect} if effect else {}),
    }


def has_many(typed: Mapping[str, str]) -> bool:
    """More parameters than are shown at first."""
    return any(typed.get(f"p{row}.name", "").strip() for row in ROWS[2:])


def _parameter(typed: Mapping[str, str], row: int) -> dict[str, object]:
    def said(name: str) -> str:
        return typed.get(f"p{row}.{name}", "").strip()

    kind = said("type") or "string"
    shape = {"type": kind, **({"items": {"type": "string"}} if kind == "array" else {})}
    told: dict[str, object] = {
        "name": said("name"),
        "place": said("place") or "query",
        "description": said("description"),
        "shape": shape,
        "required": said("required") == "on" or said("place") == "path",
    }
    return told | ({"default": _read(said("default"), kind)} if said("default") else {})


def _read(text: str, kind: str) -> object:
    """A default as its type has it; what is none stays text, and the engine says so."""
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def try_body(typed: Mapping[str, str]) -> dict[str, object]:
    """Raises BadArguments."""
    try:
        arguments: object = json.loads(typed.get("arguments", "").strip() or "{}")
    except (ValueError, RecursionError) as error:
        raise BadArguments("That is no JSON.", field="arguments") from error
    if not isinstance(arguments, dict):
        raise BadArguments('Write an object, such as {"id": 7}.', field="arguments")
    return {"function": typed.get("try", ""), "arguments": cast("dict[str, object]", arguments)}


def shown(tried: FunctionTried) -> str:
    """The result as it is read: text as it stands, all else as JSON."""
    told: object = tried.result
    text = told if isinstance(told, str) else json.dumps(told, indent=2, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n…"


def functions(tool: ToolFactoryOut) -> list[dict[str, Any]]:
    """As they were made; the engine hands them back with the rest of what a tool is."""
    return list(cast("Sequence[dict[str, Any]]", tool.config.get("functions", ())))


_FIELDS = {"name": "function", "description": "says", "method": "method", "path": "path"}
_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "base_url": "Enter a whole address that begins with http, without password, ? or #.",
    "function": "Letters, digits, _ and -; a letter first.",
    "says": "Say what it does: it is what the model reads.",
    "path": "It begins with / and has no ? or #.",
    "operations": "Choose at least one.",
}


def refused(typed: Mapping[str, str], code: str, field: str | None, message: str) -> Asked:
    """The form again, with what the engine says at its field: `functions.0.path` is `path`."""
    parts = (field or "").split(".")
    if parts[0] == "functions":
        inner = parts[2] if len(parts) > 2 else "name"
        name = _FIELDS.get(inner, "parameters" if inner == "parameters" else "")
    else:
        name = {"headers": "auth_name", "query": "auth_name"}.get(parts[0], parts[0])
    return Asked(typed, {name: _HINTS.get(name, message) if code == "invalid" else message})
