"""Composition root of the engine's background work: knows every job."""

from functools import partial

import procrastinate

from monster.engine.composition import assemble
from monster.engine.embedding.protocol import Embedder
from monster.engine.knowledge import ingestion
from monster.engine.knowledge import jobs as knowledge
from monster.engine.knowledge.schemas import EmbedDocument, ParseDocument
from monster.engine.settings import Settings
from monster.kit import db, jobs
from monster.kit.db import SessionMaker
from monster.kit.pool import conninfo

_AT_ONCE = 4  # documents; the embedding model itself takes turns

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


async def work(settings: Settings) -> None:
    """Take jobs, and runs that lost their engine, until cancelled."""
    url = settings.database_url.get_secret_value()
    database = db.make_engine(url, settings.database_pool_size)
    sessions = db.make_sessions(database)
    parts = assemble(settings, sessions)
    try:
        async with parts.opened():
            worker = create_worker(conninfo(url), sessions, parts.embedder)
            await jobs.work(worker, "engine", _AT_ONCE)
    finally:
        await database.dispose()
