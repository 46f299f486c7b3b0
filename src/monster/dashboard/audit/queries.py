"""All SQL about the dashboard's own audit log. Every function starts from the caller's scope."""

import uuid
from collections.abc import Sequence
from typing import LiteralString

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.audit.models import AuditLog
from monster.dashboard.identity.scope import Scope
from monster.kit import audit_check, audit_log
from monster.kit.audit_check import Checked
from monster.kit.audit_log import Page

# From one value to the next along an index: as many steps as values, however long the log is.
_EACH: LiteralString = """
    with recursive one(value) as (
        (select {0} from audit_log where tenant_id = :tenant and {0} is not null
            order by {0} limit 1)
        union all
        select (select {0} from audit_log where tenant_id = :tenant and {0} > one.value
            order by {0} limit 1) from one where one.value is not null
    )
    select value from one where value is not null limit :most
"""
_PEOPLE, _KINDS = (text(_EACH.format(column)) for column in ("user_id", "resource_type"))


async def page(session: AsyncSession, scope: Scope, wanted: Page) -> Sequence[AuditLog]:
    found = await session.scalars(audit_log.rows(AuditLog, scope.tenant_id, wanted))
    return audit_log.newest_first(wanted, found.all())


async def get(session: AsyncSession, scope: Scope, row_id: uuid.UUID) -> AuditLog | None:
    rows = select(AuditLog).where(AuditLog.tenant_id == scope.tenant_id)
    return await session.scalar(rows.where(AuditLog.id == row_id))


async def people(session: AsyncSession, scope: Scope, most: int) -> set[uuid.UUID]:
    """Who has done something here."""
    values = {"tenant": scope.tenant_id, "most": most}
    return set(await session.scalars(_PEOPLE, values))


async def kinds(session: AsyncSession, scope: Scope, most: int) -> set[str]:
    """What something was done to."""
    return set(await session.scalars(_KINDS, {"tenant": scope.tenant_id, "most": most}))


async def verify(session: AsyncSession, scope: Scope) -> Checked:
    return await audit_check.verify_tenant(session, scope.tenant_id)
