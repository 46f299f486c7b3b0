"""Composition root of the engine's background work: knows every job."""

from functools import partial

import procrastinate

from monster.engine.embedding.protocol import Embedder
from monster.engine.knowledge import ingestion
from monster.engine.knowledge import jobs as knowledge
from monster.engine.knowledge.schemas import EmbedDocument, ParseDocument
from monster.kit import jobs
from monster.kit.db import SessionMaker

_PATIENCE = procrastinate.RetryStrategy(
    max_attempts=8, exponential_wait=3, retry_exceptions=ingestion.TRANSIENT
)


def create_worker(conninfo: str, sessions: SessionMaker, embedder: Embedder) -> procrastinate.App:
    worker = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1)
    )
    parse = partial(knowledge.parse_document, sessions, embedder)
    jobs.register(worker, ParseDocument, parse, retry=_PATIENCE)
    embed = partial(knowledge.embed_document, sessions, embedder)
    jobs.register(worker, EmbedDocument, embed, retry=_PATIENCE)
    return worker
