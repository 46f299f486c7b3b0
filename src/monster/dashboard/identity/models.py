"""Tenants, people, who belongs where, and who is signed in.

`tenant`, `user` and `login_session` are read before a tenant is known: row-level security cannot
guard them. The grants of the application role do, see migration 0003.
"""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.dashboard.database import Base
from monster.kit.db import TenantRow, created_at, tenant_key, updated_at
from monster.kit.ids import new_id

RoleName: TypeAlias = Literal["owner", "admin", "editor", "viewer"]


class Tenant(Base):
    __tablename__ = "tenant"
    __mapper_args__: ClassVar = {"eager_defaults": True}
    __table_args__ = (UniqueConstraint("slug"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    email: Mapped[str]
    slug: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    suspended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[created_at]
    updated_at: Mapped[updated_at]


class User(Base):
    __tablename__ = "user"
    __mapper_args__: ClassVar = {"eager_defaults": True}
    __table_args__ = (
        Index("uq_user_email", text("lower(email)"), unique=True),
        Index(None, "tenant_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]  # none for those who come by single sign-on only
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("tenant.id", ondelete="SET NULL")
    )
    is_active: Mapped[bool] = mapped_column(server_default=false())
    email_verified: Mapped[bool] = mapped_column(server_default=false())
    is_admin: Mapped[bool] = mapped_column(server_default=false())
    failed_login_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[created_at]
    updated_at: Mapped[updated_at]


class Membership(TenantRow, Base):
    """Seen from inside the tenant, and by the person: who signs in has no tenant yet."""

    __tablename__ = "tenant_member"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id"),
        Index(None, "user_id"),
        CheckConstraint("role in ('owner', 'admin', 'editor', 'viewer')", name="role"),
    )

    tenant_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True, sort_order=-2
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    role: Mapped[RoleName] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(server_default=true())
    external_id: Mapped[str | None]  # what the directory (SCIM) calls them
    updated_at: Mapped[updated_at]


class LoginSession(Base):
    """`token_hash` is SHA-256 of what the cookie holds: who reads this table signs in as nobody."""

    __tablename__ = "login_session"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "user_id"),
        Index(None, "impersonator_id"),
        tenant_key("identity_provider_id", "identity_provider.id"),
        Index(None, "tenant_id", "identity_provider_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    impersonator_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE")
    )
    identity_provider_id: Mapped[uuid.UUID | None]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    csrf: Mapped[str]
    created_at: Mapped[created_at]
    last_seen_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]


TokenKind: TypeAlias = Literal[
    "register", "reset", "email", "invite", "second_factor", "passkey", "sso"
]


class OneTimeToken(Base):
    """Sent to an address or held by one browser; worth one use.

    `token_hash` is SHA-256 of it, null until it is made: those that travel by mail are made while
    the mail is written, so that no row ever holds one. Read before a tenant is known.
    """

    __tablename__ = "one_time_token"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index(None, "user_id"),
        tenant_key("invitation_id", "invitation.id"),
        Index(None, "tenant_id", "invitation_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[TokenKind] = mapped_column(Text)
    email: Mapped[str | None]
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    invitation_id: Mapped[uuid.UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[created_at]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PersonRow:
    """A row that is one person's, whatever the tenant: the wall is the `user_id`."""

    __mapper_args__: ClassVar = {"eager_defaults": True}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-2)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), sort_order=-1
    )
    created_at: Mapped[created_at]


class Totp(PersonRow, Base):
    """An authenticator app. The secret is sealed with the account key."""

    __tablename__ = "totp"
    __table_args__ = (UniqueConstraint("user_id"),)

    secret: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_step: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))  # no code twice


class Passkey(PersonRow, Base):
    __tablename__ = "passkey"
    __table_args__ = (UniqueConstraint("credential_id"), Index(None, "user_id"))

    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RecoveryCode(PersonRow, Base):
    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
