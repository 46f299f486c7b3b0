"""JSON endpoints: which workspaces a person has, and the settings of the one they work in."""

import uuid

from fastapi import APIRouter

from monster.dashboard.identity.scope import (
    CurrentPerson,
    CurrentScope,
    Person,
    PersonTransaction,
    Transaction,
)
from monster.dashboard.tenancy import service
from monster.dashboard.tenancy.schemas import (
    Mine,
    SettingsChanges,
    SettingsOut,
    WorkspaceCreate,
    WorkspaceOut,
)

router = APIRouter(tags=["workspaces"])


@router.get("/workspaces")
async def list_workspaces(person: CurrentPerson, session: PersonTransaction) -> list[WorkspaceOut]:
    """Where the person is a member, by name."""
    return [_out(person, one) for one in await service.mine(session, person)]


@router.post("/workspaces", status_code=201)
async def create_workspace(
    data: WorkspaceCreate, person: CurrentPerson, session: PersonTransaction
) -> WorkspaceOut:
    """The person is its owner; this session works there from here on."""
    made = await service.create(session, person, data)
    return _out(person, made, is_current=True)


@router.post("/workspaces/{tenant_id}/enter")
async def enter_workspace(
    tenant_id: uuid.UUID, person: CurrentPerson, session: PersonTransaction
) -> WorkspaceOut:
    """This session works there from here on."""
    return _out(person, await service.enter(session, person, tenant_id), is_current=True)


@router.get("/workspace")
async def read_workspace(session: Transaction, scope: CurrentScope) -> SettingsOut:
    return await service.settings(session, scope)


@router.patch("/workspace")
async def change_workspace(
    changes: SettingsChanges, session: Transaction, scope: CurrentScope
) -> SettingsOut:
    return await service.change(session, scope, changes)


def _out(person: Person, one: Mine, *, is_current: bool = False) -> WorkspaceOut:
    here = is_current or one.id == person.identity.tenant_id
    return WorkspaceOut(
        id=one.id, name=one.name, role=one.role, is_suspended=one.is_suspended, is_current=here
    )
