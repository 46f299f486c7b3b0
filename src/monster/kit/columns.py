"""Columns as migrations write them, several at a time; none may be null."""

import sqlalchemy as sa

Column = sa.Column[object]


def times(*names: str) -> list[Column]:
    """Set by the database when the row is made."""
    now = sa.text("now()")
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=False)
        for name in names
    ]


def uuids(*names: str) -> list[Column]:
    return [sa.Column(name, sa.Uuid(), nullable=False) for name in names]


def texts(*names: str) -> list[Column]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def optional(kind: type[sa.types.TypeEngine[object]], *names: str) -> list[Column]:
    """May be null."""
    return [sa.Column(name, kind()) for name in names]


def moment(name: str, *, nullable: bool = True) -> Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def within(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A reference to a row of the same tenant, as `kit.db.tenant_key` names it."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="CASCADE",
    )
