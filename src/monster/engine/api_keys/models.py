"""Keys with which programs reach a tenant's agents."""

import uuid
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit import clock
from monster.kit.db import TenantRow, tenant_key, updated_at


class ApiKey(TenantRow, Base):
    """`key_hash` is SHA-256 of the key, which is shown once; `prefix` is how people recognise it.

    No `agent_ids` means every shared agent. Of `budget_tokens` a month, `used_tokens` are spent in
    the month that began at `used_since`.
    """

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key_hash"),
        tenant_key("contact_id", "contact.id"),
        Index(None, "tenant_id", "contact_id"),
    )

    user_id: Mapped[uuid.UUID]  # who made it
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(String))
    agent_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    contact_id: Mapped[uuid.UUID | None]  # on whose behalf every call is
    requests_per_minute: Mapped[int | None]
    budget_tokens: Mapped[int | None] = mapped_column(BigInteger)
    used_tokens: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    used_since: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("date_trunc('month', now())")
    )
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[updated_at]

    @property
    def spent_tokens(self) -> int:
        """Of this calendar month (UTC)."""
        month = clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return self.used_tokens if self.used_since >= month else 0
