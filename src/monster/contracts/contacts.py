"""What the engine says about contacts, and what it is told."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias, cast

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from monster.kit.schemas import Input, Name, Output, inside, storable_json

LONGEST_EXT_ID = 500
LARGEST_META = 16 * 1024  # bytes as JSON
DEEPEST_META = 8

# What the tenant's own systems call somebody: any characters that can be stored, kept as they are.
ExtId: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_EXT_ID, pattern=r"^[^\x00]*$")
]


def _fitting(meta: dict[str, Any]) -> dict[str, Any]:
    if not _flat(meta, DEEPEST_META):
        raise PydanticCustomError("meta_deep", "This is nested deeper than 8 levels")
    storable_json(meta)
    if len(json.dumps(meta, ensure_ascii=False).encode()) > LARGEST_META:
        raise PydanticCustomError("meta_size", "This is larger than 16 KiB")
    return meta


def _flat(value: object, levels: int) -> bool:
    if not isinstance(value, Mapping | list):
        return True
    return levels > 0 and all(_flat(one, levels - 1) for one in inside(cast(object, value)))


Meta: TypeAlias = Annotated[dict[str, Any], AfterValidator(_fitting)]


class ContactCreate(Input):
    name: Name
    ext_id: ExtId | None = None
    meta: Meta = Field(default_factory=dict)


class ContactChange(Input):
    """What is not given stays as it is."""

    name: Name | None = None
    ext_id: ExtId | None = None
    meta: Meta | None = None


class ContactRef(Input):
    """A contact by what the caller's own systems call them; made when there is none yet."""

    ext_id: ExtId
    name: Name | None = None
    meta: Meta | None = None

    @property
    def called(self) -> str:
        """How somebody is called of whom no name is known."""
        return self.name or self.ext_id.strip()[:200] or "Contact"


class ContactOut(Output):
    id: uuid.UUID
    ext_id: str | None
    name: str
    meta: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Holdings(Output):
    """How much there is about a contact, by kind."""

    conversations: int
    runs: int
    messages: int
    events: int
    tool_calls: int
    files: int
    leases: int
    keys: int


class Receipt(Output):
    """That a contact was erased. `sha256` is over the rest as JSON: names sorted, no spaces."""

    id: uuid.UUID
    contact_id: uuid.UUID
    erased_at: datetime
    counts: Holdings
    sha256: str
