"""JSON endpoints for people who are not signed in: register, confirm, reset a password."""

from fastapi import APIRouter, Request

from monster.dashboard.accounts import service
from monster.dashboard.accounts.schemas import AskForReset, Mailed, Register, Reset, VerifyAddress
from monster.dashboard.identity.schemas import SessionOut, Ticket
from monster.dashboard.identity.scope import device
from monster.kit import tenancy

router = APIRouter(tags=["accounts"])

_SAID = Mailed(message=service.MAILED)


@router.post("/registrations", status_code=202)
async def register(data: Register, request: Request) -> Mailed:
    """A link is mailed; nothing is made before it is used."""
    state = request.app.state
    service.require_open(registration=state.settings.registration)
    await service.register(state.sessions, data, device(request))
    return _SAID


@router.post("/registrations/verify", response_model=SessionOut, status_code=201)
async def open_workspace(data: VerifyAddress, request: Request) -> Ticket:
    """Makes the workspace and its owner, and signs them in."""
    state = request.app.state
    service.require_open(registration=state.settings.registration)
    async with tenancy.outside(state.sessions) as session:
        return await service.open_workspace(session, data.token, device(request), state.lifetime)


@router.post("/password-resets", status_code=202)
async def ask_for_reset(data: AskForReset, request: Request) -> Mailed:
    await service.ask_for_reset(request.app.state.sessions, data.email, device(request))
    return _SAID


@router.post("/password-resets/redeem", status_code=204)
async def reset(data: Reset, request: Request) -> None:
    """Ends every session of the person."""
    password = data.password.get_secret_value()
    await service.reset(request.app.state.sessions, data.token, password, device(request))


@router.post("/email-changes/confirm", status_code=204)
async def confirm_email(data: VerifyAddress, request: Request) -> None:
    """With the token from the letter to the new address."""
    async with tenancy.outside(request.app.state.sessions) as session:
        await service.move(session, data.token, device(request))
