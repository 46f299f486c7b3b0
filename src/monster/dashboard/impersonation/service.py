"""A platform admin acts as somebody else: for an hour at most, for a reason, and on record."""

import uuid
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.closing import service as closing
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.schemas import Lifetime, Ticket
from monster.dashboard.identity.scope import Person
from monster.dashboard.impersonation import queries
from monster.dashboard.impersonation.errors import CannotActAs, NotActing, PersonNotFound
from monster.dashboard.impersonation.schemas import Impersonate, Somebody, Workspace
from monster.kit import audit, tenancy
from monster.kit.audit import Action, Actor, Entry

LONGEST = timedelta(hours=1)
_LIFETIME = Lifetime(idle=LONGEST, total=LONGEST)


async def choice(
    session: AsyncSession, person: Person, user_id: uuid.UUID
) -> tuple[Somebody, list[Workspace]]:
    """As whom, and where. Raises CannotActAs."""
    person.require_admin()
    somebody = await queries.somebody(session, person, user_id)
    if somebody is None:
        raise PersonNotFound(f"no user {user_id}")
    if user_id == person.user_id:
        raise CannotActAs("this is you")
    if somebody.is_admin:
        raise CannotActAs("nobody acts as a platform admin")
    if not somebody.is_active:
        raise CannotActAs("this account is not active")
    workspaces = await queries.workspaces(session, person, user_id)
    if not workspaces:
        raise CannotActAs("this person can work in no workspace")
    return somebody, workspaces


async def begin(
    session: AsyncSession, person: Person, user_id: uuid.UUID, data: Impersonate
) -> Ticket:
    """A session of that person; the admin's own goes on beside it."""
    somebody, workspaces = await choice(session, person, user_id)
    chosen = data.tenant_id or workspaces[0].id
    where = next((one for one in workspaces if one.id == chosen), None)
    if where is None:
        raise CannotActAs(f"{somebody.name} cannot work there", field="tenant_id")
    ticket = await identity.begin(
        session,
        user_id,
        replace(person.device, old_token=None),
        _LIFETIME,
        tenant_id=where.id,
        impersonator_id=person.user_id,
    )
    here = replace(
        person.actor, tenant_id=where.id, user_id=user_id, impersonator_id=person.user_id
    )
    await _record(session, here, Entry(Action.IMPERSONATE, "user", user_id, more=_why(data)))
    more = {"workspace": where.name, **_why(data)}
    told = Entry(Action.IMPERSONATE, "user", user_id, more=more)
    await closing.tell_platform(session, person.actor, told)
    return ticket


async def end(session: AsyncSession, person: Person, token: str) -> uuid.UUID:
    """Who it was that acted. Raises NotActing."""
    who = person.identity
    if who.impersonator_id is None:
        raise NotActing("you act as nobody else")
    await identity.sign_out(session, person.actor, token)
    ended = Entry(Action.LOGOUT, "user", who.user_id, more={"impersonation": "ended"})
    admin = replace(person.actor, user_id=who.impersonator_id, impersonator_id=None)
    await closing.tell_platform(session, admin, ended)
    return who.impersonator_id


async def is_theirs(session: AsyncSession, token: str, user_id: uuid.UUID, idle: Lifetime) -> bool:
    """Whether the admin's own session is still good. Raises Unauthenticated if it is nobody's."""
    who = await identity.identify(session, token, idle)
    return who.user_id == user_id and who.impersonator_id is None


async def _record(session: AsyncSession, actor: Actor, entry: Entry) -> None:
    await tenancy.enter(session, actor.tenant_id)
    await audit.record(session, actor, entry)


def _why(data: Impersonate) -> dict[str, str]:
    return {"reason": data.reason}
