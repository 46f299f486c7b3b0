"""All SQL about tokens of directories, groups, and the roles that groups give."""

import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, Select, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from monster.dashboard.directory.schemas import GroupOut
from monster.dashboard.identity.models import Membership, Tenant
from monster.dashboard.identity.scope import Scope
from monster.dashboard.tenancy.models import GroupMember, MemberGroup, ScimToken
from monster.kit.db import violates
from monster.kit.ids import new_id

_AGAIN = timedelta(minutes=1)  # a write on every request would be a waste
_GIVEN = ("viewer", "editor", "admin")  # the owner's role is nobody's to give


class Whose(Protocol):
    """A person's scope, or a directory."""

    @property
    def tenant_id(self) -> uuid.UUID: ...


class Holder(NamedTuple):
    id: uuid.UUID
    suspended: bool
    unseen: bool


class Changed(NamedTuple):
    member_id: uuid.UUID
    before: str
    after: str


async def tokens(session: AsyncSession, scope: Scope) -> Sequence[ScimToken]:
    rows = select(ScimToken).where(ScimToken.tenant_id == scope.tenant_id)
    return (await session.scalars(rows.order_by(ScimToken.id.desc()))).all()


async def add_token(session: AsyncSession, scope: Scope, name: str, token_hash: bytes) -> ScimToken:
    row = {"tenant_id": scope.tenant_id, "name": name, "user_id": scope.user_id}
    new = insert(ScimToken).values(**row, token_hash=token_hash)
    return (await session.scalars(new.returning(ScimToken))).one()


async def remove_token(session: AsyncSession, scope: Scope, token_id: uuid.UUID) -> str | None:
    """Its name; None if there is none."""
    row = delete(ScimToken).where(ScimToken.tenant_id == scope.tenant_id, ScimToken.id == token_id)
    return await session.scalar(row.returning(ScimToken.name))


async def holder(session: AsyncSession, scope: Whose, token_hash: bytes) -> Holder | None:
    """By the hash: how long the search takes tells nothing about the token."""
    row = await session.execute(
        select(
            ScimToken.id,
            Tenant.suspended_at.is_not(None),
            func.coalesce(ScimToken.last_used_at < func.now() - _AGAIN, True),
        )
        .join(Tenant, Tenant.id == ScimToken.tenant_id)
        .where(ScimToken.tenant_id == scope.tenant_id, ScimToken.token_hash == token_hash)
    )
    found = row.one_or_none()
    return Holder(*found) if found else None


async def touch_token(session: AsyncSession, scope: Whose, token_id: uuid.UUID) -> None:
    await session.execute(
        update(ScimToken)
        .where(ScimToken.tenant_id == scope.tenant_id, ScimToken.id == token_id)
        .values(last_used_at=func.now())
    )


# Groups


async def groups(
    session: AsyncSession, scope: Scope, words: str, after: uuid.UUID | None, limit: int
) -> Sequence[GroupOut]:
    """Newest first, each with how many belong to it."""
    count = (
        select(func.count())
        .where(GroupMember.tenant_id == scope.tenant_id, GroupMember.group_id == MemberGroup.id)
        .scalar_subquery()
    )
    rows = select(MemberGroup, count).where(MemberGroup.tenant_id == scope.tenant_id)
    for word in words.split()[:10]:
        rows = rows.where(MemberGroup.name.icontains(word, autoescape=True))
    if after:
        rows = rows.where(MemberGroup.id < after)
    found = await session.execute(rows.order_by(MemberGroup.id.desc()).limit(limit))
    return [_shown(group, members) for group, members in found]


def _shown(group: MemberGroup, members: int) -> GroupOut:
    row = {name: getattr(group, name) for name in ("id", "name", "external_id", "created_at")}
    return GroupOut.model_validate({**row, "role": group.role, "members": members})


async def lock_group(
    session: AsyncSession, scope: Whose, group_id: uuid.UUID
) -> MemberGroup | None:
    """Who changes its role and who changes its members wait for each other."""
    return await session.scalar(
        select(MemberGroup)
        .where(MemberGroup.tenant_id == scope.tenant_id, MemberGroup.id == group_id)
        .with_for_update(key_share=True)
    )


async def add_group(
    session: AsyncSession, scope: Whose, name: str, external_id: str | None
) -> uuid.UUID | None:
    """None if the name is taken."""
    row = {"tenant_id": scope.tenant_id, "name": name, "external_id": external_id}
    new = insert(MemberGroup).values(row).on_conflict_do_nothing()
    return await session.scalar(new.returning(MemberGroup.id))


