"""Background work on documents. Every handler may run twice and must not act twice.

No transaction is open while a file is parsed or passages are embedded.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.embedding.protocol import Embedder
from monster.engine.knowledge import ingestion
from monster.engine.knowledge.schemas import (
    EmbedDocument,
    NewChunk,
    Parsed,
    ParseDocument,
    Unembedded,
)
from monster.engine.parsing.chunk import Count, Passage, approximate, chunk
from monster.engine.parsing.errors import ParseError
from monster.engine.parsing.extract import Extracted, extract
from monster.kit import tenancy
from monster.kit.db import SessionMaker

logger = logging.getLogger(__name__)

# Of a passage's text; with the title and heading before it, the model (256) still reads it whole.
_LIMIT = 200
_CONTEXT = 160  # characters of title and headings that are searched with a passage
_UNDER = " \u203a "  # between a heading and the one below it
_PLACE = 300  # characters of headings that are shown beside it


async def parse_document(sessions: SessionMaker, embedder: Embedder, args: ParseDocument) -> None:
    await _or_fail(sessions, args, lambda: _parse(sessions, embedder, args))


async def embed_document(sessions: SessionMaker, embedder: Embedder, args: EmbedDocument) -> None:
    await _or_fail(sessions, args, lambda: _embed(sessions, embedder, args))


def _scope(args: ParseDocument | EmbedDocument) -> Scope:
    return Scope(args.tenant_id, "worker", frozenset({Permission.KNOWLEDGE_WRITE}))


async def _or_fail(
    sessions: SessionMaker,
    args: ParseDocument | EmbedDocument,
    work: Callable[[], Awaitable[None]],
) -> None:
    """Whoever waits for the document is told, also of what is our own fault."""
    try:
        await work()
    except ingestion.TRANSIENT:
        raise
    except ParseError as error:
        sentence = f"The file was not read: {error}."
    except Exception:  # a bug, or foreign code that met foreign bytes
        logger.exception("document %s", args.document_id)
        sentence = "Something went wrong on our side; the log of the worker says more."
    else:
        return
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        await ingestion.fail(session, _scope(args), args, sentence)


async def _parse(sessions: SessionMaker, embedder: Embedder, args: ParseDocument) -> None:
    scope = _scope(args)
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        file = await ingestion.begin_parsing(session, scope, args)
    if file is None:
        return  # deleted or replaced since, or done by another worker
    count = embedder.count if await embedder.ready() else approximate
    parsed = await asyncio.to_thread(_read, file.content, file.name, file.title, count)
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        await ingestion.end_parsing(session, scope, args, parsed)


def _read(content: bytes, name: str, title: str, count: Count) -> Parsed:
    extracted = extract(content, name)
    if title == name:  # nobody gave a better one
        title = extracted.title
    return Parsed(title, extracted.mime_type, _chunks(extracted, title, count))


def _chunks(extracted: Extracted, title: str, count: Count) -> list[NewChunk]:
    passages = chunk(extracted.text, count, _LIMIT, extracted.pages)
    return [_new_chunk(passage, title) for passage in passages]


def _new_chunk(passage: Passage, title: str) -> NewChunk:
    below = _below(title, passage.headings)
    return NewChunk(
        passage.seq,
        passage.text,
        _UNDER.join(below)[:_PLACE],
        " > ".join((title, *below))[-_CONTEXT:],
        passage.page,
        passage.start,
        passage.end,
    )


def _below(title: str, headings: tuple[str, ...]) -> tuple[str, ...]:
    """The title stands beside a passage's place everywhere; as a heading it says nothing more."""
    repeated = bool(headings) and _folded(headings[0]) == _folded(title)
    return headings[1:] if repeated else headings


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


async def _embed(sessions: SessionMaker, embedder: Embedder, args: EmbedDocument) -> None:
    scope = _scope(args)
    model = embedder.name if await embedder.ready() else None
    while batch := await _next(sessions, scope, args, model):
        texts = [f"{one.context}\n{one.text}" for one in batch]
        vectors = await embedder.embed(texts)
        found = {one.id: vector for one, vector in zip(batch, vectors, strict=True)}
        async with tenancy.transaction(sessions, args.tenant_id) as session:
            if not await ingestion.store_vectors(session, scope, args, found):
                return
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        await ingestion.finish(session, scope, args)


async def _next(
    sessions: SessionMaker, scope: Scope, args: EmbedDocument, model: str | None
) -> list[Unembedded]:
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        return await ingestion.next_to_embed(session, scope, args, model)
