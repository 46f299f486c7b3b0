"""Authenticator apps, recovery codes, and what a person has of second factors."""

import base64
import hashlib
import re
import secrets
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Literal, TypeAlias

import pyotp
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.factors import queries
from monster.dashboard.factors.errors import (
    AppKnown,
    CodeMismatch,
    NoApp,
    NoFactor,
    PasswordMismatch,
)
from monster.dashboard.factors.schemas import Factors, Setup
from monster.dashboard.identity.models import Passkey, Totp
from monster.dashboard.identity.scope import Person
from monster.dashboard.passkeys import service as passkeys
from monster.dashboard.passkeys.schemas import NewPasskey, RelyingParty
from monster.kit import audit, clock, passwords, rates, tenancy
from monster.kit.audit import PLATFORM, Action, Entry
from monster.kit.crypto import Key
from monster.kit.rates import Rate

Begin: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Used: TypeAlias = Literal["totp", "recovery_code"]

CODES = 10
_ISSUER = "Monster"
_PASSWORDS = Rate(5, timedelta(minutes=10))
_SIX_DIGITS = re.compile(r"[0-9]{6}")


async def overview(session: AsyncSession, user_id: uuid.UUID) -> Factors:
    app = await queries.totp(session, user_id)
    return Factors(
        user_id,
        app.confirmed_at if app else None,
        await passkeys.listed(session, user_id),
        await queries.codes_left(session, user_id),
    )


async def check_password(begin: Begin, person: Person, password: str) -> None:
    """Before something is taken away. The attempt counts before it is looked at, and only if it is
    wrong in the end. No transaction may be open. Raises PasswordMismatch or TooMany."""
    whose = ("factors.password", str(person.user_id))
    async with begin() as session:
        await rates.take(session, _PASSWORDS, *whose)
        known = await queries.password_hash(session, person.user_id)
    if not await passwords.verify_password(password, known):
        raise PasswordMismatch("this is not your password", field="password")
    async with begin() as session:
        await rates.give_back(session, _PASSWORDS, *whose)


# Authenticator apps


async def begin_totp(session: AsyncSession, person: Person, key: Key) -> Setup:
    """Counts for nothing until it is confirmed. Raises AppKnown."""
    person.require_own()
    secret = pyotp.random_base32()
    sealed = key.seal(secret.encode(), *_place(person.user_id))
    if not await queries.begin_totp(session, person.user_id, sealed):
        raise AppKnown("an authenticator app is set up already: remove it first")
    return _setup(person, secret)


async def pending_totp(session: AsyncSession, person: Person, key: Key) -> Setup | None:
    """What was begun and waits for its first code."""
    person.require_own()
    app = await queries.totp(session, person.user_id)
    return _setup(person, _open(app, key)) if app and app.confirmed_at is None else None


async def confirm_totp(session: AsyncSession, person: Person, key: Key, code: str) -> Sequence[str]:
    """Recovery codes, if this is the first factor. Raises NoApp or CodeMismatch."""
    person.require_own()
    app = await queries.totp(session, person.user_id)
    if app is None or app.confirmed_at is not None:
        raise NoApp("there is no authenticator app to confirm: begin again")
    if not await _is_new(session, app, key, code):
        raise CodeMismatch("this is not the code that the app shows now", field="code")
    codes = await _codes_if_none(session, person.user_id)
    await _record(session, person, Entry(Action.CREATE, "totp", person.user_id))
    return codes


async def remove_totp(session: AsyncSession, person: Person) -> None:
    """After the password was asked. Raises NoApp."""
    person.require_own()
    if not await queries.remove_totp(session, person.user_id):
        raise NoApp("there is no authenticator app")
    await _forget_codes(session, person.user_id)
    await _record(session, person, Entry(Action.DELETE, "totp", person.user_id))


async def _is_new(session: AsyncSession, app: Totp, key: Key, code: str) -> bool:
    """Right, give or take half a minute, and never taken before."""
    try:
        step = TOTP(_open(app, key)).verify_and_get_timecode(
            code, for_time=clock.now(), valid_window=1
        )
    except OTPVerificationError:
        return False
    return await queries.take_step(session, app.user_id, step)


