"""Lets people in: passwords, sessions, and who holds one."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity import queries
from monster.dashboard.identity.errors import EmailTaken, TokenWorthless, WrongPassword
from monster.dashboard.identity.models import OneTimeToken, TokenKind
from monster.dashboard.identity.schemas import (
    Challenge,
    Device,
    Identity,
    Lifetime,
    Method,
    SignIn,
    TellLocked,
    Ticket,
)
from monster.kit import audit, jobs, passwords, rates, tenancy
from monster.kit.audit import PLATFORM, Action, Actor, Entry
from monster.kit.bearer_keys import digest
from monster.kit.db import SessionMaker
from monster.kit.errors import Unauthenticated
from monster.kit.rates import Limits, Rate

SIGN_IN = Limits(address=Rate(30, timedelta(minutes=1)), email=Rate(10, timedelta(minutes=1)))

REFUSAL = (
    "This e-mail and password do not belong together, or the account is locked: "
    "five wrong passwords lock it for half an hour."
)

_CHALLENGED_FOR = timedelta(minutes=5)


async def sign_in(
    sessions: SessionMaker, data: SignIn, device: Device, lifetime: Lifetime
) -> Ticket | Challenge:
    proven = await prove(sessions, data.email, data.password.get_secret_value(), device)
    async with tenancy.outside(sessions) as session:
        await queries.forgive(session, proven.user_id)
        if challenge := await challenge_if_needed(session, proven.user_id):
            return challenge
        ticket = await begin(session, proven.user_id, device, lifetime)
        await note_sign_in(session, proven.user_id, proven.tenant_id, device)
        return ticket


async def prove(
    sessions: SessionMaker, email: str, password: str, device: Device
) -> queries.Attempt:
    """Whose e-mail and password these are. Raises WrongPassword or TooMany.

    The attempt counts before the password is looked at, whatever follows. For an address that
    nobody has, the same is sent to the database as for any other.
    """
    await rates.take_both(sessions, "sign-in", SIGN_IN, device.ip_address, email)
    async with tenancy.outside(sessions) as session:
        attempt = await queries.reserve_attempt(session, email)
    right = await passwords.verify_password(password, attempt.password_hash if attempt else None)
    if attempt is None or not right:
        async with tenancy.outside(sessions) as session:
            await _note_failure(session, attempt, device)
        raise WrongPassword(REFUSAL)
    return attempt


async def prove_again(sessions: SessionMaker, email: str, password: str, device: Device) -> None:
    """That whoever is signed in knows the password; wrong ones count like those at the door."""
    proven = await prove(sessions, email, password, device)
    async with tenancy.outside(sessions) as session:
        await queries.forgive(session, proven.user_id)


async def note_sign_in(
    session: AsyncSession, user_id: uuid.UUID, tenant_id: uuid.UUID | None, device: Device
) -> None:
    """In the log of the person's own workspace, else of the platform. The last statement."""
    actor = _at_the_door(tenant_id, user_id, device)
    await note(session, actor, Entry(Action.LOGIN, "user", user_id))


async def _note_failure(
    session: AsyncSession, attempt: queries.Attempt | None, device: Device
) -> None:
    """What was typed is not kept: it may be a password, at the wrong place."""
    user_id = attempt.user_id if attempt else None
    entries, tell = [Entry(Action.LOGIN_FAILED, "user", user_id)], list[TellLocked]()
    if attempt and attempt.locks:
        entries.append(Entry(Action.LOCK, "user", user_id))
        tell.append(TellLocked(tenant_id=PLATFORM, user_id=attempt.user_id))
    await jobs.defer(session, *tell)
    actor = _at_the_door(attempt.tenant_id if attempt else None, None, device)
    await note(session, actor, *entries)


def _at_the_door(tenant_id: uuid.UUID | None, user_id: uuid.UUID | None, device: Device) -> Actor:
    principal = "user" if user_id else "anonymous"
    return Actor(tenant_id or PLATFORM, principal, user_id, None, *device.place)


async def note(session: AsyncSession, actor: Actor, *entries: Entry) -> None:
    """For a transaction that is of no tenant yet. Its last two statements."""
    await tenancy.enter(session, actor.tenant_id)
    await audit.record(session, actor, *entries)


async def challenge_if_needed(session: AsyncSession, user_id: uuid.UUID) -> Challenge | None:
    """What stands between a right password and a session, if the person has a second factor."""
    methods = await _methods(session, user_id)
    if not methods:
        return None
    data = {"passkey": secrets.token_urlsafe(32)}  # what a passkey has to sign
    kind = "second_factor"
    token_id = await promise(session, kind, _CHALLENGED_FOR, user_id=user_id, data=data)
    minted = await mint(session, token_id)
    assert minted
    return Challenge(minted[0], methods, minted[1].expires_at)


