"""Ingestion: may run twice, be killed anywhere, and writes nothing for what is gone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from psycopg.rows import dict_row

from monster.engine import database
from monster.engine.knowledge.jobs import embed_document, parse_document
from monster.engine.knowledge.schemas import EmbedDocument, ParseDocument
from monster.kit.embedded import Embedded
from tests.builders import Tenant
from tests.files import encrypted_pdf, pdf
from tests.knowledge import keeper, make_index, read, search, upload, work

LONG = "\n\n".join(f"# Part {n}\n\nThe {n}th thing that is told here." for n in range(70))


class Absent:
    """An embedder on a machine where there is no model."""

    name = "none"
    dimensions = 384

    async def ready(self) -> bool:
        return False

    def count(self, texts: Sequence[str]) -> list[int]:
        raise AssertionError(texts)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise AssertionError(texts)


class Interrupted:
    """The engine's embedder, until something happens at its n-th batch."""

    def __init__(self, engine: FastAPI, batch: int, happening: Any) -> None:  # noqa: ANN401
        self._inner = engine.state.embedder
        self.name, self.dimensions = self._inner.name, self._inner.dimensions
        self._left, self._happening = batch, happening
        self.texts = 0

    async def ready(self) -> bool:
        return await self._inner.ready()

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._inner.count(texts)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self._left -= 1
        self.texts += len(texts)
        if self._left == 0:
            await self._happening()
        return await self._inner.embed(texts)


def jobs_of(postgres: Embedded, tenant: Tenant) -> list[dict[str, Any]]:
    query = "select * from procrastinate_jobs where args->>'tenant_id' = %s order by id"
    with psycopg.connect(postgres.conninfo(database.NAME)) as connection:
        return connection.cursor(row_factory=dict_row).execute(query, [str(tenant.id)]).fetchall()


def to_parse(postgres: Embedded, tenant: Tenant) -> ParseDocument:
    return ParseDocument.model_validate(jobs_of(postgres, tenant)[-1]["args"])


def to_embed(args: ParseDocument) -> EmbedDocument:
    return EmbedDocument(**args.model_dump())


def passages_of(postgres: Embedded, tenant: Tenant) -> list[tuple[Any, ...]]:
    query = "select id, seq, text, embedding is null from chunk where tenant_id = %s order by seq"
    with psycopg.connect(postgres.conninfo(database.NAME)) as connection:
        return connection.execute(query, [tenant.id]).fetchall()


