"""What the parts of the feature hand to each other."""

import uuid
from typing import Literal, NamedTuple


class NewFile(NamedTuple):
    """`run_id` of a run whose tool made it."""

    name: str
    content: bytes
    mime_type: str
    source: Literal["upload", "tool"] = "upload"
    run_id: uuid.UUID | None = None


class Usage(NamedTuple):
    """Of one conversation, without the file that is about to be written."""

    files: int
    size: int  # bytes
