"""All SQL about contacts. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence
from typing import LiteralString

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.contacts import Holdings
from monster.engine.access.scope import Scope
from monster.engine.contacts.models import Contact
from monster.engine.contacts.schemas import Piece, Place

_PIECE = 500  # rows of an export read at once; of files, which may be large, one
_FRESH = {"populate_existing": True}  # what was read before is read again

# What there is about a contact: each part's table, the two columns of its order, what makes it
# theirs. Leases are not told: they say which process is at work and nothing about anybody.
_TALKS: LiteralString = "select id from conversation where tenant_id = :tenant and contact_id = :id"
_RUNS: LiteralString = (
    f"select id from run where tenant_id = :tenant and conversation_id in ({_TALKS})"  # noqa: S608 (made of literals)
)
_PARTS: Mapping[str, tuple[LiteralString, LiteralString, LiteralString, LiteralString]] = {
    "keys": ("api_key", "id", "0", "contact_id = :id"),
    "conversations": ("conversation", "id", "0", "contact_id = :id"),
    "runs": ("run", "id", "0", f"conversation_id in ({_TALKS})"),
    "messages": ("message", "conversation_id", "seq", f"conversation_id in ({_TALKS})"),
    "tool_calls": ("tool_call", "id", "0", f"run_id in ({_RUNS})"),
    "events": ("run_event", "run_id", "seq", f"run_id in ({_RUNS})"),
    "files": ("attachment", "id", "0", f"conversation_id in ({_TALKS})"),
    "leases": ("run_lease", "run_id", "0", f"run_id in ({_RUNS})"),
}
EXPORTED = tuple(name for name in _PARTS if name != "leases")

_COUNTS = [
    f"(select count(*) from {table} where tenant_id = :tenant and {own}) as {name}"  # noqa: S608 (made of literals)
    for name, (table, _, _, own) in _PARTS.items()
]
_COUNT = f"select {', '.join(_COUNTS)}"


def _piece(part: str) -> str:
    table, first, second, own = _PARTS[part]
    return f"""
        select to_jsonb(t) - 'tenant_id' - 'key_hash', {first}, {second} from {table} t
        where tenant_id = :tenant and {own} and (cast(:after as uuid) is null
            or ({first}, {second}) > (cast(:after as uuid), cast(:number as int)))
        order by 2, 3 limit :limit
    """  # noqa: S608 (made of literals)


# While this is held nobody begins a conversation of the contact: its reference waits.
_HOLD: LiteralString = """
    select id from contact where tenant_id = :tenant and id = :id for update
"""

# As `kit.pool` queues on a conversation: the lower 63 bits of its id.
_ALONE: LiteralString = f"""
    select pg_advisory_xact_lock((('x' || right(replace(id::text, '-', ''), 16))::bit(64)::bigint
        & 9223372036854775807)) from ({_TALKS} order by id) talk
"""  # noqa: S608 (made of literals)

# First the lease, in the order of every writer; who has lost it writes nothing more.
_END_RUNS: LiteralString = f"""
    with ended as (
        delete from run_lease where tenant_id = :tenant and run_id in ({_RUNS}) returning run_id
    )
    select pg_notify('run_cancel', run_id::text) from ended
    union all
    select pg_notify('run_event', id::text) from run where tenant_id = :tenant
        and status in ('queued', 'running') and conversation_id in ({_TALKS})
"""  # noqa: S608 (made of literals)

_DELETE: LiteralString = "delete from contact where tenant_id = :tenant and id = :id"


def _visible(scope: Scope) -> ColumnElement[bool]:
    """To a program that speaks for one contact: that one."""
    bound = true() if scope.contact_id is None else Contact.id == scope.contact_id
    return and_(Contact.tenant_id == scope.tenant_id, bound)


def _of(scope: Scope, contact_id: uuid.UUID, **more: object) -> dict[str, object]:
    return {"tenant": scope.tenant_id, "id": contact_id, **more}


async def get(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> Contact | None:
    return await session.scalar(
        select(Contact).where(_visible(scope)).where(Contact.id == contact_id)
    )


async def page(
    session: AsyncSession,
    scope: Scope,
    named: Mapping[str, str | None],
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[Contact]:
    """Newest first. `q` is part of a name or of an `ext_id`, `ext_id` all of it."""
    rows = select(Contact).where(_visible(scope))
    if query := named.get("q"):
        in_ext_id = Contact.ext_id.icontains(query, autoescape=True)
        rows = rows.where(or_(Contact.name.icontains(query, autoescape=True), in_ext_id))
    if (ext_id := named.get("ext_id")) is not None:
        rows = rows.where(Contact.ext_id == ext_id)
    if after is not None:
        rows = rows.where(Contact.id < after)
    return (await session.scalars(rows.order_by(Contact.id.desc()).limit(limit))).all()


async def insert_if_free(
    session: AsyncSession, scope: Scope, values: Mapping[str, object]
) -> Contact | None:
    """None if the `ext_id` is taken."""
    new = insert(Contact).values(tenant_id=scope.tenant_id, **values)
    free = new.on_conflict_do_nothing(
        index_elements=["tenant_id", "ext_id"], index_where=Contact.ext_id.is_not(None)
    )
    return await session.scalar(free.returning(Contact))


async def change(
    session: AsyncSession, scope: Scope, contact_id: uuid.UUID, values: Mapping[str, object]
) -> Contact | None:
    changed = update(Contact).where(_visible(scope)).where(Contact.id == contact_id)
    changed = changed.values(updated_at=func.now(), **values).returning(Contact)
    return await session.scalar(changed, execution_options=_FRESH)


async def hold(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> bool:
    """Until the transaction ends, nothing more is begun or written for the contact."""
    found = await session.scalar(text(_HOLD), _of(scope, contact_id))
    if found is not None:
        await session.execute(text(_ALONE), _of(scope, contact_id))
    return found is not None


async def count(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> Holdings:
    row = (await session.execute(text(_COUNT), _of(scope, contact_id))).one()
    return Holdings.model_validate(row)


async def erase(session: AsyncSession, scope: Scope, contact_id: uuid.UUID) -> None:
    """With all that refers to it; what runs is told to stop when this is committed."""
    await session.execute(text(_END_RUNS), _of(scope, contact_id))
    await session.execute(text(_DELETE), _of(scope, contact_id))


async def piece(
    session: AsyncSession, scope: Scope, contact_id: uuid.UUID, part: str, after: Place | None
) -> Piece:
    at = {"after": after.id if after else None, "number": after.number if after else 0}
    limit = 1 if part == "files" else _PIECE
    params = _of(scope, contact_id, limit=limit, **at)
    found = (await session.execute(text(_piece(part)), params)).all()
    rows = [row[0] for row in found]
    return Piece(rows, Place(found[-1][1], found[-1][2]) if len(found) == limit else None)
