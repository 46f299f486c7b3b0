"""Secrets as they are stored: sealed with a key of the tenant, which the master key wraps."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monster.engine.database import Base
from monster.kit.db import TenantRow, created_at, tenant_key
from monster.kit.ids import new_id


class TenantKey(TenantRow, Base):
    """Without this row, every secret that it sealed is noise."""

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


class KeyRotation(Base):
    """Of all tenants' keys. One that was cut short is continued: keys made since it began stay."""

    __tablename__ = "key_rotation"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    started_at: Mapped[created_at]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Secret(TenantRow, Base):
    """`key` is "{owner's id}:{name}"; the ciphertext opens there and nowhere else.

    A key that still seals something cannot be removed: not even by mistake, and not before the
    end of the transaction, so that a tenant can go with all it has, in any order.
    """

    __tablename__ = "secret"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        tenant_key("credential_id", "credential.id"),
        tenant_key("tool_factory_id", "tool_factory.id"),
        tenant_key("oauth_provider_id", "oauth_provider.id"),
        ForeignKeyConstraint(
            ["tenant_id", "key_version"],
            ["tenant_key.tenant_id", "tenant_key.key_version"],
            deferrable=True,
            initially="DEFERRED",
        ),
        CheckConstraint(
            "num_nonnulls(credential_id, tool_factory_id, oauth_provider_id) = 1", name="owner"
        ),
        Index(None, "tenant_id", "credential_id"),
        Index(None, "tenant_id", "tool_factory_id"),
        Index(None, "tenant_id", "oauth_provider_id"),
        Index(None, "tenant_id", "key_version"),
    )

    credential_id: Mapped[uuid.UUID | None]
    tool_factory_id: Mapped[uuid.UUID | None]
    oauth_provider_id: Mapped[uuid.UUID | None]
    key: Mapped[str]
    key_version: Mapped[int]
    ciphertext: Mapped[bytes]
