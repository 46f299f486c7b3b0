"""What the feature's parts hand to each other."""

import uuid
from typing import NamedTuple, Protocol

from monster.contracts.files import FileOut
from monster.kit.schemas import Output


class Upload(Protocol):
    """A file as a form sends it."""

    @property
    def filename(self) -> str | None: ...

    @property
    def size(self) -> int | None:
        """In bytes."""
        ...

    async def read(self, size: int = -1) -> bytes: ...


class Place(NamedTuple):
    """Where a file goes; without a conversation one begins, called by `text`."""

    agent_id: uuid.UUID
    conversation_id: uuid.UUID | None
    text: str


class Sent(NamedTuple):
    """What a form brings: a file and what it goes with."""

    file: Upload | None
    conversation_id: uuid.UUID | None
    message: str


class Attached(Output):
    """What a page is told of a file that it sent, and the conversation that holds it."""

    conversation_id: uuid.UUID
    name: str
    size: int  # bytes


class Held(NamedTuple):
    """The files of a conversation, with its title."""

    title: str
    files: list[FileOut]
