"""What a person changes about themselves, and where they are signed in."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.accounts import service as accounts
from monster.dashboard.accounts.schemas import Account
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import WrongPassword
from monster.dashboard.identity.models import LoginSession
from monster.dashboard.identity.scope import Person
from monster.dashboard.profile import queries
from monster.dashboard.profile.errors import NoPassword
from monster.dashboard.profile.schemas import ChangeEmail, ChangePassword, LoginOut, device_name
from monster.kit import rates, tenancy
from monster.kit.audit import Action, Entry
from monster.kit.db import SessionMaker
from monster.kit.errors import NotFound

REFUSAL = "This is not your password. Five wrong ones lock the account for half an hour."


async def profile(session: AsyncSession, person: Person) -> Account:
    return await accounts.account(session, person.user_id)


async def rename(session: AsyncSession, person: Person, name: str) -> None:
    person.require_own()
    await accounts.rename(session, person.actor, person.user_id, name)


async def change_email(sessions: SessionMaker, person: Person, data: ChangeEmail) -> None:
    """A letter goes to the new address, whether it is somebody's or not."""
    limits, ip_address = accounts.MOVE, person.device.ip_address
    person.require_own()
    await rates.take_both(sessions, "move", limits, ip_address, data.email)
    await _prove(sessions, person, data.password.get_secret_value(), field="password")
    async with tenancy.outside(sessions) as session:
        await accounts.ask_to_move(session, person.user_id, data.email)


async def change_password(sessions: SessionMaker, person: Person, data: ChangePassword) -> None:
    """Ends all other sessions. Raises WrongPassword, WeakPassword, NoPassword or TooMany."""
    person.require_own()
    await _prove(sessions, person, data.current.get_secret_value(), field="current")
    email = person.identity.user_email
    hashed = await accounts.hash_new(data.new.get_secret_value(), email, field="new")
    async with tenancy.outside(sessions) as session:
        account = await accounts.account(session, person.user_id)
        here = person.identity.session_id
        await accounts.replace_password(session, person.actor, account, hashed, but=here)


async def _prove(sessions: SessionMaker, person: Person, password: str, *, field: str) -> None:
    """Wrong ones count like those at the door."""
    async with tenancy.outside(sessions) as session:
        account = await accounts.account(session, person.user_id)
    if not account.has_password:
        raise NoPassword("you sign in with the account of your company: there is no password")
    try:
        await identity.prove_again(sessions, account.email, password, person.device)
    except WrongPassword as wrong:
        wrong.message, wrong.field = REFUSAL, field
        raise


async def logins(
    session: AsyncSession, person: Person, idle: timedelta, after: uuid.UUID | None, limit: int
) -> Sequence[LoginOut]:
    rows = await queries.sessions(session, person, idle, after, limit)
    return [_login(row, person) for row in rows]


def _login(row: LoginSession, person: Person) -> LoginOut:
    """Of a platform admin who acts as the person, neither the address nor the device is theirs."""
    disguised = row.impersonator_id is not None
    return LoginOut(
        id=row.id,
        device="A platform admin" if disguised else device_name(row.user_agent),
        ip_address=None if disguised else row.ip_address,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        impersonated=disguised,
        current=row.id == person.identity.session_id,
    )


async def end(session: AsyncSession, person: Person, session_id: uuid.UUID) -> None:
    if not await queries.end(session, person, session_id):
        raise NotFound("no such session")
    await identity.note(session, person.actor, Entry(Action.REVOKE, "session", session_id))


async def end_others(session: AsyncSession, person: Person) -> int:
    """How many there were."""
    count = await queries.end_others(session, person)
    ended = Entry(Action.REVOKE, "session", more={"count": count})
    await identity.note(session, person.actor, ended)
    return count
