"""End users who talk to agents without an account here."""

from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, updated_at


class Contact(TenantRow, Base):
    __tablename__ = "contact"
    __table_args__ = (
        Index(
            "uq_contact_ext_id",
            "tenant_id",
            "ext_id",
            unique=True,
            postgresql_where=text("ext_id is not null"),
        ),
    )

    ext_id: Mapped[str | None]  # what the tenant's own systems call them
    name: Mapped[str]
    meta: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    updated_at: Mapped[updated_at]
