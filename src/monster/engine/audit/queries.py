"""All SQL about the audit log. Every function starts from the caller's scope."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.audit.models import AuditLog
from monster.kit import audit_check, audit_log
from monster.kit.audit_check import Checked
from monster.kit.audit_log import Page


async def page(session: AsyncSession, scope: Scope, wanted: Page) -> Sequence[AuditLog]:
    found = await session.scalars(audit_log.rows(AuditLog, scope.tenant_id, wanted))
    return audit_log.newest_first(wanted, found.all())


async def get(session: AsyncSession, scope: Scope, row_id: uuid.UUID) -> AuditLog | None:
    rows = select(AuditLog).where(AuditLog.tenant_id == scope.tenant_id)
    return await session.scalar(rows.where(AuditLog.id == row_id))


async def verify(session: AsyncSession, scope: Scope) -> Checked:
    return await audit_check.verify_tenant(session, scope.tenant_id)
