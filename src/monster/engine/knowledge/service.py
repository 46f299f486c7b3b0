"""What the engine does with knowledge: indexes, the documents in them, and search."""

import hashlib
import mimetypes
import uuid
from collections.abc import Sequence

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.knowledge import (
    DocumentStatus,
    IndexCreate,
    IndexOut,
    PassageInPlaceOut,
    PassageOut,
    SearchOut,
)
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.embedding.protocol import Embedder
from monster.engine.knowledge import passages, queries
from monster.engine.knowledge.errors import (
    DocumentNotFound,
    IndexNameTaken,
    IndexNotFound,
    NotFailed,
    PassageNotFound,
)
from monster.engine.knowledge.models import Document
from monster.engine.knowledge.schemas import ParseDocument, Question, Upload
from monster.kit import audit, jobs
from monster.kit.audit import Action, Entry
from monster.kit.errors import Forbidden

_AROUND = 2  # passages shown on each side of one in its place


async def get_index(session: AsyncSession, scope: Scope, index_id: uuid.UUID) -> IndexOut:
    scope.require(Permission.KNOWLEDGE_READ)
    return _index_out(await _index(session, scope, index_id))


async def page_of_indexes(
    session: AsyncSession, scope: Scope, after: uuid.UUID | None, limit: int
) -> list[IndexOut]:
    scope.require(Permission.KNOWLEDGE_READ)
    return [_index_out(row) for row in await queries.page_of_indexes(session, scope, after, limit)]


async def create_index(
    session: AsyncSession, scope: Scope, data: IndexCreate, embedding_model: str | None
) -> IndexOut:
    """Without an `embedding_model`, its passages are found by their words alone."""
    scope.require(Permission.KNOWLEDGE_WRITE)
    if scope.user_id is None:
        raise Forbidden("an index belongs to a person, and the token names none")
    index_id = await queries.insert_index_if_free(session, scope, data, embedding_model)
    if index_id is None:
        raise IndexNameTaken(f"an index named {data.name!r} exists", field="name")
    made = _index_out(await _index(session, scope, index_id))
    said = {**data.model_dump(mode="json"), "embedding_model": embedding_model}
    await _note(session, scope, Entry(Action.CREATE, "index", index_id, after=said))
    return made


async def delete_index(session: AsyncSession, scope: Scope, index_id: uuid.UUID) -> None:
    scope.require(Permission.KNOWLEDGE_WRITE)
    name = await queries.delete_index(session, scope, index_id)
    if name is None:
        raise IndexNotFound(f"no index {index_id}")
    await _note(session, scope, Entry(Action.DELETE, "index", index_id, before={"name": name}))


async def get_document(session: AsyncSession, scope: Scope, document_id: uuid.UUID) -> Document:
    scope.require(Permission.KNOWLEDGE_READ)
    return await _document(session, scope, document_id)


async def page_of_documents(
    session: AsyncSession,
    scope: Scope,
    index_id: uuid.UUID,
    after: uuid.UUID | None,
    limit: int,
    *,
    status: DocumentStatus | None = None,
) -> Sequence[Document]:
    scope.require(Permission.KNOWLEDGE_READ)
    await _index(session, scope, index_id)
    return await queries.page_of_documents(session, scope, index_id, after, limit, status=status)


async def upload(
    session: AsyncSession, scope: Scope, index_id: uuid.UUID, upload: Upload
) -> Document:
    """The same content under the same key again changes nothing; other content replaces it."""
    scope.require(Permission.KNOWLEDGE_WRITE)
    if await queries.lock_index(session, scope, index_id) is None:
        raise IndexNotFound(f"no index {index_id}")
    row = {
        "source_key": upload.fields.source_key,
        "title": upload.fields.title or upload.name,
        "uri": upload.fields.uri,
        "mime_type": mimetypes.guess_type(upload.name)[0] or "application/octet-stream",
        "content_hash": hashlib.sha256(upload.content).hexdigest(),
        "size": len(upload.content),
        "status": "queued",
    }
    document, is_new = await queries.put_document(session, scope, index_id, row)
    if is_new:
        await queries.put_file(session, scope, document.id, upload.name, upload.content)
        await _defer_parsing(session, document)
        await _note(session, scope, _about(Action.CREATE, document, size=document.size))
    return document


