"""What of a change may be written down for ever: no secret, nothing endless, nothing that the
database would refuse."""

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, is_dataclass
from datetime import date
from itertools import islice
from typing import Any, cast

from pydantic import BaseModel

from monster.kit import logs

REDACTED = "[redacted]"

_SECRET = (
    "password", "passphrase", "secret", "token", "apikey", "authorization", "cookie", "privatekey",
    "hash",
)  # fmt: skip
_NAMES = "secrets"  # a list under this name is of names, not of values
_LONGEST = 2000  # characters of one text
_MOST = 100  # entries of one list or mapping
_DEEPEST = 12
_WHOLE = 1 << 63  # integers from here on are written as text


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Mapping[str, Any] | None]:
    """Of what `after` names, what was otherwise before."""
    changed = [name for name in after if name not in before or before[name] != after[name]]
    return {
        "before": {name: before.get(name) for name in changed},
        "after": {name: after[name] for name in changed},
    }


def clean(values: Mapping[str, object]) -> dict[str, object]:
    return _each(values, False, 0)  # noqa: FBT003 (hidden)


def clean_text(text: str, longest: int = _LONGEST) -> str:
    """Values that are known as secrets are masked before anything is cut."""
    text = logs.mask(text.replace("\0", "").encode(errors="replace").decode())
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def _each(values: Mapping[str, object], hidden: bool, depth: int) -> dict[str, object]:  # noqa: FBT001
    kept = {
        clean_text(str(name), 200): _value(value, str(name), hidden, depth)
        for name, value in islice(values.items(), _MOST)
    }
    return kept | ({"…": f"{len(values) - _MOST} more"} if len(values) > _MOST else {})


def _value(value: object, name: str, hidden: bool, depth: int) -> object:  # noqa: FBT001
    hidden = hidden or any(word in re.sub(r"[\W_]", "", name.lower()) for word in _SECRET)
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    elif is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if depth == _DEEPEST:
        return REDACTED if hidden else "…"
    if isinstance(value, Mapping):
        return _each(cast("Mapping[str, object]", value), hidden, depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return _list(cast("Collection[object]", value), name, hidden, depth + 1)
    if hidden and not isinstance(value, bool | uuid.UUID | None):
        return REDACTED
    return _plain(value)


def _list(values: Collection[object], name: str, hidden: bool, depth: int) -> list[object]:  # noqa: FBT001
    names = name == _NAMES and all(isinstance(value, str) for value in values)
    kept = [_value(value, "", hidden and not names, depth) for value in islice(values, _MOST)]
    return [*kept, f"… ({len(values) - _MOST} more)"] if len(values) > _MOST else kept


def _plain(value: object) -> object:
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    if isinstance(value, bool | float | date | uuid.UUID | None):
        return value
    if isinstance(value, int) and -_WHOLE <= value < _WHOLE:
        return value
    return clean_text(str(value))
