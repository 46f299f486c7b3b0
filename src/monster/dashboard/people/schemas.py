"""What goes in and out about people, for platform admins."""

import uuid
from datetime import datetime

from monster.dashboard.identity.models import RoleName
from monster.kit.schemas import Output


class UserOut(Output):
    """`tenant_id` is where they begin."""

    id: uuid.UUID
    email: str
    name: str
    is_active: bool
    email_verified: bool
    is_admin: bool
    locked_until: datetime | None
    tenant_id: uuid.UUID | None
    tenant_name: str | None
    created_at: datetime


class MembershipOut(Output):
    tenant_id: uuid.UUID
    tenant_name: str
    role: RoleName
    is_active: bool
    suspended: bool
    since: datetime


class UserPage(Output):
    user: UserOut
    sessions: int
    memberships: list[MembershipOut]
