"""Calls that wait for a person, who answered, and conversations that hold outsiders' words."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TIME = sa.DateTime(timezone=True)
CALL = (
    sa.Column("waits_for", sa.String()),
    sa.Column("connection", sa.String()),
    sa.Column("tool_factory_id", sa.Uuid()),
    sa.Column("approved_by", sa.Uuid()),
    sa.Column("answered_at", TIME),
    sa.Column("note", sa.String()),
    sa.Column("result", sa.String()),
)
STATUS = "status in ('intended', 'requested', 'approved', 'denied', 'done', 'failed', 'unknown')"


def upgrade() -> None:
    # What was said before now may be anybody's.
    untrusted = sa.Column("untrusted", sa.Boolean(), server_default=sa.true(), nullable=False)
    op.add_column("conversation", untrusted)
    op.alter_column("conversation", "untrusted", server_default=sa.false())
    op.add_column("run", sa.Column("began_at", TIME))
    op.add_column("run", sa.Column("answered_at", TIME))
    waiting = sa.text("status = 'waiting'")
    op.create_index("ix_run_waiting", "run", ["tenant_id", "id"], postgresql_where=waiting)
    for column in CALL:
        op.add_column("tool_call", column)
    op.drop_constraint(op.f("ck_tool_call_ck_tool_call_status"), "tool_call")  # as 0002 named it
    op.create_check_constraint(op.f("ck_tool_call_status"), "tool_call", STATUS)
    op.create_check_constraint(
        op.f("ck_tool_call_waits_for"),
        "tool_call",
        "waits_for in ('approval', 'connection', 'unknown')",
    )
