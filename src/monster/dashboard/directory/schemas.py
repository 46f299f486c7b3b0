"""Tokens of directories and the groups they bring, as they cross the edge."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from monster.dashboard.identity.schemas import Device
from monster.kit.audit import Actor
from monster.kit.schemas import Input, Name, Output

GroupRole: TypeAlias = Literal["viewer", "editor", "admin"]  # nobody becomes owner by a directory


@dataclass(frozen=True, slots=True)
class Directory:
    """What holds a token: it acts for its workspace, as no person."""

    tenant_id: uuid.UUID
    token_id: uuid.UUID
    base_url: str  # of everything it asks for, without a slash at the end
    device: Device

    @property
    def actor(self) -> Actor:
        device = self.device
        return Actor(
            self.tenant_id, "scim", ip_address=device.ip_address, user_agent=device.user_agent
        )


class ScimTokenCreate(Input):
    name: Name


class ScimTokenOut(Output):
    id: uuid.UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


class ScimTokenMade(ScimTokenOut):
    token: str  # shown once


ROLES = (("", "None"), ("viewer", "Viewer"), ("editor", "Editor"), ("admin", "Admin"))


class GroupForm(Input):
    role: GroupRole | Literal[""]


class GroupOut(Output):
    id: uuid.UUID
    name: str
    external_id: str | None
    role: GroupRole | None
    members: int
    created_at: datetime


class GroupChanges(Input):
    role: GroupRole | None


@dataclass(frozen=True, slots=True)
class GroupPage:
    rows: Sequence[GroupOut]
    next: uuid.UUID | None  # the key of the page after this one


@dataclass(frozen=True, slots=True)
class GroupData:
    """As a directory has it; without `members`, these are not spoken of."""

    name: str
    external_id: str | None
    members: Collection[uuid.UUID] | None = None

    def told(self) -> dict[str, object]:
        """For the audit log."""
        return {"name": self.name, "external_id": self.external_id}
