"""What platform admins do with people. Every function refuses everybody else."""

import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.closing import service as closing
from monster.dashboard.identity.scope import Person
from monster.dashboard.people import queries
from monster.dashboard.people.errors import OnlyOwner, PlatformAdmin, UserNotFound, Yourself
from monster.dashboard.people.schemas import MembershipOut, UserOut, UserPage
from monster.kit import audit, tenancy
from monster.kit.audit import Action, Entry


async def page(
    session: AsyncSession, person: Person, words: str, after: uuid.UUID | None, limit: int
) -> list[UserOut]:
    person.require_admin()
    return await queries.page(session, person, words, after, limit)


async def get(session: AsyncSession, person: Person, user_id: uuid.UUID) -> UserPage:
    person.require_admin()
    user = await _get(session, person, user_id)
    sessions = await queries.sessions(session, person, user_id)
    memberships = await queries.memberships(session, person, user_id)
    return UserPage(user=user, sessions=sessions, memberships=memberships)


async def set_active(
    session: AsyncSession, person: Person, user_id: uuid.UUID, *, active: bool
) -> None:
    """Deactivated, they are out with their next request and cannot come back."""
    user = await _other(session, person, user_id)
    await queries.change(session, person, user_id, is_active=active)
    if not active:
        await queries.end_sessions(session, person, user_id)
    before, after = {"is_active": user.is_active}, {"is_active": active}
    await _tell(session, person, Entry(Action.UPDATE, "user", user_id, before, after))


async def unlock(session: AsyncSession, person: Person, user_id: uuid.UUID) -> None:
    """After too many wrong passwords."""
    person.require_admin()
    await _get(session, person, user_id)
    await queries.change(session, person, user_id, failed_login_attempts=0, locked_until=None)
    more = {"unlocked": True}
    await _tell(session, person, Entry(Action.UPDATE, "user", user_id, more=more))


async def end_sessions(session: AsyncSession, person: Person, user_id: uuid.UUID) -> None:
    person.require_admin()
    await _get(session, person, user_id)
    await queries.end_sessions(session, person, user_id)
    more = {"sessions": "all"}
    await _tell(session, person, Entry(Action.REVOKE, "user", user_id, more=more))


async def owned_alone(
    session: AsyncSession, person: Person, user_id: uuid.UUID, memberships: list[MembershipOut]
) -> list[MembershipOut]:
    """Where nobody else is owner."""
    owned = [one for one in memberships if one.role == "owner" and one.is_active]
    return [
        one for one in owned if await queries.is_only_owner(session, person, user_id, one.tenant_id)
    ]


async def delete(
    session: AsyncSession, person: Person, user_id: uuid.UUID, *, leave_ownerless: bool
) -> None:
    """The account and its memberships; what they made stays in its workspaces."""
    user = await _other(session, person, user_id)
    memberships = await queries.memberships(session, person, user_id)
    alone = await owned_alone(session, person, user_id, memberships)
    if alone and not leave_ownerless:
        names = ", ".join(one.tenant_name for one in alone)
        raise OnlyOwner(f"nobody else is owner of {names}", field="leave_ownerless")
    await queries.remove(session, person, user_id)
    for one in memberships:
        await tenancy.enter(session, one.tenant_id)
        actor = replace(person.actor, tenant_id=one.tenant_id)
        entry = Entry(Action.DELETE, "member", user_id, before={"role": one.role})
        await audit.record(session, actor, entry)
    before = {"email": user.email, "name": user.name}
    await _tell(session, person, Entry(Action.DELETE, "user", user_id, before=before))


async def _get(session: AsyncSession, person: Person, user_id: uuid.UUID) -> UserOut:
    user = await queries.get(session, person, user_id)
    if user is None:
        raise UserNotFound(f"no user {user_id}")
    return user


async def _other(session: AsyncSession, person: Person, user_id: uuid.UUID) -> UserOut:
    """Not oneself, and no other platform admin; alone with them until the transaction ends."""
    person.require_admin()
    if user_id == person.user_id:
        raise Yourself("another platform admin has to do this")
    await queries.lock(session, person, user_id)
    user = await _get(session, person, user_id)
    if user.is_admin:
        raise PlatformAdmin("this is a platform admin: see `monster admin revoke`")
    return user


async def _tell(session: AsyncSession, person: Person, entry: Entry) -> None:
    await closing.tell_platform(session, person.actor, entry)
