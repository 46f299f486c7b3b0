"""Posts letters, and writes them: the request that causes one only notes that it is to be sent."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.models import OneTimeToken
from monster.dashboard.mail import queries
from monster.dashboard.mail.models import DevMail
from monster.dashboard.mail.schemas import Letter, SendMail
from monster.dashboard.web import pages
from monster.kit import clock, jobs
from monster.kit.audit import PLATFORM
from monster.kit.smtp import Mail, one_line

_SUBJECTS = {
    "register": "Confirm your e-mail address",
    "registered": "You already have an account",
    "reset": "Choose a new password",
    "no_password": "How you sign in",
    "email": "Confirm your new e-mail address",
    "invite": "You are invited to {tenant}",
    "locked": "Your account is locked for half an hour",
    "password_changed": "Your password was changed",
    "email_changed": "Your e-mail address was changed",
}

# Whom it goes to, which template, and what that needs besides.
Draft: TypeAlias = tuple[str, str, Mapping[str, object]]


async def post(session: AsyncSession, letter: Letter, about: uuid.UUID) -> None:
    """Sent if the transaction commits, by the worker. `about`: a `one_time_token`, or a `user`."""
    await jobs.defer(session, SendMail(tenant_id=PLATFORM, letter=letter, about=about))


async def write(session: AsyncSession, args: SendMail, public_url: str) -> Mail | None:
    """None if there is nobody to write to (any more). Only here it shows who exists."""
    base = public_url.rstrip("/")
    draft = await _DRAFTS[args.letter](session, args.about, base)
    if draft is None:
        return None
    recipient, template, values = draft
    subject = one_line(_SUBJECTS[template].format(tenant=values.get("tenant", "")))
    told = {"subject": subject, "base": base, "at": _moment()} | dict(values)
    text, html = (pages.render(f"mail/{template}.{kind}", **told) for kind in ("txt", "html"))
    return Mail(recipient, subject, text, html)


def _moment() -> str:
    now = clock.now()
    return f"{now.day} {now:%B %Y, %H:%M} UTC"


async def _minted(
    session: AsyncSession, token_id: uuid.UUID, address: str
) -> tuple[str, str, OneTimeToken] | None:
    """The link, whom it goes to, and what it is about."""
    minted = await identity.mint(session, token_id)
    if minted is None or minted[1].email is None:
        return None
    token, row = minted
    return f"{address}?{urlencode({'token': token})}", minted[1].email, row


async def _register(session: AsyncSession, about: uuid.UUID, base: str) -> Draft | None:
    minted = await _minted(session, about, f"{base}/register/verify")
    if minted is None:
        return None
    link, email, row = minted
    known = await queries.by_email(session, email)
    if known:
        return known.email, "registered", {"name": known.name}
    return email, "register", {"link": link, "name": row.data["name"]}


async def _reset(session: AsyncSession, about: uuid.UUID, base: str) -> Draft | None:
    minted = await _minted(session, about, f"{base}/reset")
    if minted is None:
        return None
    link, email, _ = minted
    known = await queries.by_email(session, email)
    if known is None or not known.is_active:
        return None
    if not known.has_password:
        return known.email, "no_password", {"name": known.name}
    return known.email, "reset", {"link": link, "name": known.name}


async def _email(session: AsyncSession, about: uuid.UUID, base: str) -> Draft | None:
    minted = await _minted(session, about, f"{base}/settings/email/confirm")
    if minted is None:
        return None
    link, email, row = minted
    person = await queries.by_id(session, row.user_id) if row.user_id else None
    owner = await queries.by_email(session, email)
    if person is None or not person.is_active or (owner and owner.id != person.id):
        return None
    return email, "email", {"link": link, "name": person.name}


async def _invite(session: AsyncSession, about: uuid.UUID, base: str) -> Draft | None:
    minted = await _minted(session, about, f"{base}/invitations/accept")
    if minted is None:
        return None
    link, email, row = minted
    tenant = await queries.tenant_name(session, row.tenant_id) if row.tenant_id else None
    if tenant is None:
        return None
    return email, "invite", {"link": link, "tenant": tenant, "by": row.data.get("by", "")}


async def _locked(session: AsyncSession, about: uuid.UUID, _: str) -> Draft | None:
    return await _tell(session, about, "locked")


async def _password_changed(session: AsyncSession, about: uuid.UUID, _: str) -> Draft | None:
    return await _tell(session, about, "password_changed")


async def _tell(session: AsyncSession, user_id: uuid.UUID, template: str) -> Draft | None:
    known = await queries.by_id(session, user_id)
    return (known.email, template, {"name": known.name}) if known and known.is_active else None


async def _email_changed(session: AsyncSession, about: uuid.UUID, _: str) -> Draft | None:
    """To the address that it was; the new one is that of the token."""
    row = await queries.token(session, about)
    known = await queries.by_id(session, row.user_id) if row and row.user_id else None
    if row is None or known is None:
        return None
    return str(row.data["old"]), "email_changed", {"name": known.name, "email": row.email}


_DRAFTS: Mapping[Letter, Callable[[AsyncSession, uuid.UUID, str], Awaitable[Draft | None]]] = {
    Letter.REGISTER: _register,
    Letter.RESET: _reset,
    Letter.EMAIL: _email,
    Letter.INVITE: _invite,
    Letter.LOCKED: _locked,
    Letter.PASSWORD_CHANGED: _password_changed,
    Letter.EMAIL_CHANGED: _email_changed,
}


async def keep(session: AsyncSession, mail: Mail) -> None:
    """For `/dev/mail`."""
    await queries.keep(session, mail)


async def kept(
    session: AsyncSession, query: str, after: uuid.UUID | None, limit: int
) -> Sequence[DevMail]:
    return await queries.page(session, query, after, limit)


async def forget(session: AsyncSession) -> None:
    """What was kept for a week."""
    await queries.forget(session)
