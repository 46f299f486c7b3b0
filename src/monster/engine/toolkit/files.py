"""The files of a conversation, as tools see them."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from monster.engine.toolkit.effects import ToolFailed
from monster.kit.ids import new_id


class StoredFile(NamedTuple):
    id: uuid.UUID
    name: str
    mime_type: str
    size: int  # bytes


class Files(Protocol):
    """Names are unique: what is written under a name takes the place of what was there."""

    async def list(self) -> Sequence[StoredFile]: ...

    async def read(self, name: str) -> bytes:
        """Raises ToolFailed if there is no such file."""
        ...

    async def write(self, name: str, content: bytes, mime_type: str) -> StoredFile:
        """Raises ToolFailed if it is too large or has no usable name."""
        ...


class MemoryFiles:
    """The same promises, kept in this process."""

    def __init__(self, files: dict[str, tuple[bytes, str]] | None = None) -> None:
        self.files = files or {}

    async def list(self) -> Sequence[StoredFile]:
        return [
            StoredFile(new_id(), name, mime_type, len(content))
            for name, (content, mime_type) in self.files.items()
        ]

    async def read(self, name: str) -> bytes:
        if name not in self.files:
            raise ToolFailed(f"there is no file {name!r} in this conversation")
        return self.files[name][0]

    async def write(self, name: str, content: bytes, mime_type: str) -> StoredFile:
        self.files[name] = (content, mime_type)
        return StoredFile(new_id(), name, mime_type, len(content))
