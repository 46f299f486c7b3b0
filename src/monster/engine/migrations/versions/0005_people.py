"""Contacts, API keys, whose a conversation is, the audit log, suspended tenants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from monster.engine.database import ROLE
from monster.kit import audit_chain, columns, migrations, rates, tenancy

revision = "0005"
down_revision = "0004"

EMPTY = sa.text("'{}'")


def upgrade() -> None:
    op.create_table(
        "contact",
        *columns.uuids("tenant_id", "id"),
        sa.Column("ext_id", sa.String()),
        *columns.texts("name"),
        sa.Column("meta", JSONB(), server_default=EMPTY, nullable=False),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_contact"),
    )
    op.create_index(
        "uq_contact_ext_id",
        "contact",
        ["tenant_id", "ext_id"],
        unique=True,
        postgresql_where=sa.text("ext_id is not null"),
    )
    _api_keys()
    _owners()
    op.create_table(
        "suspended_tenant",
        *columns.uuids("tenant_id"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_suspended_tenant"),
    )
    for table in ("contact", "api_key", "suspended_tenant"):
        migrations.execute(tenancy.protect(table, ROLE))
    rates.create(ROLE)
    audit_chain.create(ROLE)


def _api_keys() -> None:
    month = sa.text("date_trunc('month', now())")
    op.create_table(
        "api_key",
        *columns.uuids("tenant_id", "id", "user_id"),
        *columns.texts("name", "prefix"),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("permissions", ARRAY(sa.String()), nullable=False),
        sa.Column("agent_ids", ARRAY(sa.Uuid()), server_default=EMPTY, nullable=False),
        sa.Column("contact_id", sa.Uuid()),
        sa.Column("requests_per_minute", sa.Integer()),
        sa.Column("budget_tokens", sa.BigInteger()),
        sa.Column("used_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("used_since", sa.DateTime(timezone=True), server_default=month, nullable=False),
        *[columns.moment(name) for name in ("expires_at", "last_used_at", "revoked_at")],
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_api_key"),
        sa.UniqueConstraint("tenant_id", "key_hash", name="uq_api_key_tenant_id_key_hash"),
        columns.within("api_key", "contact_id", "contact"),
    )
    op.create_index("ix_api_key_tenant_id_contact_id", "api_key", ["tenant_id", "contact_id"])


def _owners() -> None:
    for column, target in (("contact_id", "contact"), ("api_key_id", "api_key")):
        op.add_column("conversation", sa.Column(column, sa.Uuid()))
        op.create_foreign_key(
            f"fk_conversation_tenant_id_{column}",
            "conversation",
            target,
            ["tenant_id", column],
            ["tenant_id", "id"],
            ondelete="CASCADE",
        )
        op.create_index(
            f"ix_conversation_tenant_id_{column}", "conversation", ["tenant_id", column]
        )
    op.add_column("run", sa.Column("api_key_id", sa.Uuid()))
    # Of one that nobody owned nothing could be reached: nobody owned one.
    op.create_check_constraint(
        op.f("ck_conversation_owner"),
        "conversation",
        "num_nonnulls(user_id, contact_id) = 1 or api_key_id is not null and user_id is null",
    )
