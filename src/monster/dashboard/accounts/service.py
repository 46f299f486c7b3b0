"""How people get an account, and back into one.

What a stranger asks for does the same whether anybody has the address or not: the worker that
writes the letter is the first to look.
"""

import uuid
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.accounts import queries
from monster.dashboard.accounts.errors import RegistrationClosed, WeakPassword
from monster.dashboard.accounts.schemas import Account, Register, weakness
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import EmailTaken, TokenWorthless
from monster.dashboard.identity.schemas import Device, Lifetime, Ticket
from monster.dashboard.identity.service import begin
from monster.dashboard.mail import service as mail
from monster.dashboard.mail.schemas import Letter
from monster.dashboard.tenancy import service as tenants
from monster.kit import passwords, rates, tenancy
from monster.kit.audit import PLATFORM, Action, Actor, Entry
from monster.kit.db import SessionMaker
from monster.kit.errors import NotFound
from monster.kit.rates import Limits, Rate

MAILED = "Look into your mailbox: a link is on its way, if this address can use one."

_HOUR = timedelta(hours=1)
REGISTER = Limits(address=Rate(10, _HOUR), email=Rate(3, _HOUR))
RESET = Limits(address=Rate(10, _HOUR), email=Rate(3, _HOUR))
MOVE = Limits(address=Rate(10, _HOUR), email=Rate(3, _HOUR))  # to another e-mail address

_A_DAY = timedelta(days=1)
_GONE = "this link was used or is too old: ask for a new one"


def require_open(*, registration: bool) -> None:
    if not registration:
        raise RegistrationClosed("nobody can register here: ask to be invited")


async def register(sessions: SessionMaker, data: Register, device: Device) -> None:
    """Nothing is made before the address is confirmed. Raises WeakPassword or TooMany."""
    await rates.take_both(sessions, "register", REGISTER, device.ip_address, data.email)
    hashed = await hash_new(data.password.get_secret_value(), data.email)
    kept = {"name": data.name, "company": data.company, "password_hash": hashed}
    async with tenancy.outside(sessions) as session:
        token_id = await identity.promise(session, "register", _A_DAY, email=data.email, data=kept)
        await mail.post(session, Letter.REGISTER, token_id)


async def hash_new(password: str, email: str, field: str = "password") -> str:
    """Before any transaction: it takes a quarter of a second. Raises WeakPassword."""
    if problem := weakness(password, email):
        raise WeakPassword(problem, field=field)
    return await passwords.hash_password(password)


async def open_workspace(
    session: AsyncSession, token: str, device: Device, lifetime: Lifetime
) -> Ticket:
    """The end of a registration. Raises TokenWorthless or EmailTaken."""
    row = await identity.redeem(session, "register", token)
    email, kept = str(row.email), row.data
    tenant_id, user_id = await tenants.create_tenant_with_owner(
        session, kept["company"], email, kept["name"], kept["password_hash"]
    )
    ticket = await begin(session, user_id, device, lifetime, tenant_id=tenant_id)
    person = {"name": kept["name"], "email": email}
    entries = (
        Entry(Action.CREATE, "tenant", tenant_id, after={"name": kept["company"]}),
        Entry(Action.CREATE, "user", user_id, after=person),
        Entry(Action.LOGIN, "user", user_id),
    )
    await identity.note(session, _actor(tenant_id, user_id, device), *entries)
    return ticket


async def ask_for_reset(sessions: SessionMaker, email: str, device: Device) -> None:
    await rates.take_both(sessions, "reset", RESET, device.ip_address, email)
    async with tenancy.outside(sessions) as session:
        token_id = await identity.promise(session, "reset", _HOUR, email=email)
        await mail.post(session, Letter.RESET, token_id)


async def reset(sessions: SessionMaker, token: str, password: str, device: Device) -> None:
    """Ends all sessions. Raises TokenWorthless, WeakPassword or TooMany."""
    await rates.take_both(sessions, "redeem", RESET, device.ip_address)
    async with tenancy.outside(sessions) as session:
        asked = await identity.peek(session, "reset", token)
    hashed = await hash_new(password, str(asked.email))
    async with tenancy.outside(sessions) as session:
        row = await identity.redeem(session, "reset", token)
        account = await queries.by_email(session, str(row.email))
        if account is None or not account.has_password:
            raise TokenWorthless(_GONE)
        actor = _actor(account.tenant_id or PLATFORM, account.id, device)
        await replace_password(session, actor, account, hashed)


async def replace_password(
    session: AsyncSession,
    actor: Actor,
    account: Account,
    password_hash: str,
    but: uuid.UUID | None = None,
) -> None:
    """`but`: the session that may go on. The last thing of a transaction."""
    await queries.set_password(session, account.id, password_hash)
    await queries.end_sessions(session, account.id, but)
    await queries.end_resets(session, account.id, account.email)
    await mail.post(session, Letter.PASSWORD_CHANGED, account.id)
    changed = Entry(Action.UPDATE, "user", account.id, more={"changed": ["password"]})
    await identity.note(session, actor, changed)


async def account(session: AsyncSession, user_id: uuid.UUID) -> Account:
    found = await queries.by_id(session, user_id)
    if found is None:
        raise NotFound("no such person")
    return found


async def rename(session: AsyncSession, actor: Actor, user_id: uuid.UUID, name: str) -> None:
    before = await account(session, user_id)
    await queries.rename(session, user_id, name)
    changed = Entry(
        Action.UPDATE, "user", user_id, before={"name": before.name}, after={"name": name}
    )
    await identity.note(session, actor, changed)


async def ask_to_move(session: AsyncSession, user_id: uuid.UUID, email: str) -> None:
    """A letter to the new address. Whoever proved to be the person, the caller knows."""
    before = await account(session, user_id)
    token_id = await identity.promise(
        session, "email", _A_DAY, email=email, user_id=user_id, data={"old": before.email}
    )
    await mail.post(session, Letter.EMAIL, token_id)


async def move(session: AsyncSession, token: str, device: Device) -> str:
    """The account has another address from here on. Raises TokenWorthless or EmailTaken."""
    row = await identity.redeem(session, "email", token)
    before = await queries.by_id(session, row.user_id) if row.user_id else None
    email = str(row.email)
    if before is None or before.email != row.data["old"]:
        raise TokenWorthless(_GONE)
    if not await queries.set_email(session, before.id, email):
        raise EmailTaken(f"somebody has the address {email}", field="email")
    await queries.end_resets(session, before.id, before.email)
    await mail.post(session, Letter.EMAIL_CHANGED, row.id)
    changed = Entry(
        Action.UPDATE, "user", before.id, before={"email": before.email}, after={"email": email}
    )
    await identity.note(session, _actor(before.tenant_id or PLATFORM, before.id, device), changed)
    return email


async def sweep(session: AsyncSession) -> None:
    """What is over: sessions, tokens, shown mails, how often somebody tried."""
    await queries.sweep(session)
    await mail.forget(session)
    await rates.forget(session)


def _actor(tenant_id: uuid.UUID, user_id: uuid.UUID, device: Device) -> Actor:
    return Actor(
        tenant_id=tenant_id,
        principal="user",
        user_id=user_id,
        ip_address=device.ip_address,
        user_agent=device.user_agent,
    )
