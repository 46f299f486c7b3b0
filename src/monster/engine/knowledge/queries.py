"""All SQL about indexes and documents. Every function starts from the caller's scope."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    delete,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.knowledge import DocumentStatus, IndexCreate
from monster.engine.access.scope import Scope
from monster.engine.knowledge.models import DocIndex, Document, File


def _shared_with(scope: Scope) -> ColumnElement[bool]:
    return or_(DocIndex.scope == "shared", DocIndex.user_id == scope.user_id)


def _indexes(scope: Scope) -> Select[Any]:
    """Each index with what is in it."""
    within = and_(Document.tenant_id == DocIndex.tenant_id, Document.doc_index_id == DocIndex.id)
    counts = (
        select(
            func.count().label("documents"),
            func.count().filter(Document.status == "ready").label("ready"),
            func.count().filter(Document.status == "failed").label("failed"),
            func.coalesce(func.sum(Document.chunks), 0).label("chunks"),
            func.coalesce(func.sum(Document.size), 0).label("size"),
        )
        .where(within)
        .lateral("counts")
    )
    return (
        select(*DocIndex.__table__.columns, *counts.c)
        .join(counts, true())
        .where(DocIndex.tenant_id == scope.tenant_id, _shared_with(scope))
    )


def _documents(scope: Scope) -> Select[Document]:
    return (
        select(Document)
        .join(
            DocIndex,
            and_(DocIndex.tenant_id == Document.tenant_id, DocIndex.id == Document.doc_index_id),
        )
        .where(Document.tenant_id == scope.tenant_id, _shared_with(scope))
    )


async def get_index(session: AsyncSession, scope: Scope, index_id: uuid.UUID) -> RowMapping | None:
    one = await session.execute(_indexes(scope).where(DocIndex.id == index_id))
    return one.mappings().one_or_none()


async def page_of_indexes(
    session: AsyncSession, scope: Scope, after: uuid.UUID | None, limit: int
) -> Sequence[RowMapping]:
    rows = _indexes(scope).order_by(DocIndex.id).limit(limit)
    found = await session.execute(rows.where(DocIndex.id > after) if after else rows)
    return found.mappings().all()


async def insert_index_if_free(
    session: AsyncSession, scope: Scope, data: IndexCreate, embedding_model: str | None
) -> uuid.UUID | None:
    row = {**data.model_dump(), "user_id": scope.user_id, "embedding_model": embedding_model}
    new = insert(DocIndex).values(tenant_id=scope.tenant_id, **row)
    free = new.on_conflict_do_nothing(index_elements=["tenant_id", "name"])
    return await session.scalar(free.returning(DocIndex.id))


async def lock_index(session: AsyncSession, scope: Scope, index_id: uuid.UUID) -> DocIndex | None:
    """It stays until the transaction ends; others may read and fill it meanwhile."""
    return await session.scalar(
        select(DocIndex)
        .where(DocIndex.tenant_id == scope.tenant_id, DocIndex.id == index_id, _shared_with(scope))
        .with_for_update(read=True, key_share=True)
    )


async def delete_index(session: AsyncSession, scope: Scope, index_id: uuid.UUID) -> str | None:
    """Its name; None if there is nothing to delete."""
    gone = delete(DocIndex).where(
        DocIndex.tenant_id == scope.tenant_id, DocIndex.id == index_id, _shared_with(scope)
    )
    return await session.scalar(gone.returning(DocIndex.name))


async def page_of_documents(
    session: AsyncSession,
    scope: Scope,
    index_id: uuid.UUID,
    after: uuid.UUID | None,
    limit: int,
    *,
    status: DocumentStatus | None,
) -> Sequence[Document]:
    rows = _documents(scope).where(Document.doc_index_id == index_id)
    if after is not None:
        rows = rows.where(Document.id > after)
    if status is not None:
        rows = rows.where(Document.status == status)
    return (await session.scalars(rows.order_by(Document.id).limit(limit))).all()


async def get_document(
    session: AsyncSession, scope: Scope, document_id: uuid.UUID
) -> Document | None:
    return await session.scalar(_documents(scope).where(Document.id == document_id))


async def put_document(
    session: AsyncSession, scope: Scope, index_id: uuid.UUID, row: Mapping[str, object]
) -> tuple[Document, bool]:
    """The document under its source key, and whether its content is new."""
    new = insert(Document).values(
        tenant_id=scope.tenant_id, doc_index_id=index_id, chunks=0, chunks_done=0, **row
    )
    changed = new.on_conflict_do_update(
        index_elements=["tenant_id", "doc_index_id", "source_key"],
        set_={**row, "error": None, "updated_at": func.now()},
        where=Document.content_hash != new.excluded.content_hash,
    )
    document = await session.scalar(changed.returning(Document))
    if document is not None:
        return document, True
    known = _documents(scope).where(Document.doc_index_id == index_id)
    by_key = known.where(Document.source_key == row["source_key"])
    return (await session.scalars(by_key)).one(), False


async def put_file(
    session: AsyncSession, scope: Scope, document_id: uuid.UUID, name: str, content: bytes
) -> None:
    row = {"name": name, "content": content}
    new = insert(File).values(tenant_id=scope.tenant_id, document_id=document_id, **row)
    await session.execute(
        new.on_conflict_do_update(index_elements=["tenant_id", "document_id"], set_=row)
    )


async def delete_document(
    session: AsyncSession, scope: Scope, document_id: uuid.UUID
) -> Document | None:
    """What it was; None if there is nothing to delete."""
    seen = _documents(scope).where(Document.id == document_id).with_only_columns(Document.id)
    gone = delete(Document).where(Document.tenant_id == scope.tenant_id, Document.id.in_(seen))
    return await session.scalar(gone.returning(Document))


async def move(
    session: AsyncSession,
    scope: Scope,
    key: tuple[uuid.UUID, str],
    came_from: Sequence[DocumentStatus],
    values: Mapping[str, object],
) -> Document | None:
    """`key` is its id and content hash. None if it is gone, was replaced, or has moved already."""
    return await session.scalar(
        update(Document)
        .where(Document.tenant_id == scope.tenant_id, Document.id == key[0])
        .where(Document.content_hash == key[1], Document.status.in_(came_from))
        .values(updated_at=func.now(), **values)
        .returning(Document)
    )


async def get_file(
    session: AsyncSession, scope: Scope, document_id: uuid.UUID
) -> tuple[str, bytes]:
    """Its name and content. Every document has one."""
    rows = select(File.name, File.content).where(
        File.tenant_id == scope.tenant_id, File.document_id == document_id
    )
    name, content = (await session.execute(rows)).one()
    return name, content


async def embedding_model(
    session: AsyncSession, scope: Scope, document_id: uuid.UUID
) -> str | None:
    of = and_(DocIndex.tenant_id == Document.tenant_id, DocIndex.id == Document.doc_index_id)
    one = select(DocIndex.embedding_model).join(Document, of)
    return await session.scalar(
        one.where(Document.tenant_id == scope.tenant_id, Document.id == document_id)
    )
