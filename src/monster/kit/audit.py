"""What was done, by whom, and how it was before: written in the transaction of the change itself.

Each row hashes the one before it, per tenant; the database sees to that (`kit.audit_chain`).
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

import orjson
from pydantic import BaseModel
from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.schema import SchemaItem

from monster.kit.db import TenantRow
from monster.kit.ids import new_id

PLATFORM = uuid.UUID(int=0)  # whose log has what belongs to no tenant

REDACTED = "[redacted]"
_SECRET = (
    "password", "secret", "token", "api_key", "authorization", "cookie", "private_key", "hash",
)  # fmt: skip
_LONGEST = 2000  # characters of one value


class Action(StrEnum):
    ACCEPT = "ACCEPT"
    CREATE = "CREATE"
    DELETE = "DELETE"
    ERASE = "ERASE"
    EXPORT = "EXPORT"
    IMPERSONATE = "IMPERSONATE"
    INVITE = "INVITE"
    LEAVE = "LEAVE"
    LOCK = "LOCK"
    LOGIN = "LOGIN"
    LOGIN_FAILED = "LOGIN_FAILED"
    LOGOUT = "LOGOUT"
    PUBLISH = "PUBLISH"
    RESUME = "RESUME"
    REVOKE = "REVOKE"
    SUSPEND = "SUSPEND"
    TEST = "TEST"
    TRANSFER = "TRANSFER"
    UPDATE = "UPDATE"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, from where.

    `principal` is `user`, `api_key:<id>`, `scim`, `system` or `anonymous`.
    """

    tenant_id: uuid.UUID
    principal: str
    user_id: uuid.UUID | None = None
    impersonator_id: uuid.UUID | None = None
    ip_address: str | None = None
    user_agent: str | None = None

    @classmethod
    def system(cls, tenant_id: uuid.UUID) -> "Actor":
        return cls(tenant_id, "system")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. Of a change, `before` and `after` are reduced to what differs.

    Nothing personal about contacts goes in: a log that cannot be changed cannot forget.
    """

    action: Action
    resource_type: str
    resource_id: uuid.UUID | str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def details(self) -> dict[str, object]:
        said = {"before": self.before, "after": self.after}
        if self.before is not None and self.after is not None:
            said = _difference(self.before, self.after)
        told = {name: dict(values) for name, values in said.items() if values is not None}
        return _redact_each({**told, **self.more})


class AuditRow(TenantRow):
    """Append only: the application role may insert and read. The trigger adds `seq` and hashes."""

    __tablename__ = "audit_log"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[SchemaItem, ...]:  # of each service's table its own
        return (
            UniqueConstraint("tenant_id", "seq"),
            Index("ix_audit_log_resource", "tenant_id", "resource_type", "resource_id"),
            Index(None, "tenant_id", "user_id"),
        )

    seq: Mapped[int] = mapped_column(BigInteger)
    principal: Mapped[str]
    user_id: Mapped[uuid.UUID | None]  # no reference: the row stays when the person is gone
    impersonator_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    resource_type: Mapped[str]
    resource_id: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditHeadRow:
    """Where a tenant's chain ends: without it, rows cut off at the end would not be missed."""

    __tablename__ = "audit_head"

    tenant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


_INSERT = text("""
    insert into audit_log (tenant_id, id, principal, user_id, impersonator_id, action,
        resource_type, resource_id, details, ip_address, user_agent)
    select :tenant, id, :principal, cast(:user as uuid), cast(:impersonator as uuid), action,
        resource_type, resource_id, details, :ip, :agent
    from jsonb_to_recordset(cast(:entries as jsonb))
        e(id uuid, action text, resource_type text, resource_id text, details jsonb)
""")


async def record(session: AsyncSession, actor: Actor, *entries: Entry) -> None:
    """One statement, however many entries. The last thing a transaction does: from here until it
    ends, no other of this tenant can record."""
    rows = [
        {
            "id": new_id(),
            "action": entry.action,
            "resource_type": entry.resource_type,
            "resource_id": None if entry.resource_id is None else str(entry.resource_id),
            "details": entry.details(),
        }
        for entry in entries
    ]
    values = {
        "tenant": actor.tenant_id,
        "principal": actor.principal,
        "user": actor.user_id,
        "impersonator": actor.impersonator_id,
        "ip": actor.ip_address,
        "agent": actor.user_agent,
        "entries": orjson.dumps(rows, default=str).decode().replace("\\u0000", ""),
    }
    await session.execute(_INSERT, values)


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Mapping[str, Any] | None]:
    changed = [name for name in after if before.get(name) != after[name]]
    return {
        "before": {name: before.get(name) for name in changed},
        "after": {name: after[name] for name in changed},
    }


def _redact(value: object, name: str = "") -> object:
    if isinstance(value, Mapping):
        return _redact_each(cast(Mapping[str, object], value))
    if isinstance(value, BaseModel):
        return _redact_each(value.model_dump(mode="json"))
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact(one) for one in cast(Iterable[object], value)]
    if value is not None and any(word in name.lower() for word in _SECRET):
        return REDACTED
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}… ({len(value)} characters)"
    return value


def _redact_each(values: Mapping[str, object]) -> dict[str, object]:
    return {str(name): _redact(value, str(name)) for name, value in values.items()}
