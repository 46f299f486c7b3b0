"""Files of conversations: what people attach, and what tools make."""

import uuid

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, tenant_key, updated_at


class Attachment(TenantRow, Base):
    __tablename__ = "attachment"
    __table_args__ = (
        tenant_key("conversation_id", "conversation.id"),
        UniqueConstraint("tenant_id", "conversation_id", "name"),
        CheckConstraint("source in ('upload', 'tool')", name="source"),
    )

    conversation_id: Mapped[uuid.UUID]
    run_id: Mapped[uuid.UUID | None]  # that made it; no reference: it is never looked up
    name: Mapped[str]
    mime_type: Mapped[str]
    source: Mapped[str]
    size: Mapped[int]  # bytes
    content: Mapped[bytes] = mapped_column(deferred=True)
    updated_at: Mapped[updated_at]