async def delete_document(session: AsyncSession, scope: Scope, document_id: uuid.UUID) -> None:
    scope.require(Permission.KNOWLEDGE_WRITE)
    gone = await queries.delete_document(session, scope, document_id)
    if gone is None:
        raise DocumentNotFound(f"no document {document_id}")
    await _note(session, scope, _about(Action.DELETE, gone))


async def retry(session: AsyncSession, scope: Scope, document_id: uuid.UUID) -> Document:
    scope.require(Permission.KNOWLEDGE_WRITE)
    known = await _document(session, scope, document_id)
    values = {"status": "queued", "error": None}
    document = await queries.move(
        session, scope, (known.id, known.content_hash), ["failed"], values
    )
    if document is None:
        raise NotFailed("only a document that failed can be tried again")
    await _defer_parsing(session, document)
    await _note(session, scope, _about(Action.UPDATE, document, status="queued again"))
    return document


async def ask(embedder: Embedder, text: str, limit: int) -> Question:
    """Takes a model's time: not while a transaction is open."""
    if not await embedder.ready():
        return Question(text, limit)
    (vector,) = await embedder.embed([text])
    return Question(text, limit, vector, embedder.name)


async def search(
    session: AsyncSession, scope: Scope, index_id: uuid.UUID, question: Question
) -> SearchOut:
    scope.require(Permission.KNOWLEDGE_READ)
    index = await _index(session, scope, index_id)
    found = await search_for_agent(session, scope, [index_id], question)
    semantic = question.vector is not None and index["embedding_model"] == question.model
    return SearchOut(passages=found, semantic=semantic)


async def search_for_agent(
    session: AsyncSession, scope: Scope, indexes: Sequence[uuid.UUID], question: Question
) -> list[PassageOut]:
    """Best first. An index that the scope does not see is as good as empty.

    No permission is asked: who may run an agent may be told what it was published to quote.
    """
    return [_passage_out(row) for row in await passages.search(session, scope, indexes, question)]


async def passage(session: AsyncSession, scope: Scope, chunk_id: uuid.UUID) -> PassageInPlaceOut:
    scope.require(Permission.KNOWLEDGE_READ)
    rows = await passages.in_place(session, scope, chunk_id, _AROUND)
    at = next((n for n, row in enumerate(rows) if row["is_it"]), None)
    if at is None:
        raise PassageNotFound(f"no passage {chunk_id}")
    it = rows[at]
    return PassageInPlaceOut(
        chunk_id=chunk_id,
        document_id=it["document_id"],
        index_id=it["index_id"],
        index_name=it["index_name"],
        title=it["title"],
        uri=it["uri"],
        place=_place(it),
        before="\n\n".join(row["text"] for row in rows[:at]),
        text=it["text"],
        after="\n\n".join(row["text"] for row in rows[at + 1 :]),
    )


async def _defer_parsing(session: AsyncSession, document: Document) -> None:
    await jobs.defer(
        session,
        ParseDocument(
            tenant_id=document.tenant_id,
            document_id=document.id,
            content_hash=document.content_hash,
        ),
    )


async def _note(session: AsyncSession, scope: Scope, entry: Entry) -> None:
    await audit.record(session, scope.actor, entry)


def _about(action: Action, document: Document, **more: object) -> Entry:
    """What it is called; never what stands in it."""
    said = {"name": document.title, "index_id": document.doc_index_id, **more}
    return Entry(action, "document", document.id, more=said)


async def _index(session: AsyncSession, scope: Scope, index_id: uuid.UUID) -> RowMapping:
    found = await queries.get_index(session, scope, index_id)
    if found is None:
        raise IndexNotFound(f"no index {index_id}")
    return found


async def _document(session: AsyncSession, scope: Scope, document_id: uuid.UUID) -> Document:
    found = await queries.get_document(session, scope, document_id)
    if found is None:
        raise DocumentNotFound(f"no document {document_id}")
    return found


def _index_out(row: RowMapping) -> IndexOut:
    kind = "hybrid" if row["embedding_model"] else "keyword"
    return IndexOut.model_validate({**row, "index_type": kind})


def _passage_out(row: RowMapping) -> PassageOut:
    found_by = [name for name in ("keyword", "vector") if row[name]]
    return PassageOut.model_validate({**row, "place": _place(row), "found_by": found_by})


def _place(row: RowMapping) -> str:
    page = f"page {row['page']}" if row["page"] else ""
    return ", ".join(part for part in (row["heading"], page) if part)
