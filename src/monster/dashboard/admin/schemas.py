"""What goes in and out about tenants, for platform admins."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from monster.dashboard.identity.models import RoleName
from monster.dashboard.identity.schemas import Email
from monster.kit.schemas import Input, Name, Output

Sort: TypeAlias = Literal["newest", "name"]


@dataclass(frozen=True, slots=True)
class Sought:
    """A page of a list: `after` is the last id of the page before."""

    words: str
    sort: Sort
    after: uuid.UUID | None
    limit: int


class TenantCreate(Input):
    """`email` is who shall own it: an invitation goes there."""

    name: Name
    email: Email


class TenantDelete(Input):
    """`name` must be its name."""

    name: Name


class TenantOut(Output):
    id: uuid.UUID
    name: str
    email: str
    slug: str
    suspended_at: datetime | None
    created_at: datetime
    members: int
    agents: int


class MemberOut(Output):
    user_id: uuid.UUID
    name: str
    email: str
    role: RoleName
    is_active: bool
    since: datetime
