"""What tenants connect: their own tool factories and OAuth providers, files of conversations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from monster.engine.database import ROLE
from monster.kit import columns, migrations, tenancy

revision = "0008"
down_revision = "0007"


# The name is as the naming convention made it of one that already followed it.
_STATUS = """
    alter table credential drop constraint ck_credential_ck_credential_status;
    alter table credential add constraint ck_credential_status
        check (status in ('active', 'expired', 'failing', 'pending'));
"""


def _json(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, JSONB(), nullable=False) for name in names]


def upgrade() -> None:
    _oauth()
    _tool_factory()
    _credential()
    _attachment()
    for table in ("oauth_provider", "oauth_flow", "tool_factory", "attachment"):
        migrations.execute(tenancy.protect(table, ROLE))


def _oauth() -> None:
    op.create_table(
        "oauth_provider",
        *columns.uuids("tenant_id", "id", "user_id"),
        *columns.texts("system_name", "name", "client_id"),
        *_json("endpoints"),
        sa.Column("scopes", ARRAY(sa.String()), nullable=False),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_oauth_provider"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_oauth_provider_tenant_id_name"),
    )


def _tool_factory() -> None:
    op.create_table(
        "tool_factory",
        *columns.uuids("tenant_id", "id", "user_id"),
        *columns.texts("kind", "name", "description", "category", "logo", "help"),
        *_json("auth_config", "config_json", "tools"),
        sa.Column("environments", ARRAY(sa.String()), nullable=False),
        sa.Column("oauth_provider_id", sa.Uuid()),
        sa.Column("type", sa.String(), server_default="custom", nullable=False),
        sa.Column("compatible_system", sa.String()),
        sa.Column("last_error", sa.String()),
        sa.Column("status", sa.String(), server_default="active", nullable=False),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tool_factory"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_tool_factory_tenant_id_name"),
        sa.CheckConstraint("kind in ('doc_source', 'mcp_server', 'custom')", name="kind"),
        sa.CheckConstraint("type in ('official', 'custom')", name="type"),
        sa.CheckConstraint("status in ('active', 'failing')", name="status"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "oauth_provider_id"],
            ["oauth_provider.tenant_id", "oauth_provider.id"],
            name="fk_tool_factory_tenant_id_oauth_provider_id",
            ondelete="SET NULL (oauth_provider_id)",
        ),
    )
    op.create_index(
        "ix_tool_factory_tenant_id_oauth_provider_id",
        "tool_factory",
        ["tenant_id", "oauth_provider_id"],
    )


def _credential() -> None:
    """Until now all were keys of model providers."""
    op.add_column(
        "credential",
        sa.Column("strategy", sa.String(), server_default="strategy_token", nullable=False),
    )
    for name in ("tool_factory_id", "oauth_provider_id"):
        op.add_column("credential", sa.Column(name, sa.Uuid()))
        op.create_index(f"ix_credential_tenant_id_{name}", "credential", ["tenant_id", name])
    migrations.execute(_STATUS)
    op.add_column("credential", sa.Column("oauth_system", sa.String()))
    op.add_column("credential", sa.Column("refreshing_until", sa.DateTime(timezone=True)))
    for table, column, target in (
        ("credential", "tool_factory_id", "tool_factory"),
        ("credential", "oauth_provider_id", "oauth_provider"),
        ("secret", "tool_factory_id", "tool_factory"),
        ("secret", "oauth_provider_id", "oauth_provider"),
    ):
        op.create_foreign_key(
            f"fk_{table}_tenant_id_{column}",
            table,
            target,
            ["tenant_id", column],
            ["tenant_id", "id"],
            ondelete="CASCADE",
        )
    op.create_table(
        "oauth_flow",
        *columns.uuids("tenant_id", "id", "user_id", "credential_id"),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        columns.moment("expires_at", nullable=False),
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_oauth_flow"),
        sa.UniqueConstraint("tenant_id", "state_hash", name="uq_oauth_flow_tenant_id_state_hash"),
        columns.within("oauth_flow", "credential_id", "credential"),
    )
    op.create_index(
        "ix_oauth_flow_tenant_id_credential_id", "oauth_flow", ["tenant_id", "credential_id"]
    )


def _attachment() -> None:
    op.create_table(
        "attachment",
        *columns.uuids("tenant_id", "id", "conversation_id"),
        sa.Column("run_id", sa.Uuid()),
        *columns.texts("name", "mime_type", "source"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_attachment"),
        sa.UniqueConstraint(
            "tenant_id",
            "conversation_id",
            "name",
            name="uq_attachment_tenant_id_conversation_id_name",
        ),
        sa.CheckConstraint("source in ('upload', 'tool')", name="source"),
        columns.within("attachment", "conversation_id", "conversation"),
    )
