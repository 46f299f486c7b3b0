"""What the knowledge feature passes between its parts."""

import uuid
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

from pydantic import StringConstraints

from monster.kit.jobs import JobArgs
from monster.kit.schemas import Input, Name

# No control character: a title is a line.
_LINE = r"^[^\x00-\x1f\x7f]*$"
_LINK = r"^https?://[^\x00-\x1f\x7f]*$"


class UploadFields(Input):
    """What comes beside the file."""

    source_key: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=_LINE),
    ]
    title: Annotated[Name, StringConstraints(pattern=_LINE)] | None = None
    uri: Annotated[str, StringConstraints(max_length=2000, pattern=_LINK)] | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes
    fields: UploadFields


class Question(NamedTuple):
    """What is searched: words and, if `model` is there, their vector."""

    text: str
    limit: int
    vector: list[float] | None = None
    model: str | None = None


class ParseDocument(JobArgs):
    """`content_hash` is the fence: what was uploaded since is another job's."""

    name: ClassVar[str] = "knowledge.parse_document"

    document_id: uuid.UUID
    content_hash: str


class EmbedDocument(JobArgs):
    name: ClassVar[str] = "knowledge.embed_document"

    document_id: uuid.UUID
    content_hash: str


class NewChunk(NamedTuple):
    seq: int
    text: str
    heading: str
    context: str
    page: int | None
    starts_at: int
    ends_at: int


class Unembedded(NamedTuple):
    """A passage that has no vector yet."""

    id: uuid.UUID
    context: str
    text: str


class Parsed(NamedTuple):
    """What a file has become."""

    title: str
    mime_type: str
    chunks: list[NewChunk]


class StoredFile(NamedTuple):
    """An upload, and the title that its document has."""

    name: str
    content: bytes
    title: str
