"""Credentials, their sealed secrets, the tenants' keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from monster.engine.database import ROLE
from monster.kit import columns, migrations, tenancy

revision = "0004"
down_revision = "0003"


def _version() -> sa.Column[object]:
    return sa.Column("key_version", sa.Integer(), nullable=False)


def _reference(table: str, column: str, target: str, key: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.{key}"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="CASCADE",
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, [*columns])


def upgrade() -> None:
    op.create_table(
        "credential",
        *columns.uuids("tenant_id", "id", "user_id"),
        *columns.texts("system_name", "name", "scope"),
        sa.Column("config", JSONB(), nullable=False),
        sa.Column("secrets", ARRAY(sa.String()), nullable=False),
        sa.Column("account", sa.String()),
        sa.Column("status", sa.String(), server_default="active", nullable=False),
        sa.Column("last_error", sa.String()),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_credential"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_credential_tenant_id_name"),
        sa.CheckConstraint("scope in ('private', 'shared')", name="ck_credential_scope"),
        sa.CheckConstraint(
            "status in ('active', 'expired', 'failing')", name="ck_credential_status"
        ),
    )
    op.create_table(
        "tenant_key",
        *columns.uuids("tenant_id", "id"),
        _version(),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tenant_key"),
        sa.UniqueConstraint("tenant_id", "key_version", name="uq_tenant_key_tenant_id_key_version"),
    )
    op.create_table(
        "master_key_use",
        *columns.uuids("tenant_id"),
        _version(),
        *columns.texts("fingerprint"),
        sa.PrimaryKeyConstraint("tenant_id", "key_version", name="pk_master_key_use"),
        _reference("master_key_use", "key_version", "tenant_key", "key_version"),
    )
    op.create_table(
        "secret",
        *columns.uuids("tenant_id", "id", "credential_id"),
        *columns.texts("key"),
        _version(),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_secret"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_secret_tenant_id_key"),
        _reference("secret", "credential_id", "credential", "id"),
        _reference("secret", "key_version", "tenant_key", "key_version"),
    )
    _index("credential", "tenant_id", "user_id")
    _index("secret", "tenant_id", "credential_id")
    _index("secret", "tenant_id", "key_version")
    _index("master_key_use", "fingerprint")
    for table in ("credential", "tenant_key", "secret"):
        migrations.execute(tenancy.protect(table, ROLE))
    migrations.execute(f"grant select, insert, update, delete on master_key_use to {ROLE}")