async def has_factor(session: AsyncSession, user_id: uuid.UUID) -> bool:
    return bool(await _methods(session, user_id))


async def _methods(session: AsyncSession, user_id: uuid.UUID) -> Sequence[Method]:
    await tenancy.enter_person(session, user_id)
    return await queries.methods(session, user_id)


async def begin(
    session: AsyncSession,
    user_id: uuid.UUID,
    device: Device,
    lifetime: Lifetime,
    **bound: uuid.UUID,
) -> Ticket:
    """A session of somebody who has shown who they are. `bound`: `tenant_id` to work in instead of
    where they would begin, and `identity_provider_id` or `impersonator_id` that let them in.

    Always a new token: one that somebody planted in the browser is worth nothing. Who belongs to
    no tenant gets in all the same: to accept an invitation, or as platform admin.
    """
    if device.old_token:
        await queries.end_session(session, digest(device.old_token))
    await queries.end_old_sessions(session, user_id)
    token = secrets.token_urlsafe(32)
    tenant_id = bound.pop("tenant_id", None) or await queries.home(session, user_id)
    expires_at = await queries.add_session(
        session,
        user_id,
        tenant_id,
        lifetime.total,
        token_hash=digest(token),
        csrf=secrets.token_urlsafe(32),
        ip_address=device.ip_address,
        user_agent=device.user_agent,
        **bound,
    )
    return Ticket(token, expires_at)


async def sign_out(session: AsyncSession, actor: Actor, token: str) -> None:
    await queries.end_session(session, digest(token))
    await note(session, actor, Entry(Action.LOGOUT, "user", actor.user_id))


async def identify(session: AsyncSession, token: str, lifetime: Lifetime) -> Identity:
    """Read anew on every request, so that a change of role and a deactivation act at once."""
    found = await queries.find_session(session, digest(token), lifetime.idle)
    if found is None:
        raise Unauthenticated("sign in first")
    role = await queries.role(session, found.tenant_id, found.user_id) if found.tenant_id else None
    if found.identity_provider_id and role == "owner":
        role = "admin"  # whoever sets up single sign-on must not become the owner by it
    demanded = found.demands_factor and not (found.impersonator_id or found.identity_provider_id)
    lacks = demanded and not await queries.methods(session, found.user_id)
    if found.seen_long_ago:
        await queries.touch(session, found.id)
    return Identity.of(found, role, lacks_factor=lacks)


async def add_person(
    session: AsyncSession, tenant_id: uuid.UUID, email: str, name: str, password_hash: str
) -> uuid.UUID:
    """Someone whose address is known to be theirs. Raises EmailTaken."""
    user_id = await queries.insert_if_free(session, tenant_id, email, name, password_hash)
    if user_id is None:
        raise EmailTaken(f"somebody has the address {email}", field="email")
    return user_id


async def member(session: AsyncSession, email: str) -> tuple[uuid.UUID, uuid.UUID, str] | None:
    """(tenant, user, role) of an active person where they would begin."""
    user_id = await queries.person(session, email)
    tenant_id = await queries.home(session, user_id) if user_id else None
    if user_id and tenant_id and (role := await queries.role(session, tenant_id, user_id)):
        return tenant_id, user_id, role
    return None


async def tenant_by_slug(session: AsyncSession, slug: str) -> uuid.UUID | None:
    return await queries.tenant_by_slug(session, slug)  # none of one that is suspended


async def names(
    session: AsyncSession, tenant_id: uuid.UUID, user_ids: set[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Of members; whoever left is not in it."""
    return await queries.names(session, tenant_id, user_ids)


# One-time tokens: promised in the transaction of a request, made when they are sent or set.


async def promise(
    session: AsyncSession, kind: TokenKind, lifetime: timedelta, **row: object
) -> uuid.UUID:
    """`row`: `email`, `user_id`, `tenant_id`, `invitation_id`, `data`, as the kind needs them."""
    return await queries.add_token(session, lifetime, kind=kind, **row)


async def mint(session: AsyncSession, token_id: uuid.UUID) -> tuple[str, OneTimeToken] | None:
    """The token itself, once; one made before for the same row is worth nothing from then on."""
    token = secrets.token_urlsafe(32)
    row = await queries.set_token_hash(session, token_id, digest(token))
    return (token, row) if row else None


async def peek(session: AsyncSession, kind: TokenKind, token: str) -> OneTimeToken:
    """What it stands for, unused. Raises TokenWorthless."""
    return _worth(await queries.find_token(session, kind, digest(token)))


async def redeem(session: AsyncSession, kind: TokenKind, token: str) -> OneTimeToken:
    """Uses it up, if the transaction commits. Raises TokenWorthless."""
    return _worth(await queries.use_token(session, kind, digest(token)))


def _worth(row: OneTimeToken | None) -> OneTimeToken:
    if row is None:
        raise TokenWorthless("this link was used or is too old: ask for a new one")
    return row
