"""JSON endpoints about invitations."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from monster.dashboard.identity.schemas import SessionOut, Ticket
from monster.dashboard.identity.scope import (
    CurrentPerson,
    CurrentScope,
    PersonTransaction,
    Transaction,
    device,
)
from monster.dashboard.invitations import service
from monster.dashboard.invitations.schemas import (
    Accept,
    InvitationCreate,
    InvitationOut,
    Join,
    Joined,
    Listed,
)

router = APIRouter(prefix="/invitations", tags=["invitations"])


@router.get("", response_model=list[InvitationOut])
async def list_invitations(
    session: Transaction,
    scope: CurrentScope,
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Sequence[Listed]:
    """Newest first; those who came are members and not in it any more."""
    return await service.page(session, scope, after, limit)


@router.post("", response_model=InvitationOut, status_code=201)
async def invite(data: InvitationCreate, session: Transaction, scope: CurrentScope) -> Listed:
    """By a mail with a link that is good for seven days."""
    return await service.invite(session, scope, data)


@router.post("/{invitation_id}/resend", response_model=InvitationOut)
async def resend_invitation(
    invitation_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> Listed:
    return await service.resend(session, scope, invitation_id)


@router.delete("/{invitation_id}", status_code=204)
async def withdraw_invitation(
    invitation_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> None:
    await service.withdraw(session, scope, invitation_id)


@router.post("/accept", response_model=SessionOut, status_code=201)
async def accept_invitation(data: Accept, request: Request) -> Ticket:
    """Makes an account for who has none, and a session of it."""
    state = request.app.state
    return await service.accept(state.sessions, data, device(request), state.lifetime)


@router.post("/join")
async def join_workspace(data: Join, person: CurrentPerson, session: PersonTransaction) -> Joined:
    """Accepts as the person who is signed in, whose session works there from here on."""
    promised = await service.join(session, person, data.token)
    return Joined(tenant_id=promised.tenant_id, name=promised.tenant_name, role=promised.role)
