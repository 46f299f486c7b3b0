"""What the engine says about knowledge, and what it is told."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from monster.contracts.agents import Sharing
from monster.kit.schemas import WHOLE, Input, Name, Output, Prose

DocumentStatus: TypeAlias = Literal["queued", "parsing", "embedding", "ready", "failed"]


class IndexCreate(Input):
    name: Name
    description: Prose = ""
    scope: Sharing = "shared"


class IndexOut(Output):
    """Counts are of documents, by what has become of them; `size` is bytes as uploaded."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    description: str
    scope: Sharing
    index_type: Literal["keyword", "hybrid"]  # keyword: no embedding model is there
    embedding_model: str | None
    documents: int
    ready: int
    failed: int
    chunks: int
    size: int
    created_at: datetime


class DocumentOut(Output):
    """`chunks_done` of `chunks` are searchable; `error` is a sentence for people."""

    id: uuid.UUID
    index_id: uuid.UUID
    source_key: str
    title: str
    uri: str | None
    mime_type: str
    size: int
    status: DocumentStatus
    error: str | None
    chunks: int
    chunks_done: int
    created_at: datetime
    updated_at: datetime


class SearchQuery(Input):
    query: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
    limit: Annotated[int, Field(ge=1, le=50), WHOLE] = 8


class PassageOut(Output):
    """`score` is 0 to 1 within one search; `found_by` names the retrievers."""

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    index_id: uuid.UUID
    title: str
    place: str  # heading path or page; may be empty
    text: str
    score: float
    found_by: list[Literal["keyword", "vector"]]


class SearchOut(Output):
    passages: list[PassageOut]
    semantic: bool  # False: no embedding model, words alone were compared


class PassageInPlaceOut(Output):
    """One passage with what stands around it in its document."""

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    index_id: uuid.UUID
    index_name: str
    title: str
    uri: str | None
    place: str
    before: str
    text: str
    after: str
