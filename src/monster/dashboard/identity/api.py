"""JSON endpoints at the door, for clients that are not browsers."""

from fastapi import APIRouter, Request

from monster.dashboard.identity import service
from monster.dashboard.identity.schemas import SessionOut, SignIn, Ticket
from monster.dashboard.identity.scope import CurrentPerson, CurrentToken, PersonTransaction, device

router = APIRouter(prefix="/sessions", tags=["sessions"])


@router.post("", response_model=SessionOut, status_code=201)
async def create_session(data: SignIn, request: Request) -> Ticket:
    state = request.app.state
    return await service.sign_in(state.sessions, data, device(request), state.lifetime)


@router.delete("/current", status_code=204)
async def end_session(
    session: PersonTransaction, person: CurrentPerson, token: CurrentToken
) -> None:
    await service.sign_out(session, person.actor, token)
