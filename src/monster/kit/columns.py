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
