"""All SQL about passages. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import RowMapping, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.knowledge import statements
from monster.engine.knowledge.models import Chunk, Document
from monster.engine.knowledge.schemas import NewChunk, Question, Unembedded
from monster.kit.ids import new_id


async def replace(
    session: AsyncSession, scope: Scope, document: Document, chunks: Sequence[NewChunk]
) -> None:
    await session.execute(
        delete(Chunk).where(Chunk.tenant_id == scope.tenant_id, Chunk.document_id == document.id)
    )
    keys = {
        "tenant_id": scope.tenant_id,
        "doc_index_id": document.doc_index_id,
        "document_id": document.id,
    }
    rows = [{**keys, "id": new_id(), **chunk._asdict()} for chunk in chunks]
    if rows:
        await session.execute(insert(Chunk), rows)


async def unembedded(
    session: AsyncSession, scope: Scope, document_id: uuid.UUID, limit: int
) -> list[Unembedded]:
    rows = (
        select(Chunk.id, Chunk.context, Chunk.text)
        .where(Chunk.tenant_id == scope.tenant_id, Chunk.document_id == document_id)
        .where(Chunk.embedding.is_(None))
        .order_by(Chunk.seq)
        .limit(limit)
    )
    return [Unembedded(*row) for row in await session.execute(rows)]


async def set_vectors(
    session: AsyncSession,
    scope: Scope,
    document_id: uuid.UUID,
    vectors: Mapping[uuid.UUID, list[float]],
) -> int:
    """How many passages of the document have a vector now."""
    written = [orjson.dumps(vector).decode() for vector in vectors.values()]
    params = {"tenant": scope.tenant_id, "ids": list(vectors), "vectors": written}
    await session.execute(statements.SET_VECTORS, params)
    done = select(func.count(Chunk.embedding)).where(
        Chunk.tenant_id == scope.tenant_id, Chunk.document_id == document_id
    )
    return await session.scalar(done) or 0


async def search(
    session: AsyncSession, scope: Scope, indexes: Sequence[uuid.UUID], question: Question
) -> Sequence[RowMapping]:
    """Best first. Of indexes that the scope does not see, nothing."""
    semantic = question.vector is not None
    if semantic:
        await session.execute(statements.KEEP_LOOKING)
    params = {
        "tenant": scope.tenant_id,
        "user": scope.user_id,
        "indexes": list(indexes),
        "query": question.text,
        "vector": question.vector,
        "model": question.model,
        "semantic": semantic,
        "share": statements.VECTOR_SHARE if semantic else 0.0,
        "limit": question.limit,
    }
    return (await session.execute(statements.SEARCH, params)).mappings().all()


async def in_place(
    session: AsyncSession, scope: Scope, chunk_id: uuid.UUID, around: int
) -> Sequence[RowMapping]:
    """The passage and its neighbours, in their order; `is_it` marks it."""
    params = {
        "tenant": scope.tenant_id,
        "user": scope.user_id,
        "chunk": chunk_id,
        "around": around,
    }
    return (await session.execute(statements.PASSAGE, params)).mappings().all()
