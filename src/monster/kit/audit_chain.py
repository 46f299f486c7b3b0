"""How audit rows hang together: what the database does as one is written.

Hash of a row: SHA-256 over its fields as text, each with its length before it, the hash of the row
before it among them.
"""

from typing import LiteralString

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from monster.kit import columns, migrations, tenancy

FIELDS: LiteralString = """
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
            into new.hash from unnest(array[{FIELDS.format("new")}]) with ordinality u(f, n);
        update audit_head set seq = new.seq, hash = new.hash where tenant_id = new.tenant_id;
        return new;
    end $$;
    -- It writes what the application may not. Nobody else may hang it on a table of their own.
    revoke all on function audit_chain() from public;
    create trigger audit_chain before insert on audit_log
        for each row execute function audit_chain();
    -- Whoever migrates also verifies, and need not be one whom row-level security spares.
    create policy owner on audit_log for select to current_user using (true);
    create policy owner on audit_head for select to current_user using (true);
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
