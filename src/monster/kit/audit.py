"""What was done, by whom, and how it was before: written in the transaction of the change itself.

Each row hashes the one before it, per tenant; the database sees to that (`kit.audit_chain`).
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, LiteralString

import orjson
from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.schema import SchemaItem

from monster.kit import audit_details
from monster.kit.db import TenantRow
from monster.kit.ids import new_id

PLATFORM = uuid.UUID(int=0)  # whose log has what belongs to no tenant

_SHORT = 500  # characters of what stands in a column of its own


class Action(StrEnum):
    ACCEPT = "ACCEPT"
    APPROVE = "APPROVE"
    CANCEL = "CANCEL"
    CONFIRM = "CONFIRM"
    CREATE = "CREATE"
    DELETE = "DELETE"
    DENY = "DENY"
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
            said = audit_details.difference(self.before, self.after)
        told = {name: dict(values) for name, values in said.items() if values is not None}
        return audit_details.clean({**told, **self.more})


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


# All that is said of the entries goes in one parameter, so that raw psycopg can use it as well.
_INSERT: LiteralString = """
    insert into audit_log (tenant_id, id, principal, user_id, impersonator_id, action,
        resource_type, resource_id, details, ip_address, user_agent)
    select tenant_id, id, principal, user_id, impersonator_id, action, resource_type, resource_id,
        details, ip_address, user_agent
    from jsonb_to_recordset(cast({0} as jsonb)) e(tenant_id uuid, id uuid, principal text,
        user_id uuid, impersonator_id uuid, action text, resource_type text, resource_id text,
        details jsonb, ip_address text, user_agent text)
"""
_RECORD = text(_INSERT.format(":entries"))
INSERT: LiteralString = _INSERT.format("%(entries)s")  # for a larger statement; see `rows`


async def record(session: AsyncSession, actor: Actor, *entries: Entry) -> None:
    """One statement, however many entries. The last thing a transaction does: from here until it
    ends, no other of this tenant can record."""
    await session.execute(_RECORD, {"entries": rows(actor, *entries)})


def rows(actor: Actor, *entries: Entry) -> str:
    """JSON: what `INSERT` takes as `entries`."""
    who = {
        "tenant_id": actor.tenant_id,
        "principal": actor.principal,
        "user_id": actor.user_id,
        "impersonator_id": actor.impersonator_id,
        "ip_address": _short(actor.ip_address),
        "user_agent": _short(actor.user_agent),
    }
    return orjson.dumps([who | _what(entry) for entry in entries]).decode()


def _what(entry: Entry) -> dict[str, object]:
    return {
        "id": new_id(),
        "action": entry.action,
        "resource_type": entry.resource_type,
        "resource_id": _short(entry.resource_id),
        "details": entry.details(),
    }


def _short(value: object) -> str | None:
    """For columns, some of them indexed: a key of an index has 2,704 bytes at most."""
    return None if value is None else audit_details.clean_text(str(value), _SHORT)
