"""JSON endpoints to act as somebody else, for platform admins."""

import uuid

from fastapi import APIRouter

from monster.dashboard.identity.schemas import SessionOut, Ticket
from monster.dashboard.identity.scope import CurrentPerson, CurrentToken, PersonTransaction
from monster.dashboard.impersonation import service
from monster.dashboard.impersonation.schemas import Impersonate

router = APIRouter(prefix="/admin", tags=["admin"])


@router.post("/users/{user_id}/impersonate", response_model=SessionOut, status_code=201)
async def impersonate(
    user_id: uuid.UUID, data: Impersonate, session: PersonTransaction, person: CurrentPerson
) -> Ticket:
    """A session of that person, for an hour at most; one's own goes on beside it."""
    return await service.begin(session, person, user_id, data)


@router.post("/impersonation/end", status_code=204)
async def end_impersonation(
    session: PersonTransaction, person: CurrentPerson, token: CurrentToken
) -> None:
    """Sent with the session that acts as somebody else; that one is over then."""
    await service.end(session, person, token)
