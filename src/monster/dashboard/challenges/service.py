"""The second step of signing in: from a challenge to a session."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.challenges.errors import WrongCode, WrongPasskey
from monster.dashboard.challenges.schemas import Answer, PasskeyAnswer, Step
from monster.dashboard.factors import service as factors
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.models import OneTimeToken
from monster.dashboard.identity.schemas import Device, Lifetime, Ticket
from monster.dashboard.identity.service import begin
from monster.dashboard.passkeys import service as passkeys
from monster.dashboard.passkeys.schemas import RelyingParty
from monster.kit import audit, rates, tenancy
from monster.kit.audit import Action, Actor, Entry
from monster.kit.crypto import Key
from monster.kit.db import SessionMaker
from monster.kit.rates import Rate

_GUESSES = Rate(5, timedelta(minutes=10))
_KIND = "second_factor"


@dataclass(frozen=True, slots=True)
class Door:
    """Where somebody knocks, and what their session will be like."""

    sessions: SessionMaker
    device: Device
    lifetime: Lifetime


async def step(sessions: SessionMaker, token: str, party: RelyingParty | None) -> Step:
    """Tells nothing about the person. Raises TokenWorthless."""
    async with tenancy.outside(sessions) as session:
        user_id, row = await _asked(session, token)
        mine = await factors.overview(session, user_id)
        options = None
        if party and mine.passkeys:
            challenge = row.data["passkey"]
            options = await passkeys.options_for_use(session, user_id, party, challenge)
    return Step(mine.has_totp, bool(mine.passkeys), options)


async def complete(door: Door, key: Key, answer: Answer) -> Ticket:
    """By a code. Raises WrongCode, TokenWorthless or TooMany."""
    async with tenancy.outside(door.sessions) as session:  # counts before it is looked at
        user_id, row = await _asked(session, answer.challenge)
        for whose in _counted(row, user_id):
            await rates.take(session, _GUESSES, *whose)
    async with tenancy.outside(door.sessions) as session:
        await tenancy.enter_person(session, user_id)
        factor = await factors.check_code(session, user_id, key, answer.code)
        if factor:
            for whose in _counted(row, user_id):
                await rates.give_back(session, _GUESSES, *whose)
            return await _let_in(session, door, answer.challenge, user_id, factor)
    await _refused(door, user_id, "code")
    raise WrongCode("this code is wrong, too old, or was used", field="code")


async def complete_with_passkey(door: Door, party: RelyingParty, answer: PasskeyAnswer) -> Ticket:
    """Nobody can guess what a passkey signs; only the challenge's own attempts are counted.

    Raises WrongPasskey, TokenWorthless or TooMany.
    """
    async with tenancy.outside(door.sessions) as session:
        user_id, row = await _asked(session, answer.challenge)
        await rates.take(session, _GUESSES, *_counted(row, user_id)[0])
    async with tenancy.outside(door.sessions) as session:
        await tenancy.enter_person(session, user_id)
        challenge = row.data["passkey"]
        if await passkeys.check(session, user_id, party, challenge, answer.credential):
            return await _let_in(session, door, answer.challenge, user_id, "passkey")
    await _refused(door, user_id, "passkey")
    raise WrongPasskey("this passkey was not accepted")


async def _asked(session: AsyncSession, token: str) -> tuple[uuid.UUID, OneTimeToken]:
    """Who is asked. The transaction enters the person."""
    row = await identity.peek(session, _KIND, token)
    assert row.user_id
    await tenancy.enter_person(session, row.user_id)
    return row.user_id, row


def _counted(row: OneTimeToken, user_id: uuid.UUID) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("second_factor.challenge", str(row.id)), ("second_factor.person", str(user_id))


async def _let_in(
    session: AsyncSession, door: Door, token: str, user_id: uuid.UUID, factor: str
) -> Ticket:
    await identity.redeem(session, _KIND, token)
    ticket = await begin(session, user_id, door.device, door.lifetime)
    await _record(session, door, user_id, Action.LOGIN, factor)
    return ticket


async def _refused(door: Door, user_id: uuid.UUID, factor: str) -> None:
    async with tenancy.outside(door.sessions) as session:
        await _record(session, door, user_id, Action.LOGIN_FAILED, factor)


async def _record(
    session: AsyncSession, door: Door, user_id: uuid.UUID, action: Action, factor: str
) -> None:
    tenant_id = await factors.log_of(session, user_id)
    await tenancy.enter(session, tenant_id)
    device = door.device
    actor = Actor(
        tenant_id,
        "user" if action is Action.LOGIN else "anonymous",
        user_id,
        ip_address=device.ip_address,
        user_agent=device.user_agent,
    )
    await audit.record(session, actor, Entry(action, "user", user_id, more={"factor": factor}))
