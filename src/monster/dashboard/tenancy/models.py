"""Who was invited, and where members come from who are managed elsewhere."""

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from monster.dashboard.database import Base
from monster.dashboard.identity.models import RoleName
from monster.kit.db import TenantRow, tenant_key, updated_at

_ROLES = "('owner', 'admin', 'editor', 'viewer')"


class Invitation(TenantRow, Base):
    __tablename__ = "invitation"
    __table_args__ = (
        Index("uq_invitation_email", "tenant_id", text("lower(email)"), unique=True),
        CheckConstraint(f"role in {_ROLES}", name="role"),
    )

    email: Mapped[str]
    role: Mapped[RoleName] = mapped_column(Text)
    user_id: Mapped[uuid.UUID]  # who invited
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[updated_at]


class IdentityProvider(TenantRow, Base):
    """OpenID Connect. `roles` maps values of the claim `role_claim` to roles."""

    __tablename__ = "identity_provider"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint(f"default_role in {_ROLES}", name="default_role"),
    )

    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # sealed
    scopes: Mapped[str]
    role_claim: Mapped[str | None]
    roles: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    default_role: Mapped[RoleName] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(server_default=true())
    updated_at: Mapped[updated_at]

    @property
    def has_secret(self) -> bool:
        return self.client_secret is not None


class ExternalIdentity(TenantRow, Base):
    """Whom a provider means by a subject."""

    __tablename__ = "external_identity"
    __table_args__ = (
        UniqueConstraint("tenant_id", "identity_provider_id", "subject"),
        tenant_key("identity_provider_id", "identity_provider.id"),
        Index(None, "user_id"),
    )

    identity_provider_id: Mapped[uuid.UUID]
    subject: Mapped[str]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))


class TenantKey(TenantRow, Base):
    """The tenant's data key, wrapped by the account key: without this row its secrets are noise."""

    __tablename__ = "tenant_key"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)


class ScimToken(TenantRow, Base):
    """With which a directory signs in. It begins with the tenant's id; this is its SHA-256."""

    __tablename__ = "scim_token"
    __table_args__ = (UniqueConstraint("tenant_id", "token_hash"),)

    name: Mapped[str]
    user_id: Mapped[uuid.UUID]  # who made it
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class MemberGroup(TenantRow, Base):
    """As the directory has it; one with a role gives it to its members."""

    __tablename__ = "member_group"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint(f"role in {_ROLES}", name="role"),
    )

    name: Mapped[str]
    external_id: Mapped[str | None]
    role: Mapped[RoleName | None] = mapped_column(Text)
    updated_at: Mapped[updated_at]


class GroupMember(TenantRow, Base):
    __tablename__ = "group_member"
    __table_args__ = (
        UniqueConstraint("tenant_id", "group_id", "member_id"),
        tenant_key("group_id", "member_group.id"),
        tenant_key("member_id", "tenant_member.id"),
        Index(None, "tenant_id", "member_id"),
    )

    group_id: Mapped[uuid.UUID]
    member_id: Mapped[uuid.UUID]
