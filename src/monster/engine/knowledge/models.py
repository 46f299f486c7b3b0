"""Tables of the knowledge feature."""

import uuid
from typing import Any

import orjson
from sqlalchemy import CheckConstraint, Computed, Dialect, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from monster.contracts.agents import Sharing
from monster.contracts.knowledge import DocumentStatus
from monster.engine.database import Base
from monster.kit.db import TenantRow, tenant_key, updated_at

DIMENSIONS = 384
WORDS = "to_tsvector('english', context || ' ' || text)"


def _dump(vector: list[float] | None) -> str | None:
    return None if vector is None else orjson.dumps(vector).decode()


def _load(vector: str | None) -> list[float] | None:
    return None if vector is None else orjson.loads(vector)


class Vector(UserDefinedType[list[float]]):
    """pgvector's type; it is written and read as JSON is."""

    cache_ok = True

    def __init__(self, dimensions: int | None = None) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401
        return f"vector({self.dimensions})"

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        return _dump

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ANN401, ARG002
        return _load


ischema_names["vector"] = Vector  # pyright: ignore[reportArgumentType]  # so that `alembic check` knows what it finds


class DocIndex(TenantRow, Base):
    __tablename__ = "doc_index"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("scope in ('private', 'shared')", name="scope"),
    )

    user_id: Mapped[uuid.UUID]
    name: Mapped[str]
    description: Mapped[str]
    scope: Mapped[Sharing] = mapped_column(Text)
    embedding_model: Mapped[str | None]  # none: words only
    updated_at: Mapped[updated_at]


class Document(TenantRow, Base):
    __tablename__ = "document"
    __table_args__ = (
        tenant_key("doc_index_id", "doc_index.id"),
        UniqueConstraint("tenant_id", "doc_index_id", "source_key"),
        Index(None, "tenant_id", "doc_index_id", "id"),
        CheckConstraint(
            "status in ('queued', 'parsing', 'embedding', 'ready', 'failed')", name="status"
        ),
    )

    doc_index_id: Mapped[uuid.UUID]
    source_key: Mapped[str]  # what it is called where it comes from; the same again replaces it
    title: Mapped[str]
    uri: Mapped[str | None]
    mime_type: Mapped[str]
    content_hash: Mapped[str]
    size: Mapped[int]
    status: Mapped[DocumentStatus] = mapped_column(Text)
    error: Mapped[str | None]
    chunks: Mapped[int]
    chunks_done: Mapped[int]
    updated_at: Mapped[updated_at]

    @property
    def index_id(self) -> uuid.UUID:
        return self.doc_index_id


class File(TenantRow, Base):
    """The bytes of an upload: what a document is read from, also a second time."""

    __tablename__ = "file"
    __table_args__ = (
        tenant_key("document_id", "document.id"),
        UniqueConstraint("tenant_id", "document_id"),
    )

    document_id: Mapped[uuid.UUID]
    name: Mapped[str]
    content: Mapped[bytes] = mapped_column(deferred=True)


class Chunk(TenantRow, Base):
    """One passage; found by its words as soon as it is here, by its meaning once embedded."""

    __tablename__ = "chunk"
    __table_args__ = (
        tenant_key("document_id", "document.id"),
        tenant_key("doc_index_id", "doc_index.id"),
        UniqueConstraint("tenant_id", "document_id", "seq"),
        Index(None, "tenant_id", "doc_index_id"),
        # These two serve all tenants; what they find is filtered afterwards.
        Index("ix_chunk_tsv", "tsv", postgresql_using="gin"),
        Index(
            "ix_chunk_embedding",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
        ),
    )

    doc_index_id: Mapped[uuid.UUID]
    document_id: Mapped[uuid.UUID]
    seq: Mapped[int]
    text: Mapped[str]
    heading: Mapped[str]
    context: Mapped[str]  # title and heading: searched with the text, not shown with it
    page: Mapped[int | None]
    starts_at: Mapped[int]  # offsets into the document's text, in characters
    ends_at: Mapped[int]
    embedding: Mapped[list[float] | None] = mapped_column(Vector(DIMENSIONS), deferred=True)
    tsv: Mapped[str] = mapped_column(TSVECTOR, Computed(WORDS, persisted=True), deferred=True)
    words: Mapped[int] = mapped_column(Computed(f"length({WORDS})", persisted=True))
