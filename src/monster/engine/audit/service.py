"""What happened in the engine, for those who may know."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.audit import CheckedOut
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.audit import queries
from monster.engine.audit.errors import AuditNotFound
from monster.engine.audit.models import AuditLog
from monster.kit.audit_log import Page


async def page(session: AsyncSession, scope: Scope, wanted: Page) -> Sequence[AuditLog]:
    scope.require(Permission.AUDIT_READ)
    return await queries.page(session, scope, wanted)


async def get(session: AsyncSession, scope: Scope, row_id: uuid.UUID) -> AuditLog:
    scope.require(Permission.AUDIT_READ)
    found = await queries.get(session, scope, row_id)
    if found is None:
        raise AuditNotFound(f"no row {row_id}")
    return found


async def verify(session: AsyncSession, scope: Scope) -> CheckedOut:
    scope.require(Permission.AUDIT_READ)
    checked = await queries.verify(session, scope)
    return CheckedOut.model_validate(checked.report(scope.tenant_id))
