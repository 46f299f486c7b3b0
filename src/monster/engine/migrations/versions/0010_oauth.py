"""When the token of an OAuth grant is to be renewed: before it ends, and not all at once."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("credential", sa.Column("refresh_at", sa.DateTime(timezone=True)))