async def save_group(
    session: AsyncSession, scope: Whose, group_id: uuid.UUID, name: str, external_id: str | None
) -> bool:
    """Also if only its members changed. False if the name is taken: the transaction is of no use
    then."""
    row = update(MemberGroup).where(
        MemberGroup.tenant_id == scope.tenant_id, MemberGroup.id == group_id
    )
    try:
        await session.execute(row.values(name=name, external_id=external_id))
    except IntegrityError as error:
        if not violates(error, "uq_member_group_tenant_id_name"):
            raise
        return False
    return True


async def set_group_role(
    session: AsyncSession, scope: Scope, group_id: uuid.UUID, role: str | None
) -> None:
    await session.execute(
        update(MemberGroup)
        .where(MemberGroup.tenant_id == scope.tenant_id, MemberGroup.id == group_id)
        .values(role=role)
    )


async def remove_group(session: AsyncSession, scope: Whose, group_id: uuid.UUID) -> None:
    row = MemberGroup.tenant_id == scope.tenant_id, MemberGroup.id == group_id
    await session.execute(delete(MemberGroup).where(*row))


async def add_members(
    session: AsyncSession, scope: Whose, group_id: uuid.UUID, member_ids: Collection[uuid.UUID]
) -> int:
    """How many of them are in it now: those who are members of this workspace."""
    known = await session.scalars(
        select(Membership.id)
        .where(Membership.tenant_id == scope.tenant_id, Membership.id.in_(member_ids))
        .with_for_update(read=True, key_share=True)  # nobody removes them meanwhile
    )
    place = {"tenant_id": scope.tenant_id, "group_id": group_id}
    rows = [{**place, "id": new_id(), "member_id": member_id} for member_id in known]
    if rows:
        await session.execute(insert(GroupMember).on_conflict_do_nothing(), rows)
    return len(rows)


async def remove_members(
    session: AsyncSession, scope: Whose, group_id: uuid.UUID, member_ids: Collection[uuid.UUID]
) -> None:
    await session.execute(
        delete(GroupMember).where(
            GroupMember.tenant_id == scope.tenant_id,
            GroupMember.group_id == group_id,
            GroupMember.member_id.in_(member_ids),
        )
    )


async def member_ids(
    session: AsyncSession, scope: Whose, group_id: uuid.UUID
) -> Sequence[uuid.UUID]:
    rows = select(GroupMember.member_id).where(
        GroupMember.tenant_id == scope.tenant_id, GroupMember.group_id == group_id
    )
    return (await session.scalars(rows)).all()


# Roles


async def lock_members(session: AsyncSession, scope: Whose, ids: Collection[uuid.UUID]) -> None:
    """In one order, so that nobody waits in a circle; what others did before is seen afterwards."""
    rows = select(Membership.id).where(
        Membership.tenant_id == scope.tenant_id, Membership.id.in_(ids)
    )
    await session.execute(rows.order_by(Membership.id).with_for_update(key_share=True))


async def give_roles(
    session: AsyncSession, scope: Whose, ids: Collection[uuid.UUID]
) -> Sequence[Changed]:
    """The highest of each one's groups that have one; without any they keep what they have."""
    best = _best(scope).subquery()
    old = aliased(Membership)
    role = case(dict(enumerate(_GIVEN)), value=best.c.rank)
    rows = await session.execute(
        update(Membership)
        .where(
            Membership.tenant_id == scope.tenant_id,
            Membership.id.in_(ids),
            Membership.role != "owner",
            Membership.role != role,
            best.c.member_id == Membership.id,
            old.tenant_id == Membership.tenant_id,
            old.id == Membership.id,
        )
        .values(role=role)
        .returning(Membership.id, old.role, Membership.role)
        .execution_options(synchronize_session=False)
    )
    return [Changed(*row) for row in rows]


def _best(scope: Whose) -> Select[uuid.UUID, int]:
    rank: ColumnElement[int] = func.max(
        case({name: place for place, name in enumerate(_GIVEN)}, value=MemberGroup.role)
    )
    return (
        select(GroupMember.member_id, rank.label("rank"))
        .join(
            MemberGroup,
            (MemberGroup.tenant_id == GroupMember.tenant_id)
            & (MemberGroup.id == GroupMember.group_id),
        )
        .where(GroupMember.tenant_id == scope.tenant_id, MemberGroup.role.in_(_GIVEN))
        .group_by(GroupMember.member_id)
    )
