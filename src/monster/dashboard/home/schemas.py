"""What the home page shows."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monster.contracts.credentials import CredentialOut
from monster.contracts.runs import ConversationOut


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the engine knows that matters here."""

    conversations: Sequence[ConversationOut]
    troubled: Sequence[CredentialOut]  # connections that do not work
    has_model: bool
    has_knowledge: bool


@dataclass(frozen=True, slots=True)
class Step:
    """On the way to a first useful agent."""

    title: str
    text: str
    verb: str
    href: str
    done: bool


@dataclass(frozen=True, slots=True)
class Talk:
    id: uuid.UUID
    title: str
    agent: str  # its name; empty if it is gone
    running: bool
    updated_at: datetime