def _open(app: Totp, key: Key) -> str:
    return key.open(app.secret, *_place(app.user_id)).decode()


def _place(user_id: uuid.UUID) -> tuple[str, str]:
    return str(user_id), "totp"


def _setup(person: Person, secret: str) -> Setup:
    app = TOTP(secret)
    return Setup(secret, app.provisioning_uri(name=person.identity.user_email, issuer_name=_ISSUER))


# Passkeys


async def add_passkey(
    session: AsyncSession, person: Person, party: RelyingParty, new: NewPasskey
) -> tuple[Passkey, Sequence[str]]:
    """With recovery codes, if this is the first factor."""
    person.require_own()
    passkey = await passkeys.register(session, person, party, new)
    codes = await _codes_if_none(session, person.user_id)
    entry = Entry(Action.CREATE, "passkey", passkey.id, after={"name": passkey.name})
    await _record(session, person, entry)
    return passkey, codes


async def remove_passkey(session: AsyncSession, person: Person, passkey_id: uuid.UUID) -> None:
    """After the password was asked. Raises PasskeyNotFound."""
    person.require_own()
    passkey = await passkeys.remove(session, person.user_id, passkey_id)
    await _forget_codes(session, person.user_id)
    entry = Entry(Action.DELETE, "passkey", passkey_id, before={"name": passkey.name})
    await _record(session, person, entry)


# Recovery codes


async def new_codes(session: AsyncSession, person: Person) -> Sequence[str]:
    """After the password was asked. Those before are worth nothing. Raises NoFactor."""
    person.require_own()
    if not (await overview(session, person.user_id)).any:
        raise NoFactor("set up a second factor first")
    codes = await _make_codes(session, person.user_id)
    await _record(session, person, Entry(Action.CREATE, "recovery_codes", person.user_id))
    return codes


async def _codes_if_none(session: AsyncSession, user_id: uuid.UUID) -> Sequence[str]:
    known = await queries.has_codes(session, user_id)
    return () if known else await _make_codes(session, user_id)


async def _make_codes(session: AsyncSession, user_id: uuid.UUID) -> Sequence[str]:
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(CODES)]
    await queries.replace_codes(session, user_id, [_digest(user_id, code) for code in codes])
    return ["-".join(re.findall(".{4}", code)) for code in codes]


async def _forget_codes(session: AsyncSession, user_id: uuid.UUID) -> None:
    """Without a factor they stand in for nothing."""
    if not (await overview(session, user_id)).any:
        await queries.replace_codes(session, user_id, [])


def _digest(user_id: uuid.UUID, code: str) -> bytes:
    """80 random bits need no slow hash."""
    return hashlib.sha256(user_id.bytes + code.encode()).digest()


# For whoever signs in


async def check_code(session: AsyncSession, user_id: uuid.UUID, key: Key, code: str) -> Used | None:
    """Which factor the code belongs to; it is used up if the transaction commits."""
    plain = re.sub(r"[\s-]", "", code).upper()
    if not _SIX_DIGITS.fullmatch(plain):
        right = await queries.use_code(session, user_id, _digest(user_id, plain))
        return "recovery_code" if right else None
    app = await queries.totp(session, user_id)
    ready = app is not None and app.confirmed_at is not None
    return "totp" if app and ready and await _is_new(session, app, key, plain) else None


async def log_of(session: AsyncSession, user_id: uuid.UUID) -> uuid.UUID:
    """In which sign-ins of this person are recorded: their own workspace's, else the platform's."""
    return await queries.own_tenant(session, user_id) or PLATFORM


async def _record(session: AsyncSession, person: Person, entry: Entry) -> None:
    """In the log of the workspace that the person works in, which the transaction enters."""
    await tenancy.enter(session, person.identity.tenant_id or PLATFORM)
    await audit.record(session, person.actor, entry)
