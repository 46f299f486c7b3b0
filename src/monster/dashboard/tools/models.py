"""Tools as agents have them."""

import uuid
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.contracts.tools import Approval
from monster.dashboard.database import Base
from monster.kit.db import TenantRow, tenant_key, updated_at


class Tool(TenantRow, Base):
    """`tool_factory_id` and `credential_id` are the engine's. No `functions` means all."""

    __tablename__ = "tool"
    __table_args__ = (
        tenant_key("agent_id", "agent.id"),
        UniqueConstraint("tenant_id", "agent_id", "name"),
        CheckConstraint("approval in ('never', 'always', 'untrusted')", name="approval"),
        Index(None, "tenant_id", "credential_id"),
        Index(None, "tenant_id", "tool_factory_id"),
    )

    agent_id: Mapped[uuid.UUID]
    tool_factory_id: Mapped[uuid.UUID]
    credential_id: Mapped[uuid.UUID | None]
    name: Mapped[str]
    description: Mapped[str]
    approval: Mapped[Approval] = mapped_column(Text)
    functions: Mapped[list[str]] = mapped_column(ARRAY(String))
    config: Mapped[dict[str, Any]] = mapped_column("config_json", JSONB)
    position: Mapped[int]
    updated_at: Mapped[updated_at]
