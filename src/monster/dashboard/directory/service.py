"""Tokens with which directories sign in, the groups they bring, and the roles these give."""

import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.directory import queries
from monster.dashboard.directory.errors import (
    GroupNameTaken,
    GroupNotFound,
    ScimTokenNotFound,
    TooManyScimTokens,
    UnknownMember,
    WrongScimToken,
)
from monster.dashboard.directory.schemas import (
    Changed,
    Directory,
    GroupData,
    GroupOut,
    GroupPage,
    GroupRole,
    ScimTokenMade,
    Whose,
)
from monster.dashboard.identity.errors import Suspended
from monster.dashboard.identity.schemas import Device
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can
from monster.dashboard.tenancy.models import MemberGroup, ScimToken
from monster.kit import audit, bearer_keys, logs, rates, tenancy
from monster.kit.audit import Action, Entry
from monster.kit.db import SessionMaker
from monster.kit.rates import Rate

_PREFIX = "scim"
_RATE = Rate(600, timedelta(minutes=1))
_MOST = 20
_CROWD = 100


async def tokens(session: AsyncSession, scope: Scope) -> Sequence[ScimToken]:
    """Newest first."""
    scope.require(Can.SSO)
    return await queries.tokens(session, scope)


async def token(session: AsyncSession, scope: Scope, token_id: uuid.UUID) -> ScimToken:
    for row in await tokens(session, scope):  # there are few
        if row.id == token_id:
            return row
    raise ScimTokenNotFound(f"no token {token_id}")


async def create_token(session: AsyncSession, scope: Scope, name: str) -> ScimTokenMade:
    """The only time that the token itself is to be seen."""
    scope.require(Can.SSO)
    if len(await queries.tokens(session, scope)) >= _MOST:
        raise TooManyScimTokens(
            f"a workspace has at most {_MOST} of them: revoke one", field="name"
        )
    token = bearer_keys.make(_PREFIX, scope.tenant_id)
    row = await queries.add_token(session, scope, name, bearer_keys.digest(token))
    await audit.record(
        session, scope.actor, Entry(Action.CREATE, "scim_token", row.id, after={"name": name})
    )
    return ScimTokenMade(
        id=row.id, name=name, created_at=row.created_at, last_used_at=None, token=token
    )


async def revoke_token(session: AsyncSession, scope: Scope, token_id: uuid.UUID) -> None:
    """Worth nothing from the next request on."""
    scope.require(Can.SSO)
    name = await queries.remove_token(session, scope, token_id)
    if name is None:
        raise ScimTokenNotFound(f"no token {token_id}")
    await audit.record(
        session, scope.actor, Entry(Action.REVOKE, "scim_token", token_id, before={"name": name})
    )


async def authenticate(
    sessions: SessionMaker, token: str, base_url: str, device: Device
) -> Directory:
    """Raises WrongScimToken, Suspended, TooMany."""
    tenant_id = bearer_keys.tenant_of(_PREFIX, token)
    if tenant_id is None:
        raise WrongScimToken("this takes the token of a directory")
    async with tenancy.transaction(sessions, tenant_id) as session:
        looked_in = Directory(tenant_id, tenant_id, base_url, device)
        found = await queries.holder(session, looked_in, bearer_keys.digest(token))
        if found is None:
            raise WrongScimToken("this token is not, or no longer, worth anything")
        logs.hide(token)  # not before: guesses must not push real secrets out
        if found.suspended:
            raise Suspended("this workspace is suspended")
        if found.unseen:
            await queries.touch_token(session, looked_in, found.id)
        await rates.take(session, _RATE, "scim", str(found.id))
    return Directory(tenant_id, found.id, base_url, device)


# Groups


