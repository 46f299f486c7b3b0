"""JSON endpoints at the door, for clients that are not browsers."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from monster.dashboard.identity import service
from monster.dashboard.identity.schemas import Challenge, ChallengeOut, SessionOut, SignIn, Ticket
from monster.dashboard.identity.scope import CurrentPerson, CurrentToken, PersonTransaction, device
from monster.kit.http_errors import ErrorOut, ProblemOut

router = APIRouter(prefix="/sessions", tags=["sessions"])


_NEEDED = ErrorOut(
    code="second_factor_needed",
    message="now the code of an authenticator app, a recovery code or a passkey",
)


_REFUSED: dict[int | str, dict[str, object]] = {401: {"model": ChallengeOut | ProblemOut}}


@router.post("", response_model=SessionOut, status_code=201, responses=_REFUSED)
async def create_session(data: SignIn, request: Request) -> Ticket | Response:
    """Who has a second factor gets a 401 `second_factor_needed` with a `challenge` for it."""
    state = request.app.state
    entry = await service.sign_in(state.sessions, data, device(request), state.lifetime)
    if isinstance(entry, Challenge):
        refusal = ChallengeOut(
            error=_NEEDED, challenge=entry.token, methods=list(entry.methods)
        ).model_dump(exclude_none=True)
        return JSONResponse(refusal, 401, {"WWW-Authenticate": "Bearer"})
    return entry


@router.delete("/current", status_code=204)
async def end_session(
    session: PersonTransaction, person: CurrentPerson, token: CurrentToken
) -> None:
    await service.sign_out(session, person.actor, token)
