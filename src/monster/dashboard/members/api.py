"""JSON endpoints about members."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from monster.dashboard.identity.scope import Begin, CurrentPerson, CurrentScope, Transaction
from monster.dashboard.members import service
from monster.dashboard.members.schemas import Listed, MemberChanges, MemberOut, Transfer
from monster.dashboard.permissions import Can
from monster.kit.schemas import Prose

router = APIRouter(prefix="/members", tags=["members"])


@router.get("", response_model=list[MemberOut])
async def list_members(
    session: Transaction,
    scope: CurrentScope,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Sequence[Listed]:
    """Newest first. `q` is looked for in names and addresses."""
    return await service.page(session, scope, q, after, limit)


@router.post("/leave", status_code=204)
async def leave_workspace(session: Transaction, scope: CurrentScope) -> None:
    """What was this person's alone belongs to the owner from then on."""
    await service.leave(session, scope)


@router.get("/{member_id}", response_model=MemberOut)
async def get_member(member_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> Listed:
    return await service.get(session, scope, member_id)


@router.patch("/{member_id}", response_model=MemberOut)
async def change_member(
    member_id: uuid.UUID, changes: MemberChanges, session: Transaction, scope: CurrentScope
) -> Listed:
    return await service.change(session, scope, member_id, changes)


@router.delete("/{member_id}", status_code=204)
async def remove_member(member_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> None:
    """What was theirs alone belongs to the caller from then on."""
    await service.remove(session, scope, member_id)


@router.post("/{member_id}/make-owner", response_model=MemberOut)
async def transfer_workspace(
    member_id: uuid.UUID,
    data: Transfer,
    request: Request,
    person: CurrentPerson,
    scope: CurrentScope,
    begin: Begin,
) -> Listed:
    """The owner until now becomes an admin."""
    scope.require(Can.TRANSFER)
    await service.confirm(request.app.state.sessions, person, data)
    async with begin() as session:
        return await service.transfer(session, scope, member_id)
