"""What people sign in with beside a password, how often they may try, and the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from monster.dashboard.database import ROLE
from monster.kit import audit_chain, columns, migrations, rates, tenancy

revision = "0005"
down_revision = "0004"

GRANTS = f"""
    grant select, insert, update, delete on one_time_token to {ROLE};
    grant select, insert, delete on dev_mail to {ROLE};
"""

PERSONAL = ("totp", "passkey", "recovery_code")


def _binary(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def _to(table: str, target: str, column: str = "") -> sa.ForeignKeyConstraint:
    """Of what stands outside the walls."""
    column = column or f"{target}_id"
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE"
    )


def _index(table: str, *names: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, list(names))


def upgrade() -> None:
    _tokens()
    _second_factors()
    op.create_table(
        "dev_mail",
        *columns.uuids("id"),
        *columns.texts("recipient", "subject", "text", "html"),
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_dev_mail"),
    )
    migrations.execute(GRANTS)
    for table in PERSONAL:
        migrations.execute(tenancy.protect_person(table, ROLE))
    rates.create(ROLE)
    audit_chain.create(ROLE)


def _tokens() -> None:
    op.create_table(
        "one_time_token",
        *columns.uuids("id"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.String()),
        *columns.optional(sa.Uuid, "user_id", "tenant_id", "invitation_id"),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        _binary("token_hash", nullable=True),
        *columns.times("created_at"),
        columns.moment("expires_at", nullable=False),
        columns.moment("used_at"),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_token"),
        sa.UniqueConstraint("token_hash", name="uq_one_time_token_token_hash"),
        _to("one_time_token", "user"),
        _to("one_time_token", "tenant"),
        columns.within("one_time_token", "invitation_id", "invitation"),
    )
    _index("one_time_token", "user_id")
    _index("one_time_token", "tenant_id", "invitation_id")
    _index("one_time_token", "expires_at")


def _personal(table: str, *parts: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        table,
        *columns.uuids("id", "user_id"),
        *parts,
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        _to(table, "user"),
    )


def _second_factors() -> None:
    zero = sa.text("0")
    _personal(
        "totp",
        _binary("secret"),
        columns.moment("confirmed_at"),
        sa.Column("last_step", sa.BigInteger(), server_default=zero, nullable=False),
        sa.UniqueConstraint("user_id", name="uq_totp_user_id"),
    )
    _personal(
        "passkey",
        _binary("credential_id"),
        _binary("public_key"),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        *columns.texts("name"),
        columns.moment("last_used_at"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    _index("passkey", "user_id")
    _personal(
        "recovery_code",
        _binary("code_hash"),
        columns.moment("used_at"),
        sa.UniqueConstraint("user_id", "code_hash", name="uq_recovery_code_user_id_code_hash"),
    )
