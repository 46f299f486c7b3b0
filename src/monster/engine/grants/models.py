"""Flows by which somebody grants access at an OAuth provider."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, tenant_key


class OAuthFlow(TenantRow, Base):
    """One attempt, for one person, used once; `sealed` holds the verifier and the device code."""

    __tablename__ = "oauth_flow"
    __table_args__ = (
        UniqueConstraint("tenant_id", "state_hash"),
        tenant_key("credential_id", "credential.id"),
        Index(None, "tenant_id", "credential_id"),
    )

    user_id: Mapped[uuid.UUID]
    credential_id: Mapped[uuid.UUID]
    state_hash: Mapped[bytes]
    sealed: Mapped[bytes]
    key_version: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
