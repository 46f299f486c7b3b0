"""What the engine knows of tenants: whether they are suspended. No row means they are not."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base


class SuspendedTenant(Base):
    __tablename__ = "suspended_tenant"

    tenant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
