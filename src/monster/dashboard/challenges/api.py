"""The second step of signing in, for clients that are not browsers."""

from fastapi import APIRouter

from monster.dashboard.challenges import service
from monster.dashboard.challenges.errors import WrongPasskey
from monster.dashboard.challenges.schemas import Answer, AskedPasskey, AskPasskey, PasskeyAnswer
from monster.dashboard.challenges.scope import CurrentDoor
from monster.dashboard.factors.scope import AccountKey, CurrentParty
from monster.dashboard.identity.schemas import SessionOut, Ticket

router = APIRouter(prefix="/sessions/second-factor", tags=["sessions"])


@router.post("", response_model=SessionOut, status_code=201)
async def answer_with_code(data: Answer, door: CurrentDoor, key: AccountKey) -> Ticket:
    """`challenge` is what `POST /api/sessions` answered."""
    return await service.complete(door, key, data)


@router.post("/passkey/options")
async def ask_for_passkey(data: AskPasskey, door: CurrentDoor, party: CurrentParty) -> AskedPasskey:
    asked = await service.step(door.sessions, data.challenge, party)
    if asked.options is None:
        raise WrongPasskey("there is no passkey to ask for")
    return AskedPasskey(options=asked.options)


@router.post("/passkey", response_model=SessionOut, status_code=201)
async def answer_with_passkey(
    data: PasskeyAnswer, door: CurrentDoor, party: CurrentParty
) -> Ticket:
    return await service.complete_with_passkey(door, party, data)
