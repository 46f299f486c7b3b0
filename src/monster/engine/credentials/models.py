"""Credentials; their values are in the secret store, and here only the names of them."""

import uuid
from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, tenant_key, updated_at


class Credential(TenantRow, Base):
    """For a system that comes with Monster (`system_name`), or a tool factory of the tenant.

    An OAuth grant is of `oauth_provider_id`, or of the platform's own registration with the
    provider `oauth_system`. Its access token ends at `expires_at` and is renewed from `refresh_at`
    on. Whoever refreshes it says until when others shall wait.
    """

    __tablename__ = "credential"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index(None, "tenant_id", "user_id"),
        tenant_key("tool_factory_id", "tool_factory.id"),
        tenant_key("oauth_provider_id", "oauth_provider.id"),
        Index(None, "tenant_id", "tool_factory_id"),
        Index(None, "tenant_id", "oauth_provider_id"),
        CheckConstraint("scope in ('private', 'shared')", name="scope"),
        CheckConstraint("status in ('active', 'expired', 'failing', 'pending')", name="status"),
    )

    user_id: Mapped[uuid.UUID]
    system_name: Mapped[str]  # or empty
    tool_factory_id: Mapped[uuid.UUID | None]
    oauth_provider_id: Mapped[uuid.UUID | None]
    oauth_system: Mapped[str | None]
    strategy: Mapped[str] = mapped_column(server_default="strategy_token")
    name: Mapped[str]
    scope: Mapped[str]
    config: Mapped[dict[str, str]] = mapped_column(JSONB)  # values that are not secret
    secrets: Mapped[list[str]] = mapped_column(ARRAY(String))  # names
    account: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="active")
    last_error: Mapped[str | None]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    refresh_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    refreshing_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[updated_at]
