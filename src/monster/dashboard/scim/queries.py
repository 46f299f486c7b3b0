"""All SQL about users and groups as a directory sees them, filters included."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    String,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    not_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.directory.schemas import Directory
from monster.dashboard.identity.models import Membership, User
from monster.dashboard.scim.schemas import GroupRow, UserRow
from monster.dashboard.tenancy.models import GroupMember, MemberGroup
from monster.kit.db import violates
from monster.kit.scim_filters import Attributes, Condition, Has, Rows, Window


def _joined(to: Condition, other: ColumnElement[Any]) -> Has:
    """Whether there is a row of `group_member` for `to`; if a value is given, with this `other`."""

    def has(value: str | None) -> Condition:
        found = exists().where(to)
        return found if value is None else found.where(cast(other, String) == value)

    return has


_MODIFIED = func.greatest(Membership.updated_at, User.updated_at, type_=DateTime(timezone=True))
_NAME = func.nullif(
    User.name, User.email, type_=String()
)  # who has no name is called by their address
_ADDRESS = case((User.email.contains("@"), User.email))
_of_user = and_(
    GroupMember.tenant_id == Membership.tenant_id, GroupMember.member_id == Membership.id
)
_of_group = and_(
    GroupMember.tenant_id == MemberGroup.tenant_id, GroupMember.group_id == MemberGroup.id
)
_in_group = _joined(_of_user, GroupMember.group_id.expression)
_has_member = _joined(_of_group, GroupMember.member_id.expression)
_USERS = Attributes(
    {
        "id": cast(Membership.id, String),
        "externalid": Membership.external_id.expression,
        "username": User.email.expression,
        "emails": _ADDRESS,
        "emails.value": _ADDRESS,
        "displayname": _NAME,
        "name.formatted": _NAME,
        "active": Membership.is_active.expression,
        "meta.created": Membership.created_at.expression,
        "meta.lastmodified": _MODIFIED,
    },
    {"groups": _in_group, "groups.value": _in_group},
)
_GROUPS = Attributes(
    {
        "id": cast(MemberGroup.id, String),
        "externalid": MemberGroup.external_id.expression,
        "displayname": MemberGroup.name.expression,
        "meta.created": MemberGroup.created_at.expression,
        "meta.lastmodified": MemberGroup.updated_at.expression,
    },
    {"members": _has_member, "members.value": _has_member},
)


# Users


async def users(
    session: AsyncSession, scope: Directory, window: Window
) -> tuple[int, Sequence[UserRow]]:
    """How many there are in all, and those of the window."""
    rows = _USERS.narrow(_users(scope), window)
    total = await session.scalar(select(func.count()).select_from(rows.subquery()))
    found = await session.execute(_USERS.cut(rows, window, Membership.id.expression))
    return total or 0, [UserRow(*row) for row in found]


def _users(scope: Directory) -> Rows:
    return (
        select(
            Membership.id,
            User.id,
            User.email,
            User.name,
            User.is_admin,
            Membership.role,
            Membership.is_active,
            Membership.external_id,
            Membership.created_at,
            _MODIFIED,
        )
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == scope.tenant_id)
    )


async def user(session: AsyncSession, scope: Directory, member_id: uuid.UUID) -> UserRow | None:
    found = (await session.execute(_users(scope).where(Membership.id == member_id))).one_or_none()
    return UserRow(*found) if found else None


async def lock_user(
    session: AsyncSession, scope: Directory, member_id: uuid.UUID
) -> UserRow | None:
    """Two who change one at once do it one after the other, and so do those who put them into
    groups."""
    row = select(Membership.id).where(
        Membership.tenant_id == scope.tenant_id, Membership.id == member_id
    )
    await session.execute(row.with_for_update())
    return await user(session, scope, member_id)


async def groups_of(
    session: AsyncSession, scope: Directory, ids: Collection[uuid.UUID]
) -> Sequence[tuple[uuid.UUID, uuid.UUID, str]]:
    """(member, group, its name)"""
    rows = (
        select(GroupMember.member_id, MemberGroup.id, MemberGroup.name)
        .join(MemberGroup, _of_group)
        .where(GroupMember.tenant_id == scope.tenant_id, GroupMember.member_id.in_(ids))
    )
    return (await session.execute(rows.order_by(MemberGroup.id))).all()


async def add_user(
    session: AsyncSession, scope: Directory, email: str, name: str
) -> uuid.UUID | None:
    """None if somebody has that address, here or anywhere."""
    new = insert(User).values(
        tenant_id=scope.tenant_id, email=email, name=name, is_active=True, email_verified=True
    )
    return await session.scalar(new.on_conflict_do_nothing().returning(User.id))


async def is_member(session: AsyncSession, scope: Directory, email: str) -> bool:
    rows = _users(scope).where(func.lower(User.email) == func.lower(email))
    return bool(await session.scalar(select(rows.exists())))


async def add_member(
    session: AsyncSession, scope: Directory, user_id: uuid.UUID, **row: object
) -> uuid.UUID:
    new = insert(Membership).values(
        tenant_id=scope.tenant_id, user_id=user_id, role="viewer", **row
    )
    return (await session.execute(new.returning(Membership.id))).scalar_one()


async def save_member(
    session: AsyncSession, scope: Directory, member_id: uuid.UUID, **values: object
) -> None:
    row = update(Membership).where(
        Membership.tenant_id == scope.tenant_id, Membership.id == member_id
    )
    await session.execute(row.values(values))


async def save_person(
    session: AsyncSession, scope: Directory, user_id: uuid.UUID, email: str, name: str
) -> bool | None:
    """False if they are not this workspace's alone, None if somebody has that address: the
    transaction is of no use then."""
    row = update(User).where(User.id == user_id, *_only_ours(scope))
    try:
        saved = await session.execute(row.values(email=email, name=name).returning(User.id))
    except IntegrityError as error:
        if not violates(error, "uq_user_email"):
            raise
        return None
    return saved.one_or_none() is not None


async def remove_member(session: AsyncSession, scope: Directory, member_id: uuid.UUID) -> None:
    row = Membership.tenant_id == scope.tenant_id, Membership.id == member_id
    await session.execute(delete(Membership).where(*row))


async def remove_person(session: AsyncSession, scope: Directory, user_id: uuid.UUID) -> None:
    """Whom this workspace brought, who cannot come in by themselves and belongs nowhere else."""
    ours = User.password_hash.is_(None), User.is_admin.is_(False)
    await session.execute(delete(User).where(User.id == user_id, *ours, *_only_ours(scope)))


def _only_ours(scope: Directory) -> tuple[Condition, Condition]:
    """The transaction must have entered as this person, or it does not see where else they are."""
    elsewhere = exists().where(
        Membership.user_id == User.id, Membership.tenant_id != scope.tenant_id
    )
    return User.tenant_id == scope.tenant_id, not_(elsewhere)


# Groups


async def groups(
    session: AsyncSession, scope: Directory, window: Window
) -> tuple[int, Sequence[GroupRow]]:
    """How many there are in all, and those of the window."""
    rows = _GROUPS.narrow(_groups(scope), window)
    total = await session.scalar(select(func.count()).select_from(rows.subquery()))
    found = await session.execute(_GROUPS.cut(rows, window, MemberGroup.id.expression))
    return total or 0, [GroupRow(*row) for row in found]


def _groups(scope: Directory) -> Rows:
    group = MemberGroup
    return select(
        group.id, group.name, group.external_id, group.created_at, group.updated_at
    ).where(group.tenant_id == scope.tenant_id)


async def group(session: AsyncSession, scope: Directory, group_id: uuid.UUID) -> GroupRow | None:
    found = (await session.execute(_groups(scope).where(MemberGroup.id == group_id))).one_or_none()
    return GroupRow(*found) if found else None


async def members_of(
    session: AsyncSession, scope: Directory, ids: Collection[uuid.UUID]
) -> Sequence[tuple[uuid.UUID, uuid.UUID]]:
    """(group, member)"""
    rows = select(GroupMember.group_id, GroupMember.member_id).where(
        GroupMember.tenant_id == scope.tenant_id, GroupMember.group_id.in_(ids)
    )
    return (await session.execute(rows.order_by(GroupMember.member_id))).all()
