"""Who belongs to a workspace, and as what. Changes are made by one at a time, see `_may`."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.belongings import service as belongings
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import NoWorkspace, WrongPassword
from monster.dashboard.identity.scope import Person, Scope
from monster.dashboard.members import queries
from monster.dashboard.members.errors import (
    MemberInactive,
    MemberNotFound,
    NotConfirmed,
    NotYourself,
    OwnerStays,
)
from monster.dashboard.members.schemas import Listed, MemberChanges, Transfer
from monster.dashboard.permissions import TABLE, Can, Role
from monster.dashboard.tenancy import service as workspaces
from monster.kit import audit
from monster.kit.audit import Action, Entry
from monster.kit.db import SessionMaker
from monster.kit.errors import Forbidden

_OWNER = "the owner stays the owner until the workspace is transferred"


async def page(
    session: AsyncSession, scope: Scope, words: str, after: uuid.UUID | None, limit: int
) -> Sequence[Listed]:
    return await queries.page(session, scope, words, after, limit)


async def get(session: AsyncSession, scope: Scope, member_id: uuid.UUID) -> Listed:
    member = await queries.get(session, scope, member_id)
    if member is None:
        raise MemberNotFound(f"no member {member_id}")
    return member


async def change(
    session: AsyncSession, scope: Scope, member_id: uuid.UUID, changes: MemberChanges
) -> Listed:
    """Acts on their next request. Nobody rises above their own role: only a transfer makes an
    owner, and who may change roles is an admin at least."""
    await _may(session, scope, Can.MEMBERS)
    member = await _other_than_owner(session, scope, member_id)
    values = changes.model_dump(exclude_unset=True)
    if member.user_id == scope.user_id and "is_active" in values:
        raise NotYourself("nobody deactivates themselves: leave the workspace instead")
    if values:
        await queries.save(session, scope, member_id, **values)
        before = {"role": member.role, "is_active": member.is_active}
        entry = Entry(Action.UPDATE, "member", member_id, before=before, after=values)
        await audit.record(session, scope.actor, entry)
    return await get(session, scope, member_id)


async def remove(session: AsyncSession, scope: Scope, member_id: uuid.UUID) -> Listed:
    """What was theirs alone belongs to the caller from here on."""
    await _may(session, scope, Can.MEMBERS)
    member = await _other_than_owner(session, scope, member_id)
    if member.user_id == scope.user_id:
        raise NotYourself("nobody removes themselves: leave the workspace instead")
    await _end(session, scope, member, scope.user_id, Action.DELETE)
    return member


async def leave(session: AsyncSession, scope: Scope) -> None:
    """What was theirs alone belongs to the owner from here on."""
    await _may(session, scope, Can.USE)
    own = await queries.own_id(session, scope)
    assert own, "the role was read from it"
    member = await _other_than_owner(session, scope, own)
    await _end(session, scope, member, await queries.owner(session, scope), Action.LEAVE)


async def confirm(sessions: SessionMaker, person: Person, data: Transfer) -> None:
    """That the owner sits there: before a transfer, in transactions of its own."""
    person.require_own()
    email, password = person.identity.user_email, data.password.get_secret_value()
    try:
        await identity.prove_again(sessions, email, password, person.device)
    except WrongPassword as wrong:
        raise NotConfirmed("this is not your password", field="password") from wrong


async def transfer(session: AsyncSession, scope: Scope, member_id: uuid.UUID) -> Listed:
    """Makes an active member the owner, and the owner an admin. `confirm` comes before."""
    await _may(session, scope, Can.TRANSFER)
    member = await get(session, scope, member_id)
    own = await queries.own_id(session, scope)
    if member.user_id == scope.user_id or own is None:
        raise NotYourself("you own it already")
    if not member.is_active:
        raise MemberInactive("who is deactivated cannot own a workspace")
    await queries.save(session, scope, own, role="admin")
    await queries.save(session, scope, member_id, role="owner")
    given = {"owner": str(member.user_id)}
    entry = Entry(
        Action.TRANSFER, "workspace", scope.tenant_id, {"owner": str(scope.user_id)}, given
    )
    await audit.record(session, scope.actor, entry)
    return await get(session, scope, member_id)


async def alone(session: AsyncSession, scope: Scope, member: Listed) -> tuple[int, int]:
    """(agents, folders) that are theirs alone."""
    return await belongings.count(session, scope, member.user_id)


async def losses(session: AsyncSession, scope: Scope) -> list[str]:
    """What goes with the workspace."""
    scope.require(Can.DELETE)
    people = await queries.count(session, scope)
    built = await belongings.count_agents(session, scope)
    return [
        f"Members who lose it: {people:,}. Their accounts stay.",
        f"Agents deleted for good, with all their versions: {built:,}.",
        "All knowledge, connections, conversations, contacts and API keys are deleted.",
        "This cannot be undone.",
    ]


async def _may(session: AsyncSession, scope: Scope, can: Can) -> None:
    """From here on nobody else changes members here; what the caller is, is looked up again:
    it may have changed since the request began."""
    scope.require(can)
    await workspaces.lock(session, scope)
    role = await queries.role(session, scope)
    if role is None:
        raise NoWorkspace("You do not belong to this workspace any more.")
    if Role[role.upper()] < TABLE[can].least:
        raise Forbidden(f"this takes the role {TABLE[can].least.name.lower()}")


async def _other_than_owner(session: AsyncSession, scope: Scope, member_id: uuid.UUID) -> Listed:
    member = await get(session, scope, member_id)
    if member.role == "owner":
        raise OwnerStays(_OWNER)
    return member


async def _end(
    session: AsyncSession, scope: Scope, member: Listed, heir: uuid.UUID, action: Action
) -> None:
    agents, folders = await belongings.hand_over(session, scope, member.user_id, heir)
    await queries.remove(session, scope, member.id)
    before = {"user": str(member.user_id), "role": member.role}
    more = {"heir": str(heir), "agents": agents, "folders": folders}
    await audit.record(session, scope.actor, Entry(action, "member", member.id, before, more=more))
