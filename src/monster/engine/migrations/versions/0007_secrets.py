"""Secrets belong to a credential, a tool factory or an OAuth provider; keys in use stay, and are
rotated."""

import sqlalchemy as sa
from alembic import op

from monster.engine.database import ROLE
from monster.kit import columns, migrations

revision = "0007"
down_revision = "0006"

_OWNERS = ("tool_factory_id", "oauth_provider_id")
_KEY = "fk_secret_tenant_id_key_version"


def upgrade() -> None:
    op.alter_column("secret", "credential_id", nullable=True)
    for owner in _OWNERS:  # what they refer to is made later
        op.add_column("secret", sa.Column(owner, sa.Uuid()))
        op.create_index(f"ix_secret_tenant_id_{owner}", "secret", ["tenant_id", owner])
    one = f"num_nonnulls(credential_id, {', '.join(_OWNERS)}) = 1"
    op.create_check_constraint("ck_secret_owner", "secret", one)
    # Until now the secrets went with the key that sealed them.
    op.drop_constraint(_KEY, "secret")
    op.create_foreign_key(
        _KEY,
        "secret",
        "tenant_key",
        ["tenant_id", "key_version"],
        ["tenant_id", "key_version"],
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_table(
        "key_rotation",
        *columns.uuids("id"),
        *columns.times("started_at"),
        columns.moment("finished_at"),
        sa.PrimaryKeyConstraint("id", name="pk_key_rotation"),
    )
    migrations.execute(f"grant select, insert, update on key_rotation to {ROLE}")
