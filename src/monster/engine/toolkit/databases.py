"""What the SQL databases have in common: where they are, and what comes of a statement."""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple, Protocol, cast

from monster.kit.addresses import Guard

SECONDS = 30  # for one statement
LARGEST = 1 << 20  # bytes of all rows together
ROW = 1 << 16  # characters of one row

_COMMENTS = r"(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*"
_QUERY = re.compile(
    rf"\s*{_COMMENTS}\(*\s*(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL
)


class Target(NamedTuple):
    """`tls`: verify, encrypted or none."""

    guard: Guard
    host: str
    port: int
    database: str
    user: str
    password: str
    tls: str


class Rows(NamedTuple):
    """`more`: some were left out. `affected` is how many a statement that writes changed."""

    rows: list[Any]
    more: bool = False
    affected: int | None = None


class Database(Protocol):
    async def read(self, sql: str, limit: int, parameters: Sequence[str] = ()) -> Rows:
        """In a transaction that the database holds to reading; one statement.

        Raises ToolFailed, ConnectionRefused.
        """
        ...

    async def write(self, sql: str, limit: int) -> Rows:
        """One statement, in a transaction of its own. Raises Unclear, too."""
        ...


def is_query(sql: str) -> bool:
    """What can be a part of another query, so that the database itself limits it."""
    return bool(_QUERY.match(sql))


def without_end(sql: str) -> str:
    return sql.strip().removesuffix(";").rstrip()


def within(rows: Sequence[Any], limit: int, size: int = LARGEST) -> Rows:
    """As many as fit."""
    kept, used = list[Any](), 0
    for row in rows[:limit]:
        used += len(str(row))
        if used > size:
            break
        kept.append(row)
    return Rows(kept, more=len(kept) < len(rows))


def plain(value: Any) -> Any:  # noqa: ANN401 (what a driver makes of a column)
    """As JSON can say it."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, str):
        return value if len(value) <= ROW else value[:ROW] + "…"
    text, said = str(value), isinstance(value, int | float | list | dict)
    return cast("Any", value) if said or value is None else text


def named(columns: Sequence[str], values: Sequence[object]) -> Mapping[str, object]:
    return {name: plain(value) for name, value in zip(columns, values, strict=True)}
