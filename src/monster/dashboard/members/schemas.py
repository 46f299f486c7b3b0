"""What goes in and out about members."""

import uuid
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from pydantic import Secret, StrictBool

from monster.dashboard.identity.models import RoleName
from monster.dashboard.identity.schemas import Typed
from monster.kit.schemas import Input, Output

# Who owns a workspace changes by transfer only.
GivenRole: TypeAlias = Literal["admin", "editor", "viewer"]


class MemberChanges(Input):
    """Only what is sent is changed: the defaults here are never used."""

    role: GivenRole = "viewer"
    is_active: StrictBool = True


class RoleChoice(Input):
    role: GivenRole


class Transfer(Input):
    """The owner's password, again."""

    password: Secret[Typed]


class MemberOut(Output):
    """`last_seen_at` is null for who is signed in nowhere here."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    email: str
    role: RoleName
    is_active: bool
    created_at: datetime
    last_seen_at: datetime | None


class Listed(NamedTuple):
    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    email: str
    role: RoleName
    is_active: bool
    created_at: datetime
    last_seen_at: datetime | None
