"""Tenants, people, memberships, sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from monster.dashboard.database import ROLE
from monster.kit import columns, migrations, tenancy

revision = "0003"
down_revision = "0002"

# These three are outside row-level security, so the role gets no more than its queries need: it
# removes no tenant and no person, makes nobody a platform admin, and of a session it changes only
# when it was last seen.
GRANTS = f"""
    grant select, insert on tenant to {ROLE};
    grant select, insert (id, email, name, password_hash, tenant_id, is_active, email_verified),
        update (failed_login_attempts, locked_until, updated_at) on "user" to {ROLE};
    grant select, insert, delete, update (last_seen_at) on login_session to {ROLE};
"""


def _to(table: str, target: str, then: str = "CASCADE") -> sa.ForeignKeyConstraint:
    column = f"{target}_id"
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete=then
    )


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "tenant",
        *columns.uuids("id"),
        *columns.texts("name", "email", "slug"),
        sa.Column("settings", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
        sa.UniqueConstraint("slug", name="uq_tenant_slug"),
    )
    op.create_table(
        "user",
        *columns.uuids("id"),
        *columns.texts("email", "name"),
        sa.Column("password_hash", sa.String()),
        sa.Column("tenant_id", sa.Uuid()),
        *[_flag(name) for name in ("is_active", "email_verified", "is_admin")],
        sa.Column(
            "failed_login_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        _to("user", "tenant", "SET NULL"),
    )
    op.create_index("uq_user_email", "user", [sa.text("lower(email)")], unique=True)
    op.create_index("ix_user_tenant_id", "user", ["tenant_id"])
    op.create_table(
        "tenant_member",
        *columns.uuids("tenant_id", "id", "user_id"),
        sa.Column("role", sa.Text(), nullable=False),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tenant_member"),
        sa.UniqueConstraint("tenant_id", "user_id", name="uq_tenant_member_tenant_id_user_id"),
        sa.CheckConstraint(
            "role in ('owner', 'admin', 'editor', 'viewer')", name="ck_tenant_member_role"
        ),
        _to("tenant_member", "tenant"),
        _to("tenant_member", "user"),
    )
    op.create_index("ix_tenant_member_user_id", "tenant_member", ["user_id"])
    op.create_table(
        "login_session",
        *columns.uuids("id", "user_id", "tenant_id"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        *columns.texts("csrf"),
        *columns.times("created_at", "last_seen_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip_address", sa.String()),
        sa.Column("user_agent", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_login_session"),
        sa.UniqueConstraint("token_hash", name="uq_login_session_token_hash"),
        _to("login_session", "user"),
        _to("login_session", "tenant"),
    )
    for column in ("user_id", "tenant_id"):
        op.create_index(f"ix_login_session_{column}", "login_session", [column])
    migrations.execute(GRANTS)
    migrations.execute(tenancy.protect("tenant_member", ROLE))
    migrations.execute(tenancy.show_to_owner("tenant_member"))
