"""Rows of an audit log, and whether it is as it was written."""

import uuid
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator

from monster.kit.schemas import Output


def _hex(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


Digest: TypeAlias = Annotated[str, BeforeValidator(_hex)]  # in hexadecimal


class AuditOut(Output):
    """`principal` is `user`, `api_key:<id>`, `scim`, `system`, `anonymous`, or a service.
    `impersonator_id` acted as `user_id`."""

    id: uuid.UUID
    seq: int
    created_at: datetime
    principal: str
    user_id: uuid.UUID | None
    impersonator_id: uuid.UUID | None
    action: str
    resource_type: str
    resource_id: str | None
    details: dict[str, object]
    ip_address: str | None
    user_agent: str | None
    prev_hash: Digest
    hash: Digest


class BreakOut(Output):
    """The row is named as far as it is still there."""

    seq: int
    reason: str
    id: uuid.UUID | None
    created_at: datetime | None
    action: str | None
    resource_type: str | None
    resource_id: str | None


class CheckedOut(Output):
    """`head` is the hash of the last row: kept elsewhere, it proves what the log was."""

    intact: bool
    rows: int
    broken: int
    breaks: list[BreakOut]
    head: str
