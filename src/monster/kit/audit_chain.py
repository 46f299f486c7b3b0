"""How audit rows hang together: what the database does as one is written, and how that is checked.

Hash of a row: SHA-256 over its fields as text, each with its length before it, the hash of the row
before it among them. The check computes it here, not with the database's own function: whoever can
change rows can change functions, too.
"""

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any, LiteralString, NamedTuple

import psycopg
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from monster.kit import columns, migrations, tenancy

_FIELDS: LiteralString = """
    encode({0}.prev_hash, 'hex'), {0}.seq::text, {0}.tenant_id::text, {0}.id::text,
    (extract(epoch from {0}.created_at) * 1000000)::bigint::text, {0}.principal,
    {0}.user_id::text, {0}.impersonator_id::text, {0}.action, {0}.resource_type,
    {0}.resource_id, {0}.details::text, {0}.ip_address, {0}.user_agent
"""

_TRIGGER = f"""
    create function audit_chain() returns trigger language plpgsql security definer
        set search_path = public, pg_temp as $$
    declare head audit_head;
    begin
        insert into audit_head as h (tenant_id, seq, hash) values (new.tenant_id, 0, '')
            on conflict (tenant_id) do update set seq = h.seq returning * into head;
        new.seq := head.seq + 1;
        new.prev_hash := head.hash;
        new.created_at := clock_timestamp();
        select sha256(convert_to(string_agg(
                coalesce(length(f)::text || ':' || f, '-'), ',' order by n), 'UTF8'))
            into new.hash from unnest(array[{_FIELDS.format("new")}]) with ordinality u(f, n);
        update audit_head set seq = new.seq, hash = new.hash where tenant_id = new.tenant_id;
        return new;
    end $$;
    create trigger audit_chain before insert on audit_log
        for each row execute function audit_chain();
"""  # noqa: S608 (made of literals)


def create(role: str) -> None:
    """For a migration: both tables, their walls, and the trigger."""
    op.create_table(
        "audit_log",
        *columns.uuids("tenant_id", "id"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *columns.texts("principal"),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("impersonator_id", sa.Uuid()),
        *columns.texts("action", "resource_type"),
        sa.Column("resource_id", sa.String()),
        sa.Column("details", JSONB(), nullable=False),
        sa.Column("ip_address", sa.String()),
        sa.Column("user_agent", sa.String()),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_audit_log"),
        sa.UniqueConstraint("tenant_id", "seq", name="uq_audit_log_tenant_id_seq"),
    )
    op.create_index(
        "ix_audit_log_resource", "audit_log", ["tenant_id", "resource_type", "resource_id"]
    )
    op.create_index("ix_audit_log_tenant_id_user_id", "audit_log", ["tenant_id", "user_id"])
    op.create_table(
        "audit_head",
        *columns.uuids("tenant_id"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_audit_head"),
    )
    migrations.execute(tenancy.protect("audit_log", role, "select, insert"))
    migrations.execute(tenancy.protect("audit_head", role, "select"))
    migrations.execute(_TRIGGER)


class Break(NamedTuple):
    """Where a chain does not hold. `id` is None if rows are missing at its end."""

    tenant_id: uuid.UUID
    seq: int
    id: uuid.UUID | None
    reason: str


_ROWS: LiteralString = f"""
    select a.tenant_id, a.seq, a.id, a.hash, a.prev_hash, array[{_FIELDS.format("a")}]
    from audit_log a order by a.tenant_id, a.seq
"""  # noqa: S608 (made of literals)
_HEADS: LiteralString = "select tenant_id, seq, hash from audit_head"


class Checked(NamedTuple):
    rows: int
    tenants: int
    breaks: list[Break]


def verify(connection: psycopg.Connection[Any]) -> Checked:
    """All chains of a database, as a role that sees all tenants."""
    heads = {tenant: (seq, bytes(digest)) for tenant, seq, digest in connection.execute(_HEADS)}
    ends: dict[uuid.UUID, tuple[int, bytes]] = {}
    breaks, count = list[Break](), 0
    with connection.cursor(name="audit") as cursor:  # on the server: a log may be long
        for tenant, seq, row_id, digest, before, fields in cursor.execute(_ROWS):
            count += 1
            last = ends.get(tenant, (0, b""))
            breaks += [
                Break(tenant, seq, row_id, reason)
                for reason in _wrong(last, seq, (before, digest), fields)
            ]
            ends[tenant] = (seq, digest)
    breaks += _cut_off(heads, ends)
    return Checked(count, len(heads), breaks)


def _wrong(
    last: tuple[int, bytes], seq: int, hashes: tuple[bytes, bytes], fields: list[str | None]
) -> Iterator[str]:
    text = ",".join("-" if one is None else f"{len(one)}:{one}" for one in fields)
    if hashlib.sha256(text.encode()).digest() != hashes[1]:
        yield "this row was changed"
    if seq != last[0] + 1:
        yield f"rows between {last[0]} and {seq} are missing"
    elif hashes[0] != last[1]:
        yield "this row does not follow the one before it"


def _cut_off(
    heads: dict[uuid.UUID, tuple[int, bytes]], ends: dict[uuid.UUID, tuple[int, bytes]]
) -> Iterator[Break]:
    for tenant in heads.keys() | ends.keys():
        head, end = heads.get(tenant), ends.get(tenant, (0, b""))
        if head != end:
            yield Break(tenant, end[0], None, "the log does not end where it ended")
