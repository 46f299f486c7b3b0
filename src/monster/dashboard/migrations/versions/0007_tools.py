"""Tools as agents have them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from monster.dashboard.database import ROLE
from monster.kit import columns, migrations, tenancy

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "tool",
        *columns.uuids("tenant_id", "id", "agent_id", "tool_factory_id"),
        sa.Column("credential_id", sa.Uuid()),
        *columns.texts("name", "description"),
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("functions", ARRAY(sa.String()), nullable=False),
        sa.Column("config_json", JSONB(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tool"),
        sa.UniqueConstraint(
            "tenant_id", "agent_id", "name", name="uq_tool_tenant_id_agent_id_name"
        ),
        sa.CheckConstraint("approval in ('never', 'always', 'untrusted')", name="approval"),
        columns.within("tool", "agent_id", "agent"),
    )
    for column in ("credential_id", "tool_factory_id"):
        op.create_index(f"ix_tool_tenant_id_{column}", "tool", ["tenant_id", column])
    migrations.execute(tenancy.protect("tool", ROLE))
