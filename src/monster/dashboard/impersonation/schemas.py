"""What is needed to act as somebody else."""

import uuid
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from monster.kit.schemas import Input, Name


def _nothing(value: object) -> object:
    """A form sends what was not chosen as an empty text."""
    return None if value == "" else value


class Impersonate(Input):
    """`reason` is kept in the log of the workspace. Without `tenant_id`: where they would begin."""

    reason: Name
    tenant_id: Annotated[uuid.UUID | None, BeforeValidator(_nothing)] = None


class Somebody(NamedTuple):
    id: uuid.UUID
    name: str
    is_active: bool
    is_admin: bool


class Workspace(NamedTuple):
    id: uuid.UUID
    name: str
