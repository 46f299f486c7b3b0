"""What the screens about contacts take and show."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from monster.contracts.contacts import ContactChange, ContactCreate, ContactOut, ExtId, Meta
from monster.contracts.runs import ConversationOut
from monster.dashboard.transcript.turns import Turn
from monster.kit.schemas import Input, Name


def _blank_is_none(value: object) -> object:
    return value or None


def _parsed(value: object) -> object:
    """What was typed is JSON, or empty."""
    if not isinstance(value, str):
        return value
    try:
        meta: object = json.loads(value) if value.strip() else {}
    except (ValueError, RecursionError) as error:
        where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise PydanticCustomError("meta_json", f"This is not JSON{where}") from None  # pyright: ignore[reportArgumentType]
    if not isinstance(meta, dict):
        raise PydanticCustomError("meta_json", "This must be a JSON object")
    return meta  # pyright: ignore[reportUnknownVariableType]


def one_line(ext_id: str | None) -> str:
    """As a field of one line holds it; browsers take line ends out."""
    return (ext_id or "").replace("\r", "").replace("\n", "")


class ContactForm(Input):
    """As a form sends it: `meta` is text."""

    name: Name
    ext_id: Annotated[ExtId | None, BeforeValidator(_blank_is_none)] = None
    meta: Annotated[Meta, BeforeValidator(_parsed)]

    @property
    def create(self) -> ContactCreate:
        return ContactCreate(name=self.name, ext_id=self.ext_id, meta=self.meta)

    def change(self, contact: ContactOut) -> ContactChange:
        """An id that the form could not show as it is stays as it is."""
        values = {"name": self.name, "meta": self.meta}
        if (self.ext_id or "") != one_line(contact.ext_id):
            values["ext_id"] = self.ext_id  # pyright: ignore[reportArgumentType]
        return ContactChange.model_validate(values)


class Page(NamedTuple):
    rows: Sequence[ContactOut]
    next: uuid.UUID | None


class Talk(NamedTuple):
    """A conversation in the list of a contact's."""

    id: uuid.UUID
    title: str
    agent: str
    updated_at: datetime


class Talks(NamedTuple):
    rows: Sequence[Talk]
    next: uuid.UUID | None


class Before(NamedTuple):
    """Where an older page of a conversation ends."""

    seq: int
    run_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Transcript:
    """Part of what was said to a contact, oldest first."""

    conversation: ConversationOut
    agent: str
    turns: Sequence[Turn]
    older: Before | None
