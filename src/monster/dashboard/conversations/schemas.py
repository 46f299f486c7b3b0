"""What the feature's parts hand to each other."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from monster.contracts.runs import ConversationOut, MessageOut, RunOut
from monster.dashboard.files.schemas import Upload

LONGEST = 100_000  # characters of a message


class Asked(NamedTuple):
    """What a form sends. `attached`: names of files that are in the conversation already."""

    message: str
    conversation_id: uuid.UUID | None
    attached: Sequence[str]
    files: Sequence[Upload]


class Question(NamedTuple):
    """What a person asks an agent, in a conversation or in a new one."""

    agent_id: uuid.UUID
    message: str
    conversation_id: uuid.UUID | None


class Reader(NamedTuple):
    """Who reads a stream, with the token of their session, and how far they had got."""

    initials: str
    token: str
    last_event_id: str = "0"


class Thread(NamedTuple):
    """A conversation in the list of them."""

    id: uuid.UUID
    title: str
    agent: str
    updated_at: datetime


class Before(NamedTuple):
    """Where an older page of a conversation ends."""

    seq: int
    run_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a conversation, oldest first. `active` goes on and is not among the runs."""

    conversation: ConversationOut
    runs: list[RunOut]
    messages: list[MessageOut]
    active: uuid.UUID | None
    older: Before | None
