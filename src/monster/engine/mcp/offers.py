"""What a server says that it can do: data to be judged, never to be trusted."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from monster.contracts.pinning import digest
from monster.contracts.tools import EffectName
from monster.engine.mcp.names import accepted
from monster.engine.toolkit.effects import ToolFailed

_LONGEST_DESCRIPTION = 20_000  # characters
_LARGEST_SCHEMA = 64 << 10  # bytes
_DEEPEST = 40  # levels of a schema
_LARGEST = 4 << 20  # bytes of all that a server offers


class Changed(ToolFailed):
    """The server says something else about a tool than when the agent was published."""


class Described(NamedTuple):
    """A tool in the server's own words."""

    name: str
    description: str
    parameters: dict[str, Any]
    reads: bool
    idempotent: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """`original` is what the server calls it; `hint` what it says about the effect."""

    name: str
    original: str
    description: str
    parameters: dict[str, Any]
    hint: EffectName
    hash: str
    size: int  # bytes


class Offers(NamedTuple):
    """By name. `left_out` are those that cannot be used, as the server calls them, and why."""

    found: Mapping[str, Offer]
    left_out: tuple[tuple[str, str], ...]


def read(described: Iterable[Described]) -> Offers:
    left_out: list[tuple[str, str]] = []
    usable: list[Offer] = []
    total = 0
    for one in described:
        offer = _offer(one)
        if isinstance(offer, Offer) and total + offer.size > _LARGEST:
            offer = "all tools together are too large"
        if isinstance(offer, str):
            left_out.append((_shown(one.name), offer))
        else:
            total += offer.size
            usable.append(offer)
    times = Counter(offer.name for offer in usable)
    left_out += [
        (offer.original, "two tools have this name") for offer in usable if times[offer.name] > 1
    ]
    return Offers({one.name: one for one in usable if times[one.name] == 1}, tuple(left_out))


def _offer(one: Described) -> Offer | str:
    """Or why it cannot be one."""
    why = next((why for is_wrong, why in _RULES if is_wrong(one)), None)
    if why:
        return why
    name = accepted(one.name)
    hint: EffectName = "read" if one.reads else "idempotent" if one.idempotent else "write"
    mark = digest(name, one.description, one.parameters)
    size = len(json.dumps(one.parameters)) + len(one.description)
    return Offer(name, one.name, one.description, one.parameters, hint, mark, size)


def _is_unstorable(one: Described) -> bool:
    """No JSON at all, or with what PostgreSQL refuses: NUL, and half of a pair of surrogates."""
    try:
        text = json.dumps(list(one), allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError):
        return True
    return "\\u0000" in text


def _is_too_long(one: Described) -> bool:
    schema = json.dumps(one.parameters, ensure_ascii=False).encode()
    return len(one.description) > _LONGEST_DESCRIPTION or len(schema) > _LARGEST_SCHEMA


def _is_too_deep(one: Described) -> bool:
    """Level by level: it must not recurse into what it is to judge."""
    level: list[Any] = [one.parameters]
    for _ in range(_DEEPEST):
        level = [part for value in level for part in _parts(value)]
    return bool(level)


def _refers_away(one: Described) -> bool:
    """A `$ref` must stay in the schema: nobody fetches anything for it."""
    left: list[Any] = [one.parameters]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            target: object = value.get("$ref", "#")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            if isinstance(target, str) and not target.startswith("#"):
                return True
        left.extend(_parts(value))
    return False


def _parts(value: Any) -> Iterable[Any]:  # noqa: ANN401
    if isinstance(value, dict):
        return value.values()  # pyright: ignore[reportUnknownVariableType]
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType]


_RULES: tuple[tuple[Callable[[Described], bool], str], ...] = (
    (_is_unstorable, "it has characters that cannot be stored"),
    (_is_too_long, "its description is too long"),
    (_is_too_deep, "its parameters are nested too deeply"),
    (lambda one: one.parameters.get("type") != "object", "its parameters are no object"),
    (_refers_away, "its parameters refer to another document"),
)


def _shown(name: str) -> str:
    return name.replace("\0", "").encode(errors="replace").decode()[:200]
