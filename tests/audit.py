"""What a service wrote into its audit log, for the tests of everything that changes something."""

import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
from fastapi import FastAPI
from psycopg.rows import class_row

from tests.builders import owner_conninfo


@dataclass(frozen=True)
class Audited:
    id: uuid.UUID
    seq: int
    principal: str
    user_id: uuid.UUID | None
    impersonator_id: uuid.UUID | None
    action: str
    resource_type: str
    resource_id: str | None
    details: dict[str, Any]
    ip_address: str | None
    user_agent: str | None

    @property
    def what(self) -> str:
        return f"{self.action} {self.resource_type} {self.resource_id}"


def audited(app: FastAPI, tenant_id: uuid.UUID) -> list[Audited]:
    """Of one service and one tenant, oldest first; past the walls."""
    query = """
        select id, seq, principal, user_id, impersonator_id, action, resource_type, resource_id,
            details, ip_address, user_agent
        from audit_log where tenant_id = %s order by seq
    """
    with (
        psycopg.connect(owner_conninfo(app)) as owner,
        owner.cursor(row_factory=class_row(Audited)) as cursor,
    ):
        return cursor.execute(query, [tenant_id]).fetchall()