async def groups(
    session: AsyncSession, scope: Scope, words: str, after: uuid.UUID | None, limit: int
) -> GroupPage:
    """Newest first."""
    scope.require(Can.SSO)
    rows = await queries.groups(session, scope, words, after, limit + 1)
    return GroupPage(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


async def set_role(
    session: AsyncSession, scope: Scope, group_id: uuid.UUID, role: GroupRole | None
) -> GroupOut:
    """Its members get what their groups give from now on."""
    scope.require(Can.SSO)
    group = await lock_group(session, scope, group_id)
    before = group.role
    await queries.save_group(session, scope, group_id, role=role)
    members = await queries.member_ids(session, scope, group_id)
    changes = await _give_roles(session, scope, members)
    entry = Entry(Action.UPDATE, "group", group_id, {"role": before}, {"role": role})
    await audit.record(session, scope.actor, entry, *changes)
    return GroupOut(
        id=group.id,
        name=group.name,
        external_id=group.external_id,
        role=role,
        members=len(members),
        created_at=group.created_at,
    )


# What a directory does with groups


async def create_group(session: AsyncSession, scope: Directory, data: GroupData) -> uuid.UUID:
    """Raises GroupNameTaken, UnknownMember."""
    group_id = await queries.add_group(session, scope, data.name, data.external_id)
    if group_id is None:
        raise _taken(data)
    moved, roles = await _set_members(session, scope, group_id, data.members or ())
    entry = Entry(Action.CREATE, "group", group_id, after=data.told(), more=moved)
    await audit.record(session, scope.actor, entry, *roles)
    return group_id


async def change_group(
    session: AsyncSession, scope: Directory, group_id: uuid.UUID, data: GroupData
) -> None:
    """Without `members` they stay as they are. Raises GroupNameTaken, UnknownMember."""
    group = await lock_group(session, scope, group_id)
    before = GroupData(group.name, group.external_id).told()
    if not await queries.save_group(session, scope, group_id, **data.told()):
        raise _taken(data)
    moved, roles = await _set_members(session, scope, group_id, data.members)
    if moved or before != data.told():
        entry = Entry(Action.UPDATE, "group", group_id, before, data.told(), moved)
        await audit.record(session, scope.actor, entry, *roles)


async def delete_group(session: AsyncSession, scope: Directory, group_id: uuid.UUID) -> None:
    group = await lock_group(session, scope, group_id)
    members = await queries.member_ids(session, scope, group_id)
    told = GroupData(group.name, group.external_id).told()
    entry = Entry(Action.DELETE, "group", group_id, told, more=_moved((), members))
    await queries.remove_group(session, scope, group_id)
    changes = await _give_roles(session, scope, members)
    await audit.record(session, scope.actor, entry, *changes)


async def lock_group(session: AsyncSession, scope: Whose, group_id: uuid.UUID) -> MemberGroup:
    group = await queries.lock_group(session, scope, group_id)
    if group is None:
        raise GroupNotFound(f"no group {group_id}")
    return group


def _taken(data: GroupData) -> GroupNameTaken:
    return GroupNameTaken(f"a group named {data.name!r} exists")


async def _set_members(
    session: AsyncSession, scope: Whose, group_id: uuid.UUID, wanted: Collection[uuid.UUID] | None
) -> tuple[dict[str, object], list[Entry]]:
    """Who came and went, and what this changed about roles, for the caller to record."""
    if wanted is None:
        return {}, []
    present = set(await queries.member_ids(session, scope, group_id))
    come, gone = set(wanted) - present, present - set(wanted)
    if come and await queries.add_members(session, scope, group_id, come) < len(come):
        raise UnknownMember("somebody in this group is no member of the workspace")
    if gone:
        await queries.remove_members(session, scope, group_id, gone)
    return _moved(come, gone), await _give_roles(session, scope, come | gone)


def _moved(come: Collection[uuid.UUID], gone: Collection[uuid.UUID]) -> dict[str, object]:
    """For the audit log; of a crowd, how many."""
    told = {"joined": come, "left": gone}
    return {
        name: sorted(str(one) for one in ids) if len(ids) <= _CROWD else len(ids)
        for name, ids in told.items()
        if ids
    }


async def _give_roles(
    session: AsyncSession, scope: Whose, member_ids: Collection[uuid.UUID]
) -> list[Entry]:
    """What it changed, for the caller to record."""
    if not member_ids:
        return []
    changed = await queries.give_roles(session, scope, member_ids)
    return (
        _of_a_crowd(changed)
        if len(changed) > _CROWD
        else [
            Entry(Action.UPDATE, "member", row.member_id, {"role": row.before}, {"role": row.after})
            for row in changed
        ]
    )


def _of_a_crowd(changed: Sequence[Changed]) -> list[Entry]:
    """Few rows of the log for each kind of change: those of a tenant hash each other in turn."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for row in changed:
        kinds.setdefault((row.before, row.after), []).append(str(row.member_id))
    return [
        Entry(
            Action.UPDATE,
            "member",
            None,
            {"role": old},
            {"role": new},
            {"members": ids[first : first + _CROWD]},  # as many as one row holds
        )
        for (old, new), ids in kinds.items()
        for first in range(0, len(ids), _CROWD)
    ]
