"""What a directory sees of us: resources, and what this service declares about itself."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar, NamedTuple, cast

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    Context,
    ETag,
    Filter,
    ListResponse,
    Meta,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    SearchRequest,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

from monster.dashboard.directory.schemas import GroupData
from monster.dashboard.scim.errors import ValueRefused
from monster.kit import scim

_LONGEST = 200  # characters of a name

_read_only = Mutability.read_only


class Name(ComplexAttribute):
    formatted: Annotated[str | None, _read_only] = None


class Email(ComplexAttribute):
    value: Annotated[str | None, _read_only] = None
    primary: Annotated[bool | None, _read_only] = None


class GroupOfUser(ComplexAttribute):
    value: Annotated[str | None, _read_only, CaseExact.true] = None
    ref: Annotated[Reference["Group"] | None, _read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, _read_only] = None


class User(Resource[Any]):
    """A membership of the workspace. Its address is the `userName`."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    display_name: str | None = None
    active: Annotated[bool | None, Required.true] = None
    name: Annotated[Name | None, _read_only] = None
    emails: Annotated[list[Email] | None, _read_only] = None
    groups: Annotated[list[GroupOfUser] | None, _read_only] = None

    Name: ClassVar[type[ComplexAttribute]] = Name
    Emails: ClassVar[type[ComplexAttribute]] = Email
    Groups: ClassVar[type[ComplexAttribute]] = GroupOfUser


class Member(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    members: list[Member] | None = None

    Members: ClassVar[type[ComplexAttribute]] = Member


UserSearch = SearchRequest[User]
GroupSearch = SearchRequest[Group]
Users = ListResponse[User]
Groups = ListResponse[Group]


class UserRow(NamedTuple):
    id: uuid.UUID
    user_id: uuid.UUID
    user_name: str
    name: str
    is_admin: bool
    role: str
    active: bool
    external_id: str | None
    created_at: datetime
    updated_at: datetime


class GroupRow(NamedTuple):
    id: uuid.UUID
    name: str
    external_id: str | None
    created_at: datetime
    updated_at: datetime


CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=scim.MOST),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=False),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A token made in the settings of the workspace",
            primary=True,
        )
    ],
)


def user_resource(base_url: str, row: UserRow, groups: Iterable[tuple[uuid.UUID, str]]) -> User:
    """Who has no name is called by their address, everywhere but here."""
    name = None if row.name == row.user_name else row.name
    return User(
        id=str(row.id),
        external_id=row.external_id,
        user_name=row.user_name,
        display_name=name,
        active=row.active,
        name=Name(formatted=name) if name else None,
        emails=[Email(value=row.user_name, primary=True)] if "@" in row.user_name else None,
        groups=[
            GroupOfUser(
                value=str(group_id),
                ref=Reference["Group"](f"{base_url}/Groups/{group_id}"),
                display=shown,
            )
            for group_id, shown in groups
        ]
        or None,
        meta=_meta(base_url, "User", row),
    )


def group_resource(base_url: str, row: GroupRow, members: Iterable[uuid.UUID]) -> Group:
    return Group(
        id=str(row.id),
        external_id=row.external_id,
        display_name=row.name,
        members=[
            Member(value=str(one), ref=Reference["User"](f"{base_url}/Users/{one}"), type="User")
            for one in members
        ]
        or None,
        meta=_meta(base_url, "Group", row),
    )


def _meta(base_url: str, kind: str, row: UserRow | GroupRow) -> Meta:
    return Meta(
        resource_type=kind,
        created=row.created_at,
        last_modified=row.updated_at,
        location=f"{base_url}/{kind}s/{row.id}",
    )


def read_user(sent: scim.Message, context: Context, current: User | None = None) -> User:
    """What a directory does not speak of stays as it is; somebody new is active."""
    defaults: dict[str, object] = {"active": current.active if current else True}
    if current:
        defaults |= {"externalId": current.external_id, "displayName": current.display_name}
    if name := _full_name(sent):
        defaults["displayName"] = name
    user = scim.read(User, sent, context, defaults)
    check_user(user)
    return user


def _full_name(sent: scim.Message) -> str:
    """From the parts that some send instead of a name to display."""
    name = sent.get("name")
    if not isinstance(name, dict):
        return ""
    parts = cast("dict[str, object]", name)
    whole = parts.get("formatted") or f"{parts.get('givenName', '')} {parts.get('familyName', '')}"
    return str(whole).strip()


def check_user(user: User) -> None:
    """Raises ValueRefused."""
    user.user_name = _short(user.user_name, "userName")
    if user.display_name is not None:
        user.display_name = _short(user.display_name, "displayName")


def _short(value: str | None, name: str) -> str:
    text = (value or "").strip()
    if not 0 < len(text) <= _LONGEST:
        raise ValueRefused(f"{name} has 1 to {_LONGEST} characters")
    return text


def read_group(sent: scim.Message, context: Context, current: Group | None = None) -> Group:
    """What a directory does not speak of stays as it is."""
    defaults: dict[str, object] = {}
    if current:
        defaults = {"externalId": current.external_id, "members": _plain(current.members)}
    return scim.read(Group, sent, context, defaults)


def _plain(members: list[Member] | None) -> list[dict[str, str | None]]:
    return [{"value": member.value} for member in members or ()]


def group_data(group: Group) -> GroupData:
    """Raises ValueRefused."""
    members = {_member_id(member) for member in group.members or ()}
    return GroupData(_short(group.display_name, "displayName"), group.external_id, members)


def _member_id(member: Member) -> uuid.UUID:
    text = member.value or str(member.ref or "").rpartition("/")[2]
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ValueRefused(f"{text!r} is the id of no user") from None
