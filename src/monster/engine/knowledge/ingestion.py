"""A document on its way from a file to passages. Each step may come twice."""

import uuid
from collections.abc import Mapping

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.knowledge import DocumentStatus
from monster.engine.access.scope import Scope
from monster.engine.knowledge import passages, queries
from monster.engine.knowledge.models import Document
from monster.engine.knowledge.schemas import (
    EmbedDocument,
    Parsed,
    ParseDocument,
    StoredFile,
    Unembedded,
)
from monster.kit import jobs

_BATCH = 32  # passages embedded and committed together
TRANSIENT = (OperationalError, OSError, MemoryError)  # what another attempt may cure
_UNFINISHED: tuple[DocumentStatus, ...] = ("queued", "parsing", "embedding")


async def begin_parsing(
    session: AsyncSession, scope: Scope, args: ParseDocument
) -> StoredFile | None:
    """None if there is nothing to do any more."""
    key = (args.document_id, args.content_hash)
    values = {"status": "parsing"}
    document = await queries.move(session, scope, key, ["queued", "parsing"], values)
    if document is None:
        return None
    name, content = await queries.get_file(session, scope, args.document_id)
    return StoredFile(name, content, document.title)


async def end_parsing(
    session: AsyncSession, scope: Scope, args: ParseDocument, parsed: Parsed
) -> None:
    """What was found before is found until now; its successors are found by their words."""
    values = {
        "status": "embedding",
        "title": parsed.title,
        "mime_type": parsed.mime_type,
        "chunks": len(parsed.chunks),
        "chunks_done": 0,
    }
    key = (args.document_id, args.content_hash)
    document = await queries.move(session, scope, key, ["parsing"], values)
    if document is None:
        return  # deleted, replaced, or parsed by another worker meanwhile
    await passages.replace(session, scope, document, parsed.chunks)
    await jobs.defer(session, EmbedDocument(**args.model_dump()))


async def next_to_embed(
    session: AsyncSession, scope: Scope, args: EmbedDocument, model: str | None
) -> list[Unembedded]:
    """Passages without a vector; none of an index that has another model, or none."""
    if model is None or model != await queries.embedding_model(session, scope, args.document_id):
        return []
    return await passages.unembedded(session, scope, args.document_id, _BATCH)


async def store_vectors(
    session: AsyncSession,
    scope: Scope,
    args: EmbedDocument,
    vectors: Mapping[uuid.UUID, list[float]],
) -> bool:
    """False if the document is gone or was replaced: its passages are nobody's."""
    done = await passages.set_vectors(session, scope, args.document_id, vectors)
    key = (args.document_id, args.content_hash)
    moved = await queries.move(session, scope, key, ["embedding"], {"chunks_done": done})
    return moved is not None


async def finish(session: AsyncSession, scope: Scope, args: EmbedDocument) -> None:
    key = (args.document_id, args.content_hash)
    values = {"status": "ready", "chunks_done": Document.chunks}
    await queries.move(session, scope, key, ["embedding"], values)


async def fail(
    session: AsyncSession, scope: Scope, args: ParseDocument | EmbedDocument, sentence: str
) -> None:
    values = {"status": "failed", "error": sentence, "chunks": 0, "chunks_done": 0}
    key = (args.document_id, args.content_hash)
    document = await queries.move(session, scope, key, _UNFINISHED, values)
    if document is not None:
        await passages.replace(session, scope, document, [])
