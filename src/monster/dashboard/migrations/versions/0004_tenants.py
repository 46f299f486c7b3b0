"""Tenants that people from elsewhere join: invitations, single sign-on, directories; folders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from monster.dashboard.database import ROLE
from monster.kit import columns, migrations, tenancy

revision = "0004"
down_revision = "0003"

# Still nobody becomes a platform admin by this role, and no tenant goes.
GRANTS = f"""
    grant update (name, email, slug, settings, suspended_at, updated_at) on tenant to {ROLE};
    grant update (email, name, password_hash, tenant_id, is_active, email_verified) on "user"
        to {ROLE};
    grant delete on "user" to {ROLE};
    grant update (tenant_id) on login_session to {ROLE};
"""

WALLED = (
    "invitation", "identity_provider", "external_identity", "tenant_key", "scim_token",
    "member_group", "group_member", "folder",
)  # fmt: skip


def _binary(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB(), server_default=sa.text("'{}'"), nullable=False)


def _true(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), server_default=sa.true(), nullable=False)


def _role(table: str, column: str = "role") -> sa.CheckConstraint:
    roles = "('owner', 'admin', 'editor', 'viewer')"
    return sa.CheckConstraint(f"{column} in {roles}", name=f"ck_{table}_{column}")


def _to(table: str, target: str, column: str = "") -> sa.ForeignKeyConstraint:
    """Of what stands outside the walls."""
    column = column or f"{target}_id"
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE"
    )


def _walled(table: str, *parts: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        table,
        *columns.uuids("tenant_id", "id"),
        *parts,
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
    )


def _index(table: str, *names: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, list(names))


def upgrade() -> None:
    _tenancy()
    _single_sign_on()
    _directory()
    _folders()
    _sessions()
    migrations.execute(GRANTS)
    for table in WALLED:
        migrations.execute(tenancy.protect(table, ROLE))


def _tenancy() -> None:
    op.add_column("tenant", columns.moment("suspended_at"))
    op.add_column("tenant_member", _true("is_active"))
    op.add_column("tenant_member", sa.Column("external_id", sa.String()))
    _walled(
        "invitation",
        *columns.texts("email"),
        sa.Column("role", sa.Text(), nullable=False),
        *columns.uuids("user_id"),
        columns.moment("expires_at", nullable=False),
        *columns.times("updated_at"),
        _role("invitation"),
    )
    lowered = ["tenant_id", sa.text("lower(email)")]
    op.create_index("uq_invitation_email", "invitation", lowered, unique=True)


def _single_sign_on() -> None:
    _walled(
        "identity_provider",
        *columns.texts("name", "issuer", "client_id"),
        _binary("client_secret", nullable=True),
        *columns.texts("scopes"),
        sa.Column("role_claim", sa.String()),
        _json("roles"),
        sa.Column("default_role", sa.Text(), nullable=False),
        _true("enabled"),
        *columns.times("updated_at"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_identity_provider_tenant_id_name"),
        _role("identity_provider", "default_role"),
    )
    _walled(
        "external_identity",
        *columns.uuids("identity_provider_id"),
        *columns.texts("subject"),
        *columns.uuids("user_id"),
        sa.UniqueConstraint(
            "tenant_id",
            "identity_provider_id",
            "subject",
            name="uq_external_identity_tenant_id_identity_provider_id_subject",
        ),
        columns.within("external_identity", "identity_provider_id", "identity_provider"),
        _to("external_identity", "user"),
    )
    _index("external_identity", "user_id")
    _walled(
        "tenant_key",
        _binary("wrapped_key"),
        sa.UniqueConstraint("tenant_id", name="uq_tenant_key_tenant_id"),
    )


def _directory() -> None:
    _walled(
        "scim_token",
        *columns.texts("name"),
        *columns.uuids("user_id"),
        _binary("token_hash"),
        columns.moment("last_used_at"),
        sa.UniqueConstraint("tenant_id", "token_hash", name="uq_scim_token_tenant_id_token_hash"),
    )
    _walled(
        "member_group",
        *columns.texts("name"),
        sa.Column("external_id", sa.String()),
        sa.Column("role", sa.Text()),
        *columns.times("updated_at"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_member_group_tenant_id_name"),
        _role("member_group"),
    )
    _walled(
        "group_member",
        *columns.uuids("group_id", "member_id"),
        sa.UniqueConstraint(
            "tenant_id",
            "group_id",
            "member_id",
            name="uq_group_member_tenant_id_group_id_member_id",
        ),
        columns.within("group_member", "group_id", "member_group"),
        columns.within("group_member", "member_id", "tenant_member"),
    )
    _index("group_member", "tenant_id", "member_id")


def _folders() -> None:
    _walled(
        "folder",
        *columns.uuids("user_id"),
        sa.Column("parent_id", sa.Uuid()),
        *columns.texts("name"),
        sa.Column("scope", sa.Text(), nullable=False),
        *columns.times("updated_at"),
        sa.CheckConstraint("scope in ('private', 'shared')", name="ck_folder_scope"),
        columns.within("folder", "parent_id", "folder"),
    )
    _index("folder", "tenant_id", "parent_id")
    for scope, owner in (("shared", []), ("private", ["user_id"])):
        op.create_index(
            f"uq_folder_{scope}_name",
            "folder",
            ["tenant_id", *owner, "parent_id", sa.text("lower(name)")],
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=sa.text(f"scope = '{scope}'"),
        )
    op.add_column("agent", sa.Column("folder_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_agent_tenant_id_folder_id",
        "agent",
        "folder",
        ["tenant_id", "folder_id"],
        ["tenant_id", "id"],
        ondelete="SET NULL (folder_id)",
    )
    _index("agent", "tenant_id", "folder_id")


def _sessions() -> None:
    table = "login_session"
    op.alter_column(table, "tenant_id", nullable=True)
    for column in ("impersonator_id", "identity_provider_id"):
        op.add_column(table, sa.Column(column, sa.Uuid()))
    op.create_foreign_key(
        f"fk_{table}_impersonator_id",
        table,
        "user",
        ["impersonator_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(
        f"fk_{table}_tenant_id_identity_provider_id",
        table,
        "identity_provider",
        ["tenant_id", "identity_provider_id"],
        ["tenant_id", "id"],
        ondelete="CASCADE",
    )
    op.drop_index(f"ix_{table}_tenant_id", table)
    _index(table, "impersonator_id")
    _index(table, "tenant_id", "identity_provider_id")
