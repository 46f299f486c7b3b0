"""What goes in and out about workspaces."""

import uuid
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import StrictBool, StringConstraints

from monster.dashboard.identity.models import RoleName
from monster.dashboard.identity.schemas import Email
from monster.kit.schemas import Input, Name, Output

SLUG = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
Slug: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=SLUG)
]

SECOND_FACTOR = "require_second_factor"  # in `tenant.settings`


class WorkspaceCreate(Input):
    name: Name


class WorkspaceOut(Output):
    """`is_current`: this session works there."""

    id: uuid.UUID
    name: str
    role: RoleName
    is_suspended: bool
    is_current: bool


class SettingsChanges(Input):
    """Only what is sent is changed: the defaults here are never used."""

    name: Name = ""
    email: Email = ""
    slug: Slug = ""
    require_second_factor: StrictBool = False


class SettingsOut(Output):
    """`slug` is part of the address of single sign-on."""

    id: uuid.UUID
    name: str
    email: str
    slug: str
    require_second_factor: bool


class Mine(NamedTuple):
    """A workspace of a person, with what they are there."""

    id: uuid.UUID
    name: str
    role: RoleName
    is_suspended: bool
