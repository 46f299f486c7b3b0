"""Credentials, and their values as they are stored: sealed with the tenant's key."""

import uuid
from datetime import datetime

from sqlalchemy import ARRAY, DateTime, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, tenant_key, updated_at


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


class TenantKey(TenantRow, Base):
    """Without this row, every secret of the tenant is noise."""

    __tablename__ = "tenant_key"
    __table_args__ = (UniqueConstraint("tenant_id", "key_version"),)

    key_version: Mapped[int]
    wrapped_key: Mapped[bytes]


class MasterKeyUse(Base):
    """Which master key wrapped a tenant's key. Ids only and outside row-level security, so that a
    process can tell before it serves whether it holds the right one."""

    __tablename__ = "master_key_use"
    __table_args__ = (
        tenant_key("key_version", "tenant_key.key_version"),
        Index(None, "fingerprint"),
    )

    tenant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key_version: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]


class Secret(TenantRow, Base):
    """`key` is "{credential.id}:{name}"; the ciphertext opens there and nowhere else."""

    __tablename__ = "secret"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        tenant_key("credential_id", "credential.id"),
        tenant_key("key_version", "tenant_key.key_version"),
        Index(None, "tenant_id", "credential_id"),
        Index(None, "tenant_id", "key_version"),
    )

    credential_id: Mapped[uuid.UUID]
    key: Mapped[str]
    key_version: Mapped[int]
    ciphertext: Mapped[bytes]
