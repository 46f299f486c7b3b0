"""OAuth providers as a tenant has registered with them."""

import uuid
from typing import Any

from sqlalchemy import ARRAY, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, updated_at


class OAuthProvider(TenantRow, Base):
    """`system_name` is a provider that comes with Monster, or "custom": then `endpoints` are its
    addresses. The client secret is a secret of this row."""

    __tablename__ = "oauth_provider"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    user_id: Mapped[uuid.UUID]
    system_name: Mapped[str]
    name: Mapped[str]
    client_id: Mapped[str]
    endpoints: Mapped[dict[str, Any]] = mapped_column(JSONB)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    updated_at: Mapped[updated_at]
