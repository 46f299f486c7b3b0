"""What a directory does with people: it brings them, names them, bars them and takes them away."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from scim2_models import Context
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.directory import service as directory
from monster.dashboard.directory.schemas import Directory
from monster.dashboard.scim import queries
from monster.dashboard.scim.errors import (
    MutabilityRefused,
    NoSuchResource,
    NotUnique,
    OwnerProtected,
)
from monster.dashboard.scim.schemas import (
    Group,
    Groups,
    GroupSearch,
    User,
    UserRow,
    Users,
    UserSearch,
    check_user,
    group_data,
    group_resource,
    read_group,
    read_user,
    user_resource,
)
from monster.kit import audit, scim, tenancy
from monster.kit.audit import Action, Entry

_FOLLOWS = ("emails", "name")  # from what else is said about a user

_ELSEWHERE = (
    "somebody with this address has an account here and is no member of this workspace:"
    " invite them, a directory cannot take them over"
)
_NOT_OURS = (
    "this person also belongs to other workspaces, or came from one: only they change their"
    " address and name"
)


async def users(
    session: AsyncSession, scope: Directory, asked: scim.Asked
) -> tuple[Users, UserSearch]:
    wanted = scim.search(UserSearch, asked)
    with scim.translated():
        total, rows = await queries.users(session, scope, scim.window(wanted))
    found = await _with_groups(session, scope, rows)
    page = Users(
        total_results=total,
        start_index=wanted.start_index or 1,
        items_per_page=len(found),
        resources=found,
    )
    return page, wanted


async def user(session: AsyncSession, scope: Directory, member_id: str) -> User:
    row = await queries.user(session, scope, _id(member_id))
    if row is None:
        raise NoSuchResource(f"no user {member_id}")
    return (await _with_groups(session, scope, [row]))[0]


async def _with_groups(
    session: AsyncSession, scope: Directory, rows: Sequence[UserRow]
) -> list[User]:
    groups: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = {row.id: [] for row in rows}
    for member_id, group_id, name in await queries.groups_of(session, scope, groups):
        groups[member_id].append((group_id, name))
    return [user_resource(scope.base_url, row, groups[row.id]) for row in rows]


async def create_user(session: AsyncSession, scope: Directory, sent: Mapping[str, Any]) -> User:
    """Somebody new to all of Monster, at home in this workspace."""
    wanted = read_user(sent, Context.RESOURCE_CREATION_REQUEST)
    email = wanted.user_name or ""
    user_id = await queries.add_user(session, scope, email, wanted.display_name or email)
    if user_id is None:
        here = await queries.is_member(session, scope, email)
        raise NotUnique("a user of that name exists" if here else _ELSEWHERE)
    row = {"is_active": wanted.active, "external_id": wanted.external_id}
    member_id = await queries.add_member(session, scope, user_id, **row)
    made = await user(session, scope, str(member_id))
    entry = Entry(Action.CREATE, "member", member_id, after={**_told(made), "role": "viewer"})
    await audit.record(session, scope.actor, entry)
    return made


async def replace_user(
    session: AsyncSession, scope: Directory, member_id: str, sent: Mapping[str, Any]
) -> User:
    """What is not sent stays as it is."""
    row = await _lock(session, scope, member_id)
    current = user_resource(scope.base_url, row, ())
    wanted = read_user(sent, Context.RESOURCE_REPLACEMENT_REQUEST, current)
    return await _save(session, scope, row, wanted)


async def patch_user(
    session: AsyncSession, scope: Directory, member_id: str, sent: Mapping[str, Any]
) -> User:
    row = await _lock(session, scope, member_id)
    wanted = user_resource(scope.base_url, row, ())
    scim.patch(wanted, sent, _FOLLOWS)
    check_user(wanted)
    return await _save(session, scope, row, wanted)


async def _lock(session: AsyncSession, scope: Directory, member_id: str) -> UserRow:
    row = await queries.lock_user(session, scope, _id(member_id))
    if row is None:
        raise NoSuchResource(f"no user {member_id}")
    return row


async def _save(session: AsyncSession, scope: Directory, row: UserRow, wanted: User) -> User:
    before = _told(user_resource(scope.base_url, row, ()))
    await _save_person(session, scope, row, wanted)
    if (wanted.active, wanted.external_id) != (row.active, row.external_id):
        if row.role == "owner" and not wanted.active:
            raise OwnerProtected("the owner of the workspace stays active")
        values = {"is_active": wanted.active, "external_id": wanted.external_id}
        await queries.save_member(session, scope, row.id, **values)
    saved = await user(session, scope, str(row.id))
    if (after := _told(saved)) != before:
        await audit.record(
            session, scope.actor, Entry(Action.UPDATE, "member", row.id, before, after)
        )
    return saved


async def _save_person(session: AsyncSession, scope: Directory, row: UserRow, wanted: User) -> None:
    """Their address and name are theirs in all of Monster, not this workspace's to change unless
    it brought them and they belong nowhere else."""
    email = wanted.user_name or ""
    if email.lower() == row.user_name.lower():
        email = row.user_name
    name = wanted.display_name or email
    if (email, name) == (row.user_name, row.name):
        return
    if email != row.user_name and (row.role == "owner" or row.is_admin):
        raise OwnerProtected("this person alone changes their address")
    await tenancy.enter_person(session, row.user_id)
    saved = await queries.save_person(session, scope, row.user_id, email, name)
    if saved is None:
        raise NotUnique("somebody has that address")
    if not saved:
        raise MutabilityRefused(_NOT_OURS)


async def delete_user(session: AsyncSession, scope: Directory, member_id: str) -> None:
    """Out of the workspace; who came by a directory and belongs nowhere else is deleted."""
    row = await _lock(session, scope, member_id)
    if row.role == "owner":
        raise OwnerProtected("the owner of the workspace cannot be removed")
    await queries.remove_member(session, scope, row.id)
    await tenancy.enter_person(session, row.user_id)
    await queries.remove_person(session, scope, row.user_id)
    told = _told(user_resource(scope.base_url, row, ())) | {"role": row.role}
    await audit.record(session, scope.actor, Entry(Action.DELETE, "member", row.id, before=told))


def _told(shown: User) -> dict[str, object]:
    return {
        "email": shown.user_name,
        "name": shown.display_name,
        "active": shown.active,
        "external_id": shown.external_id,
    }


# Groups


async def groups(
    session: AsyncSession, scope: Directory, asked: scim.Asked
) -> tuple[Groups, GroupSearch]:
    wanted = scim.search(GroupSearch, asked)
    with scim.translated():
        total, rows = await queries.groups(session, scope, scim.window(wanted))
    members: dict[uuid.UUID, list[uuid.UUID]] = {row.id: [] for row in rows}
    if scim.wants(wanted, "members"):
        for group_id, member_id in await queries.members_of(session, scope, members):
            members[group_id].append(member_id)
    found = [group_resource(scope.base_url, row, members[row.id]) for row in rows]
    page = Groups(
        total_results=total,
        start_index=wanted.start_index or 1,
        items_per_page=len(found),
        resources=found,
    )
    return page, wanted


async def group(session: AsyncSession, scope: Directory, group_id: str) -> Group:
    row = await queries.group(session, scope, _id(group_id))
    if row is None:
        raise NoSuchResource(f"no group {group_id}")
    members = await queries.members_of(session, scope, [row.id])
    return group_resource(scope.base_url, row, [member_id for _, member_id in members])


async def create_group(session: AsyncSession, scope: Directory, sent: Mapping[str, Any]) -> Group:
    wanted = read_group(sent, Context.RESOURCE_CREATION_REQUEST)
    group_id = await directory.create_group(session, scope, group_data(wanted))
    return await group(session, scope, str(group_id))


async def replace_group(
    session: AsyncSession, scope: Directory, group_id: str, sent: Mapping[str, Any]
) -> Group:
    """What is not sent stays as it is."""
    await directory.lock_group(session, scope, _id(group_id))
    current = await group(session, scope, group_id)
    wanted = read_group(sent, Context.RESOURCE_REPLACEMENT_REQUEST, current)
    await directory.change_group(session, scope, _id(group_id), group_data(wanted))
    return await group(session, scope, group_id)


async def patch_group(
    session: AsyncSession, scope: Directory, group_id: str, sent: Mapping[str, Any]
) -> Group:
    await directory.lock_group(session, scope, _id(group_id))
    wanted = await group(session, scope, group_id)
    scim.patch(wanted, sent)
    await directory.change_group(session, scope, _id(group_id), group_data(wanted))
    return await group(session, scope, group_id)


async def delete_group(session: AsyncSession, scope: Directory, group_id: str) -> None:
    await directory.delete_group(session, scope, _id(group_id))


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NoSuchResource(f"nothing has the id {text}") from None
