"""What the engine says about contacts, and what it is told."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias, cast

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from monster.kit.schemas import Input, Name, Output

LONGEST_EXT_ID = 500
LARGEST_META = 16 * 1024  # bytes as JSON
DEEPEST_META = 8

# What the tenant's own systems call somebody: any characters that can be stored, kept as they are.
ExtId: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_EXT_ID, pattern=r"^[^\x00]*$")
]


def _storable(meta: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL keeps neither NUL, lone surrogates nor numbers that are none."""
    if not _flat(meta, DEEPEST_META):
        raise PydanticCustomError("meta_deep", "This is nested deeper than 8 levels")
    try:
        written = json.dumps(meta, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        raise PydanticCustomError("meta_text", "This holds what cannot be stored") from None
    if len(written) > LARGEST_META:
        raise PydanticCustomError("meta_size", "This is larger than 16 KiB")
    if _holds_nul(meta):
        raise PydanticCustomError("meta_text", "This holds what cannot be stored")
    return meta


def _inside(value: object) -> list[object]:
    if isinstance(value, Mapping):
        pairs = cast(Mapping[str, object], value)
        return [*pairs.keys(), *pairs.values()]
    return cast(list[object], value) if isinstance(value, list) else []


def _flat(value: object, levels: int) -> bool:
    if not isinstance(value, Mapping | list):
        return True
    return levels > 0 and all(_flat(one, levels - 1) for one in _inside(cast(object, value)))


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    return any(map(_holds_nul, _inside(value)))


Meta: TypeAlias = Annotated[dict[str, Any], AfterValidator(_storable)]


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
