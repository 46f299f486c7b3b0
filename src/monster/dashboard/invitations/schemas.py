"""What goes in and out about invitations."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Secret, StringConstraints

from monster.dashboard.identity.models import RoleName
from monster.dashboard.identity.schemas import Email, Typed
from monster.kit.schemas import Input, Name, Output

# Who owns a workspace changes by transfer only.
InvitedRole: TypeAlias = Literal["admin", "editor", "viewer"]
NewPassword: TypeAlias = Annotated[
    str, StringConstraints(min_length=10, max_length=1000, pattern=r"^[^\x00]*$")
]


class InvitationCreate(Input):
    email: Email
    role: InvitedRole


class InvitationOut(Output):
    """`user_id` is who invited; `user_name` is null once they are gone."""

    id: uuid.UUID
    email: str
    role: RoleName
    state: Literal["pending", "expired"]
    user_id: uuid.UUID
    user_name: str | None
    created_at: datetime
    expires_at: datetime


class Accept(Input):
    """By somebody who has no account yet."""

    token: Typed
    name: Name
    password: Secret[NewPassword]


class Join(Input):
    """By whoever is signed in."""

    token: Typed


class Joined(Output):
    tenant_id: uuid.UUID
    name: str
    role: RoleName


class Listed(NamedTuple):
    id: uuid.UUID
    email: str
    role: RoleName
    state: Literal["pending", "expired"]
    user_id: uuid.UUID
    user_name: str | None
    created_at: datetime
    expires_at: datetime


class Waiting(NamedTuple):
    """An invitation as the one who was invited sees it among their workspaces."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    tenant_name: str
    role: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link promises. `account`: of the address; a closed one was deactivated."""

    tenant_id: uuid.UUID
    tenant_name: str
    email: str
    role: RoleName
    inviter: str
    is_suspended: bool
    account: Literal["none", "open", "closed"]