async def test_jobs_that_run_twice_act_once(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    document = await upload(caller, await make_index(caller))
    args = to_parse(postgres, tenant)
    run = (engine.state.sessions, engine.state.embedder)

    await parse_document(*run, args)
    parsed = passages_of(postgres, tenant)
    await parse_document(*run, args)
    assert passages_of(postgres, tenant) == parsed
    await asyncio.gather(*(embed_document(*run, to_embed(args)) for _ in range(2)))
    done = passages_of(postgres, tenant)
    await parse_document(*run, args)
    await embed_document(*run, to_embed(args))

    assert passages_of(postgres, tenant) == done
    assert [row[:3] for row in done] == [row[:3] for row in parsed]
    assert not any(row[3] for row in done)
    assert (await read(caller, document["id"]))["status"] == "ready"
    assert [job["task_name"] for job in jobs_of(postgres, tenant)] == [
        ParseDocument.name,
        EmbedDocument.name,
    ]


async def test_a_crash_repeats_one_batch(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    document = await upload(caller, await make_index(caller), LONG)
    args = to_parse(postgres, tenant)
    sessions = engine.state.sessions

    async def crash() -> None:
        raise asyncio.CancelledError  # what a worker that is stopped does to its job

    await parse_document(sessions, engine.state.embedder, args)
    with pytest.raises(asyncio.CancelledError):
        await embed_document(sessions, Interrupted(engine, 2, crash), to_embed(args))
    halfway = await read(caller, document["id"])
    assert (halfway["status"], halfway["chunks"], halfway["chunks_done"]) == ("embedding", 70, 32)

    after = Interrupted(engine, 0, crash)
    await embed_document(sessions, after, to_embed(args))
    assert after.texts == 70 - 32
    done = await read(caller, document["id"])
    assert (done["status"], done["chunks_done"]) == ("ready", 70)


@pytest.mark.parametrize("instead", ["deleted", "replaced"])
async def test_what_is_gone_meanwhile_is_left_alone(
    tenant: Tenant, engine: FastAPI, postgres: Embedded, instead: str
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    document = await upload(caller, index, LONG)
    args = to_parse(postgres, tenant)

    async def happening() -> None:
        if instead == "deleted":
            await caller.delete(f"/v1/documents/{document['id']}")
        else:
            await upload(caller, index, "# New\n\nSomething else.")

    sessions = engine.state.sessions
    await parse_document(sessions, engine.state.embedder, args)
    embedder = Interrupted(engine, 2, happening)
    await embed_document(sessions, embedder, to_embed(args))
    await parse_document(sessions, engine.state.embedder, args)  # late, and of no use

    assert embedder.texts == 64  # it stopped there
    if instead == "deleted":
        assert passages_of(postgres, tenant) == []
        return
    assert (await read(caller, document["id"]))["status"] == "queued"
    await work(postgres, engine)
    assert [row[2] for row in passages_of(postgres, tenant)] == ["# New\n\nSomething else."]
    assert (await read(caller, document["id"]))["status"] == "ready"


async def test_without_a_model_words_are_compared(
    tenant: Tenant, engine: FastAPI, postgres: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine.state._state, "embedder", Absent())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    caller = keeper(tenant)
    index = await make_index(caller)
    await upload(caller, index)
    await work(postgres, engine)

    shown = (await caller.get(f"/v1/indexes/{index}")).json()
    assert (shown["index_type"], shown["embedding_model"], shown["ready"]) == ("keyword", None, 1)
    url = f"/v1/indexes/{index}/search"
    found = (await caller.post(url, json={"query": "paid leave for employees"})).json()
    assert found["semantic"] is False
    assert found["passages"][0]["place"] == "Holidays"
    assert found["passages"][0]["found_by"] == ["keyword"]
    assert found["passages"][0]["score"] == 1


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"%PDF-1.4 rubbish", "a.pdf", "damaged"),
        (encrypted_pdf(), "a.pdf", "password"),
        (b" \n ", "blank.txt", "empty"),
        (bytes(100), "nulls.txt", "cannot be read"),
        (b"text", "a.docx", "called .docx"),
    ],
)
async def test_failures_are_sentences(
    tenant: Tenant, engine: FastAPI, postgres: Embedded, content: bytes, name: str, sentence: str
) -> None:
    caller = keeper(tenant)
    document = await upload(caller, await make_index(caller), content, name)
    await work(postgres, engine)

    failed = await read(caller, document["id"])
    assert (failed["status"], failed["chunks"]) == ("failed", 0)
    assert sentence in failed["error"]
    assert [job["status"] for job in jobs_of(postgres, tenant)] == ["succeeded"]


async def test_new_content_that_cannot_be_read_takes_the_old_away(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    document = await upload(caller, index)
    await work(postgres, engine)
    await upload(caller, index, b"\0\0", "guide.md")
    await work(postgres, engine)

    assert (await read(caller, document["id"]))["status"] == "failed"
    assert await search(caller, index, "leave") == []


async def test_a_page_is_a_place(tenant: Tenant, engine: FastAPI, postgres: Embedded) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    await upload(caller, index, pdf("Apples", "Pears"), "fruit.pdf")
    await work(postgres, engine)
    document = (await caller.get(f"/v1/indexes/{index}/documents")).json()[0]
    assert (document["title"], document["mime_type"]) == ("fruit", "application/pdf")
    assert (await search(caller, index, "pears"))[0]["place"].startswith("page ")
