"""Whether audit logs are as they were written: every row, and that none is missing.

Hashes are computed here, not with the database's own function: whoever can change rows can change
functions, too.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from monster.kit.audit_chain import FIELDS
from monster.kit.errors import TooMany

_MOST = 100  # breaks that are named; all are counted
_AT_ONCE = 1000  # rows held in memory

Head = tuple[int, bytes]
_START: Head = (0, b"")


class Row(NamedTuple):
    """What of a row is checked, and what it is called if it is broken."""

    tenant_id: uuid.UUID
    seq: int
    id: uuid.UUID
    hash: bytes
    prev_hash: bytes
    fields: list[str | None]
    at: datetime
    action: str
    resource_type: str
    resource_id: str | None


class Break(NamedTuple):
    """Where a chain does not hold. Without `row` it is at its end."""

    tenant_id: uuid.UUID
    seq: int
    reason: str
    row: Row | None = None

    def told(self) -> dict[str, object]:
        row = self.row
        return {
            "seq": self.seq,
            "reason": self.reason,
            "id": row and row.id,
            "created_at": row and row.at,
            "action": row and row.action,
            "resource_type": row and row.resource_type,
            "resource_id": row and row.resource_id,
        }


@dataclass(slots=True)
class Checked:
    rows: int = 0
    broken: int = 0
    breaks: list[Break] = field(default_factory=list[Break])  # the first of them
    heads: dict[uuid.UUID, Head] = field(default_factory=dict[uuid.UUID, Head])  # by tenant

    def report(self, tenant_id: uuid.UUID) -> dict[str, object]:
        """Of one tenant, as `contracts.audit.CheckedOut` says it."""
        return {
            "head": self.heads[tenant_id][1].hex(),
            "intact": not self.broken,
            "rows": self.rows,
            "broken": self.broken,
            "breaks": [one.told() for one in self.breaks],
        }

    def note(self, found: Iterator[Break]) -> None:
        for one in found:
            self.broken += 1
            if len(self.breaks) < _MOST:
                self.breaks.append(one)


_COLUMNS: LiteralString = f"""
    select a.tenant_id, a.seq, a.id, a.hash, a.prev_hash, array[{FIELDS.format("a")}],
        a.created_at, a.action, a.resource_type, a.resource_id
"""
_ALL: LiteralString = f"{_COLUMNS} from audit_log a order by a.tenant_id, a.seq"
_HEADS: LiteralString = "select tenant_id, seq, hash from audit_head"
# The log and its end as they were at one moment, while others go on writing.
_SNAPSHOT = "set transaction isolation level repeatable read, read only"


def verify(connection: psycopg.Connection[Any]) -> Checked:
    """All logs of a database, as a role that sees all tenants."""
    checked = Checked()
    with connection.transaction():
        connection.execute(_SNAPSHOT)
        heads = {row[0]: (row[1], bytes(row[2])) for row in connection.execute(_HEADS)}
        checked.heads = dict(heads)
        with connection.cursor(name="audit") as cursor:  # on the server: a log may be long
            cursor.itersize = _AT_ONCE
            tenant, end = None, _START
            for row in map(Row._make, cursor.execute(_ALL)):
                if row.tenant_id != tenant:
                    checked.note(_ending(tenant, heads, end))
                    tenant, end = row.tenant_id, _START
                checked.rows += 1
                checked.note(_wrong(end, row))
                end = (row.seq, row.hash)
            checked.note(_ending(tenant, heads, end))
    for emptied, head in heads.items():  # those left over: a head, and no row
        checked.note(_cut(emptied, head, _START))
    return checked


_ALONE = text("select pg_try_advisory_xact_lock(hashtextextended('audit' || :tenant, 0))")
_HEAD = text("select seq, hash from audit_head where tenant_id = :tenant")
# With each row where the log ended at that moment: others go on writing.
_ONE = text(f"""{_COLUMNS},
        (select seq from audit_head where tenant_id = :tenant),
        (select hash from audit_head where tenant_id = :tenant)
    from audit_log a where a.tenant_id = :tenant order by a.seq
""")  # noqa: S608 (made of literals)


async def verify_tenant(session: AsyncSession, tenant_id: uuid.UUID) -> Checked:
    """One tenant's log, in a transaction of that tenant. Raises TooMany while another does so."""
    values = {"tenant": tenant_id}
    if not await session.scalar(_ALONE, {"tenant": str(tenant_id)}):
        raise TooMany("this log is being verified already", retry_after=5)
    checked, end = Checked(), _START
    known = (await session.execute(_HEAD, values)).one_or_none()
    head = (known[0], bytes(known[1])) if known else None
    found = await session.stream(_ONE, values, execution_options={"yield_per": _AT_ONCE})
    async for *columns, seq, digest in found:
        row = Row._make(columns)
        head = (seq, bytes(digest)) if digest is not None else None
        checked.rows += 1
        checked.note(_wrong(end, row))
        end = (row.seq, row.hash)
    if head or checked.rows:
        checked.note(_cut(tenant_id, head, end))
    checked.heads[tenant_id] = end
    return checked


def _wrong(last: Head, row: Row) -> Iterator[Break]:
    text = ",".join("-" if one is None else f"{len(one)}:{one}" for one in row.fields)
    if hashlib.sha256(text.encode()).digest() != row.hash:
        yield Break(row.tenant_id, row.seq, "this row was changed", row)
    if row.seq != last[0] + 1:
        missing = f"row {last[0] + 1}" if row.seq == last[0] + 2 else "rows"
        yield Break(row.tenant_id, row.seq, f"{missing} before this one missing", row)
    elif row.prev_hash != last[1]:
        yield Break(row.tenant_id, row.seq, "this row does not follow the one before it", row)


def _ending(tenant: uuid.UUID | None, heads: dict[uuid.UUID, Head], end: Head) -> Iterator[Break]:
    return _cut(tenant, heads.pop(tenant, None), end) if tenant else iter(())


def _cut(tenant: uuid.UUID, head: Head | None, end: Head) -> Iterator[Break]:
    if head is None:
        yield Break(tenant, end[0], "where this log ended is no longer known")
    elif head[0] > end[0]:
        first = end[0] + 1
        which = f"row {first} is" if head[0] == first else f"rows {first} to {head[0]} are"
        yield Break(tenant, first, f"{which} missing at the end")
    elif head != end:
        yield Break(tenant, end[0], "the log does not end with the row it ended with")
