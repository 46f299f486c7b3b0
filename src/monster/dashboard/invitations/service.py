"""Invites people into a workspace, and lets them in who come."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import EmailTaken, Suspended, TokenWorthless
from monster.dashboard.identity.models import OneTimeToken
from monster.dashboard.identity.schemas import Device, Lifetime, Ticket
from monster.dashboard.identity.scope import Person, Scope
from monster.dashboard.identity.service import begin
from monster.dashboard.invitations import queries
from monster.dashboard.invitations.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationNotFound,
    NotForYou,
)
from monster.dashboard.invitations.schemas import (
    Accept,
    InvitationCreate,
    Listed,
    Offer,
    Waiting,
)
from monster.dashboard.mail import service as mail
from monster.dashboard.mail.schemas import Letter
from monster.dashboard.permissions import Can
from monster.dashboard.tenancy import service as workspaces
from monster.kit import audit, passwords, rates, tenancy
from monster.kit.audit import Action, Actor, Entry
from monster.kit.db import SessionMaker
from monster.kit.rates import Rate

LIFETIME = timedelta(days=7)
_OFTEN = Rate(50, timedelta(hours=1))  # mails of one workspace
_WORTHLESS = "this invitation was used, withdrawn or is too old: ask for a new one"


async def page(
    session: AsyncSession, scope: Scope, after: uuid.UUID | None, limit: int
) -> Sequence[Listed]:
    scope.require(Can.MEMBERS)
    return await queries.page(session, scope, after, limit)


async def invite(session: AsyncSession, scope: Scope, data: InvitationCreate) -> Listed:
    """Sends a link. Raises AlreadyMember and AlreadyInvited."""
    scope.require(Can.MEMBERS)
    if await queries.is_member(session, scope, data.email):
        raise AlreadyMember(f"{data.email} is a member already", field="email")
    made = await queries.insert_if_free(session, scope, data.email, data.role, LIFETIME)
    if made is None:
        raise AlreadyInvited(f"{data.email} is invited already", field="email")
    invitation = await _send(session, scope, made)
    entry = Entry(Action.INVITE, "invitation", made, after=data.model_dump(mode="json"))
    await audit.record(session, scope.actor, entry)
    return invitation


async def resend(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> Listed:
    """A new link for another seven days; the old one is worth nothing from then on."""
    scope.require(Can.MEMBERS)
    if not await queries.renew(session, scope, invitation_id, LIFETIME):
        raise _missing(invitation_id)
    invitation = await _send(session, scope, invitation_id)
    again = Entry(Action.INVITE, "invitation", invitation_id, more={"again": True})
    await audit.record(session, scope.actor, again)
    return invitation


async def withdraw(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> str:
    """The address. Its link is worth nothing from here on."""
    scope.require(Can.MEMBERS)
    email = await queries.remove(session, scope, invitation_id)
    if email is None:
        raise _missing(invitation_id)
    gone = Entry(Action.REVOKE, "invitation", invitation_id, before={"email": email})
    await audit.record(session, scope.actor, gone)
    return email


async def _send(session: AsyncSession, scope: Scope, invitation_id: uuid.UUID) -> Listed:
    await rates.take(session, _OFTEN, "invite", str(scope.tenant_id))
    found = await queries.get(session, scope, invitation_id)
    assert found, "it was written a statement ago"
    await queries.forget_tokens(session, scope, invitation_id)
    by = scope.identity.user_name if scope.identity else ""
    token_id = await identity.promise(
        session,
        "invite",
        LIFETIME,
        email=found.email,
        tenant_id=scope.tenant_id,
        invitation_id=invitation_id,
        data={"role": found.role, "by": by},  # for the invited, who do not see behind the wall
    )
    await mail.post(session, Letter.INVITE, token_id)
    return found


# From here on: who was invited.


async def reached_anybody(session: AsyncSession, scope: Scope) -> bool:
    """Whether somebody else is here, or asked to come."""
    return await queries.has_company(session, scope)


async def offer(session: AsyncSession, token: str) -> Offer:
    """What the link promises; it is not used up. Raises TokenWorthless."""
    scope, invitation_id = await _behind(session, await identity.peek(session, "invite", token))
    found = await queries.offer(session, scope, invitation_id)
    if found is None:
        raise TokenWorthless(_WORTHLESS)
    return found


async def accept(
    sessions: SessionMaker, data: Accept, device: Device, lifetime: Lifetime
) -> Ticket:
    """Makes the account, the membership and a session. Two transactions: no connection is held
    while the password is hashed. Raises TokenWorthless, Suspended and EmailTaken."""
    async with tenancy.outside(sessions) as session:
        promised = await offer(session, data.token)
    if promised.account != "none":
        raise EmailTaken(f"{promised.email} has an account: sign in with it", field="email")
    hashed = await passwords.hash_password(data.password.get_secret_value())
    async with tenancy.outside(sessions) as session:
        held = await identity.redeem(session, "invite", data.token)
        scope, invitation_id = await _behind(session, held)
        known = await queries.claim(session, scope, promised.email, data.name, hashed)
        user_id = known or await identity.add_person(
            session, scope.tenant_id, promised.email, data.name, hashed
        )
        ticket = await begin(session, user_id, device, lifetime, tenant_id=scope.tenant_id)
        actor = _actor(scope.tenant_id, user_id, device)
        await _join(session, scope, invitation_id, actor)
    return ticket


async def join(session: AsyncSession, person: Person, token: str) -> Offer:
    """As the person who is signed in, who works there from here on. Raises NotForYou."""
    person.require_own()
    promised = await offer(session, token)
    if promised.email.lower() != person.identity.user_email.lower():
        raise NotForYou(f"this invitation is for {promised.email}")
    scope, invitation_id = await _behind(session, await identity.redeem(session, "invite", token))
    await _join(session, scope, invitation_id, _as(person, scope))
    await workspaces.enter(session, person, scope.tenant_id)
    return promised


async def waiting(session: AsyncSession, person: Person) -> Sequence[Waiting]:
    """Invitations for the verified address of a person."""
    return await queries.waiting(session, person)


async def take_up(session: AsyncSession, person: Person, invitation_id: uuid.UUID) -> None:
    """One of those that wait, without its link: whoever is signed in has shown the address."""
    person.require_own()
    tenant_id = await queries.tenant_of(session, person, invitation_id)
    if tenant_id is None:
        raise _missing(invitation_id)
    scope = Scope.system(tenant_id)
    await tenancy.enter(session, tenant_id)
    await _join(session, scope, invitation_id, _as(person, scope))
    await workspaces.enter(session, person, tenant_id)


async def _behind(session: AsyncSession, held: OneTimeToken) -> tuple[Scope, uuid.UUID]:
    """The transaction works in the tenant of the link from here on."""
    assert held.tenant_id, "every invitation has one"
    assert held.invitation_id, "it is of an invitation"
    await tenancy.enter(session, held.tenant_id)
    return Scope.system(held.tenant_id), held.invitation_id


async def _join(
    session: AsyncSession, scope: Scope, invitation_id: uuid.UUID, actor: Actor
) -> None:
    promised = await queries.offer(session, scope, invitation_id)
    if promised and promised.is_suspended:
        raise Suspended(f"{promised.tenant_name} is suspended. Its owner knows more.")
    role = await queries.use(session, scope, invitation_id)
    if role is None or actor.user_id is None:
        raise TokenWorthless(_WORTHLESS)
    await queries.add_member(session, scope, actor.user_id, role)
    entry = Entry(Action.ACCEPT, "invitation", invitation_id, after={"role": role})
    await audit.record(session, actor, entry)


def _as(person: Person, scope: Scope) -> Actor:
    return replace(person.actor, tenant_id=scope.tenant_id)


def _actor(tenant_id: uuid.UUID, user_id: uuid.UUID, device: Device) -> Actor:
    return Actor(tenant_id, "user", user_id, None, device.ip_address, device.user_agent)


def _missing(invitation_id: uuid.UUID) -> InvitationNotFound:
    return InvitationNotFound(f"no invitation {invitation_id}")
