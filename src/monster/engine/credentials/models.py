"""Credentials; their values are in the secret store, and here only the names of them."""

import uuid
from datetime import datetime

from sqlalchemy import ARRAY, DateTime, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, updated_at


class Credential(TenantRow, Base):
    __tablename__ = "credential"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index(None, "tenant_id", "user_id"),
    )

    user_id: Mapped[uuid.UUID]
    system_name: Mapped[str]
    name: Mapped[str]
    scope: Mapped[str]
    config: Mapped[dict[str, str]] = mapped_column(JSONB)
    secrets: Mapped[list[str]] = mapped_column(ARRAY(String))  # names
    account: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="active")
    last_error: Mapped[str | None]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[updated_at]

    @property
    def base_url(self) -> str | None:
        return self.config.get("base_url")
