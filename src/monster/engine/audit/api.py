"""JSON endpoints about the audit log: it is read, and never written from outside."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from monster.contracts.audit import AuditOut, CheckedOut
from monster.engine.access.scope import CurrentScope, Transaction
from monster.engine.audit import service
from monster.engine.audit.models import AuditLog
from monster.kit.audit_log import Page

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", response_model=list[AuditOut])
async def list_audit(
    session: Transaction, scope: CurrentScope, wanted: Annotated[Page, Query()]
) -> Sequence[AuditLog]:
    """Newest first."""
    return await service.page(session, scope, wanted)


@router.get("/verify")
async def verify_audit(session: Transaction, scope: CurrentScope) -> CheckedOut:
    """Reads all rows of the tenant; one verification at a time."""
    return await service.verify(session, scope)


@router.get("/{row_id}", response_model=AuditOut)
async def get_audit(row_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> AuditLog:
    return await service.get(session, scope, row_id)
