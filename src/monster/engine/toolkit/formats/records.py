"""Reading what other systems answer, where anything may be missing or null."""

from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]


def dig(found: object, *names: str | int) -> Any:  # noqa: ANN401
    """What is there under these names, one in the other; None if any is missing."""
    value: Any = found
    for name in names:
        try:
            value = value[name]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def within(found: object, *names: str | int) -> Record:
    """The same of an object; empty if there is none."""
    return dict(dig(found, *names) or {})


def several(found: object, *names: str | int) -> list[Record]:
    """The same of a list of objects; empty if there is none."""
    return list(dig(found, *names) or ())


def cut(text: str, limit: int, *, what: str = "text") -> str:
    """Said where it is cut, so that nobody takes a part for the whole."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n\n[The {what} goes on: {len(text) - limit} more characters.]"
