"""JSON endpoints about all tenants, for platform admins; for others there is nothing here."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from monster.dashboard.admin import service
from monster.dashboard.admin.schemas import (
    MemberOut,
    Sort,
    Sought,
    TenantCreate,
    TenantDelete,
    TenantOut,
)
from monster.dashboard.identity.scope import CurrentPerson, PersonTransaction
from monster.kit.schemas import Prose

router = APIRouter(prefix="/admin/tenants", tags=["admin"])

Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("")
async def list_tenants(
    session: PersonTransaction,
    person: CurrentPerson,
    q: Annotated[Prose, Query(max_length=200)] = "",
    sort: Sort = "newest",
    after: uuid.UUID | None = None,
    limit: Limit = 50,
) -> list[TenantOut]:
    """`after` is the last id of the page before."""
    return await service.page(session, person, Sought(q, sort, after, limit))


@router.post("", status_code=201)
async def create_tenant(
    data: TenantCreate, session: PersonTransaction, person: CurrentPerson
) -> TenantOut:
    """Empty; whoever has the address is invited as its owner."""
    tenant_id = await service.create(session, person, data)
    return await service.get(session, person, tenant_id)


@router.get("/{tenant_id}")
async def get_tenant(
    tenant_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> TenantOut:
    return await service.get(session, person, tenant_id)


@router.get("/{tenant_id}/members")
async def list_members(
    tenant_id: uuid.UUID,
    session: PersonTransaction,
    person: CurrentPerson,
    after: uuid.UUID | None = None,
    limit: Limit = 50,
) -> list[MemberOut]:
    """Oldest first; `after` is the `user_id` of the last one of the page before."""
    await service.get(session, person, tenant_id)
    return await service.members(session, person, tenant_id, after, limit)


@router.post("/{tenant_id}/suspend", status_code=204)
async def suspend_tenant(
    tenant_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> None:
    """Nobody gets in and nothing runs, until it is resumed. Any number of times."""
    await service.set_suspended(session, person, tenant_id, suspended=True)


@router.post("/{tenant_id}/resume", status_code=204)
async def resume_tenant(
    tenant_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> None:
    await service.set_suspended(session, person, tenant_id, suspended=False)


@router.delete("/{tenant_id}", status_code=204)
async def delete_tenant(
    tenant_id: uuid.UUID, data: TenantDelete, session: PersonTransaction, person: CurrentPerson
) -> None:
    """With everything in it, in both databases. `name` must be its name."""
    await service.delete(session, person, tenant_id, data.name)
