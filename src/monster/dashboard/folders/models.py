"""Folders that agents lie in; a private one is its owner's alone."""

import uuid

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from monster.contracts.agents import Sharing
from monster.dashboard.database import Base
from monster.kit.db import TenantRow, tenant_key, updated_at


class Folder(TenantRow, Base):
    __tablename__ = "folder"
    __table_args__ = (
        CheckConstraint("scope in ('private', 'shared')", name="scope"),
        tenant_key("parent_id", "folder.id"),
        Index(None, "tenant_id", "parent_id"),
        # Beside each other no two share a name; of what others keep for themselves nobody learns.
        Index(
            "uq_folder_shared_name",
            "tenant_id",
            "parent_id",
            text("lower(name)"),
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("scope = 'shared'"),
        ),
        Index(
            "uq_folder_private_name",
            "tenant_id",
            "user_id",
            "parent_id",
            text("lower(name)"),
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("scope = 'private'"),
        ),
    )

    user_id: Mapped[uuid.UUID]
    parent_id: Mapped[uuid.UUID | None]
    name: Mapped[str]
    scope: Mapped[Sharing] = mapped_column(Text)
    updated_at: Mapped[updated_at]
