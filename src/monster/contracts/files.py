"""What the engine says about the files of a conversation."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import StringConstraints

from monster.kit.schemas import Output

# One segment of a path, and nothing that a shell, a browser or a file system would read into it.
FileName: TypeAlias = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f/\\:*?\"<>|.][^\x00-\x1f\x7f/\\:*?\"<>|]*$",
    ),
]


class FileOut(Output):
    """`size` in bytes; `source` tells whether a person attached it or a tool made it."""

    id: uuid.UUID
    conversation_id: uuid.UUID
    run_id: uuid.UUID | None
    name: str
    mime_type: str
    source: Literal["upload", "tool"]
    size: int
    created_at: datetime
