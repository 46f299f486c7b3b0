"""What the columns of Notion's databases hold, as plain values and back.

https://developers.notion.com/reference/page-property-values
"""

import re
from collections.abc import Mapping
from typing import Any

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.formats import notion
from monster.engine.toolkit.formats.records import Record, dig, several, within

_ID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$")
_PLAIN = {"number", "checkbox", "url", "email", "phone_number"}
_NAMED = {"select", "status"}


def identity(text: str) -> str:
    """Of an id, or of an address that people copy. Raises ToolFailed."""
    found = _ID.search(text.partition("?")[0].partition("#")[0].strip().rstrip("/").lower())
    if found is None:
        raise ToolFailed(f"{text!r} is neither an id nor an address of Notion")
    return "-".join(found.groups())


def entry(found: Record) -> Record:
    """A page or a data source, as a search finds it."""
    return {
        "id": found["id"],
        "kind": "database" if found["object"] == "data_source" else found["object"],
        "title": title(found),
        "edited": found.get("last_edited_time"),
        "url": found.get("url"),
    }


def title(found: Record) -> str:
    own = several(found, "title")
    for one in within(found, "properties").values():
        if dig(one, "type") == "title" and isinstance(dig(one, "title"), list):
            own = own or several(one, "title")
    return notion.plain(own)


def values(found: Record) -> Record:
    return {name: _value(one) for name, one in within(found, "properties").items()}


def _value(one: Record) -> Any:  # noqa: ANN401
    kind = one["type"]
    held = one.get(kind)
    if kind in ("title", "rich_text"):
        return notion.plain(held or [])
    if kind in _NAMED:
        return dig(held, "name")
    if kind in ("multi_select", "people", "files"):
        return [each.get("name") or each["id"] for each in several(held)]
    if kind == "date":
        span = [dig(held, "start"), dig(held, "end")]
        return span if span[1] else span[0]
    if kind in ("formula", "rollup"):
        return _value(held) if held else None
    return [each["id"] for each in held or ()] if kind == "relation" else _bare(held)


def _bare(held: object) -> Any:  # noqa: ANN401
    """Numbers and words as they are; of what came later, its name if it has one."""
    return dig(held, "name") or dig(held, "id") or held


def properties(schema: Mapping[str, Record], given: Mapping[str, Any]) -> Record:
    """Plain values as Notion wants them. Raises ToolFailed for a column that is not there."""
    unknown = [name for name in given if name not in schema]
    if unknown:
        raise ToolFailed(f"there is no column {unknown[0]!r}; there are: {', '.join(schema)}")
    return {name: _property(name, schema[name]["type"], value) for name, value in given.items()}


def _property(name: str, kind: str, value: Any) -> Record:  # noqa: ANN401
    if kind in ("title", "rich_text"):
        return {kind: notion.text(str(value))}
    if kind in _PLAIN:
        return {kind: value}
    if kind in _NAMED:
        return {kind: {"name": str(value)}}
    held = list(map(str, value if isinstance(value, list) else [value]))  # pyright: ignore[reportUnknownArgumentType]
    if kind == "multi_select":
        return {kind: [{"name": each} for each in held]}
    if kind in ("relation", "people"):
        return {kind: [{"id": identity(each)} for each in held]}
    if kind == "date":
        return {kind: dict(zip(("start", "end"), held, strict=False))}
    raise ToolFailed(f"the column {name!r} is of the kind {kind}, which nobody can write")
