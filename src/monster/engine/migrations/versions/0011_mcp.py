"""What an MCP server was found to offer, until somebody accepts it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("tool_factory", sa.Column("found", JSONB(none_as_null=True)))
