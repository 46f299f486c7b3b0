"""How well search finds, on a public collection: `python -m bench.retrieval [FOLDER]`.

FOLDER holds texts (*.md) and questions.csv: question, references (JSON: spans of a text that
answer it), corpus_id (the text). All texts go into one index through ingestion, each question
through search. hit@5: one of the first five passages touches a span that answers. recall@5: the
share of the answering characters that they cover.
"""

import asyncio
import csv
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from monster.contracts.knowledge import IndexCreate
from monster.contracts.tokens import Permission
from monster.engine import database
from monster.engine.access.scope import Scope
from monster.engine.embedding.minilm import MiniLM
from monster.engine.knowledge import service
from monster.engine.knowledge.schemas import Question, Upload, UploadFields
from monster.engine.worker import create_worker
from monster.kit import db, embedded, tenancy
from monster.kit.db import SessionMaker
from monster.kit.ids import new_id

logger = logging.getLogger("bench")

FOLDER = Path("data/retrieval")
TOP = 5
SCOPE = Scope(
    new_id(),
    "bench",
    frozenset({Permission.KNOWLEDGE_READ, Permission.KNOWLEDGE_WRITE}),
    new_id(),
)
SPANS = text("select id, starts_at, ends_at from chunk where tenant_id = :tenant")


@dataclass(frozen=True)
class Case:
    question: str
    corpus: str
    answers: list[set[int]]  # characters of the text


def cases(folder: Path) -> Iterator[Case]:
    with (folder / "questions.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            spans = json.loads(row["references"])
            answers = [set(range(span["start_index"], span["end_index"])) for span in spans]
            yield Case(row["question"], row["corpus_id"], answers)


def texts(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.md") if file.stem != "README")


async def ingest(sessions: SessionMaker, conninfo: str, embedder: MiniLM, folder: Path) -> UUID:
    async with tenancy.transaction(sessions, SCOPE.tenant_id) as session:
        index = await service.create_index(session, SCOPE, IndexCreate(name="bench"), embedder.name)
        for file in texts(folder):
            upload = Upload(file.name, file.read_bytes(), UploadFields(source_key=file.stem))
            await service.upload(session, SCOPE, index.id, upload)
    worker = create_worker(conninfo, sessions, embedder)
    async with worker.open_async():
        await worker.run_worker_async(wait=False, install_signal_handlers=False)
    return index.id


async def measure(
    sessions: SessionMaker, index: UUID, asked: Sequence[tuple[Case, Question]]
) -> tuple[float, float, float]:
    """hit@5, recall@5, milliseconds a search (of 95 % of them, at most)."""
    hits, recall, took = 0, 0.0, list[float]()
    async with tenancy.transaction(sessions, SCOPE.tenant_id) as session:
        rows = await session.execute(SPANS, {"tenant": SCOPE.tenant_id})
        spans = {row.id: set(range(row.starts_at, row.ends_at)) for row in rows}
    for case, question in asked:
        began = time.perf_counter()
        async with tenancy.transaction(sessions, SCOPE.tenant_id) as session:
            found = await service.search_for_agent(session, SCOPE, [index], question)
        took.append((time.perf_counter() - began) * 1000)
        shown = [spans[one.chunk_id] for one in found if one.title.startswith(case.corpus)]
        covered = set[int]().union(*shown)
        right = set[int]().union(*case.answers)
        hits += bool(covered & right)
        recall += len(covered & right) / len(right)
    return hits / len(asked), recall / len(asked), sorted(took)[int(len(took) * 0.95)]


async def run(folder: Path, server: embedded.Embedded, data_dir: Path) -> None:
    engine = db.make_engine(server.url(database.NAME, database.ROLE))
    sessions = db.make_sessions(engine)
    embedder = MiniLM(data_dir, "https://huggingface.co")
    began = time.perf_counter()
    conninfo = server.conninfo(database.NAME, database.ROLE)
    index = await ingest(sessions, conninfo, embedder, folder)
    logger.info("ingested in %.1f s", time.perf_counter() - began)
    collection = list(cases(folder))
    vectors = await embedder.embed([case.question for case in collection])
    kinds = {
        "keyword": [Question(case.question, TOP) for case in collection],
        "vector": [Question("", TOP, vector, embedder.name) for vector in vectors],
        "hybrid": [
            Question(case.question, TOP, vector, embedder.name)
            for case, vector in zip(collection, vectors, strict=True)
        ],
    }
    logger.info("%-8s %6s %9s %12s", "", "hit@5", "recall@5", "p95 ms")
    for kind, questions in kinds.items():
        found = await measure(sessions, index, list(zip(collection, questions, strict=True)))
        logger.info("%-8s %6.3f %9.3f %12.1f", kind, *found)
    await engine.dispose()


def main(folder: Path) -> None:
    logging.basicConfig(format="%(message)s")
    logger.setLevel(logging.INFO)
    if not (folder / "questions.csv").is_file():
        logger.info("skipped: there is no collection in %s", folder)
        return
    with tempfile.TemporaryDirectory(prefix="monster-") as name:
        Path(name).chmod(0o755)  # the server may run as another user, see kit/embedded.py
        server = embedded.start(Path(name) / "pg", {database.NAME: database.MIGRATIONS})
        try:
            asyncio.run(run(folder, server, Path(name) / "data"))
        finally:
            server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
