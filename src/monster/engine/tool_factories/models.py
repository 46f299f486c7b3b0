"""Tool factories that tenants make: custom tools, MCP servers. What comes with Monster is code."""

import uuid
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, updated_at


class ToolFactory(TenantRow, Base):
    """`environments` are names: the values are secrets of this row."""

    __tablename__ = "tool_factory"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("kind in ('doc_source', 'mcp_server', 'custom')", name="kind"),
        CheckConstraint("type in ('official', 'custom')", name="type"),
        CheckConstraint("status in ('active', 'failing')", name="status"),
        ForeignKeyConstraint(
            ["tenant_id", "oauth_provider_id"],
            ["oauth_provider.tenant_id", "oauth_provider.id"],
            ondelete="SET NULL (oauth_provider_id)",
        ),
        Index(None, "tenant_id", "oauth_provider_id"),
    )

    user_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    category: Mapped[str]
    logo: Mapped[str]
    help: Mapped[str]
    auth_config: Mapped[dict[str, Any]] = mapped_column(JSONB)
    config: Mapped[dict[str, Any]] = mapped_column("config_json", JSONB)  # as `kind` demands
    environments: Mapped[list[str]] = mapped_column(ARRAY(String))
    tools: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # contracts.tools.FunctionOut
    found: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # that nobody has accepted yet
    oauth_provider_id: Mapped[uuid.UUID | None]
    type: Mapped[str] = mapped_column(server_default="custom")
    compatible_system: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="active")
    last_error: Mapped[str | None]
    updated_at: Mapped[updated_at]
