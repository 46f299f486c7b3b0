"""What the screens about knowledge ask of the engine."""

import uuid
from collections.abc import Sequence
from typing import BinaryIO

from pydantic import TypeAdapter

from monster.contracts.knowledge import DocumentOut, IndexOut, SearchOut
from monster.dashboard.engine_client import Caller, HttpEngine
from monster.dashboard.knowledge.schemas import DocumentPage, IndexForm, Search, hit

PAGE = 25

_INDEXES = TypeAdapter(list[IndexOut])
_DOCUMENTS = TypeAdapter(list[DocumentOut])


async def indexes(engine: HttpEngine, caller: Caller) -> Sequence[IndexOut]:
    return _INDEXES.validate_python(await engine.call(caller, "GET", "/v1/indexes"))


async def index(engine: HttpEngine, caller: Caller, index_id: uuid.UUID) -> IndexOut:
    return IndexOut.model_validate(await engine.call(caller, "GET", f"/v1/indexes/{index_id}"))


async def create(engine: HttpEngine, caller: Caller, form: IndexForm) -> IndexOut:
    answer = await engine.call(caller, "POST", "/v1/indexes", json=form.model_dump())
    return IndexOut.model_validate(answer)


async def delete(engine: HttpEngine, caller: Caller, index_id: uuid.UUID) -> None:
    await engine.call(caller, "DELETE", f"/v1/indexes/{index_id}")


async def documents(
    engine: HttpEngine, caller: Caller, index_id: uuid.UUID, after: uuid.UUID | None
) -> DocumentPage:
    """One more than is shown is asked for: it tells whether there is a next page."""
    limit = {"limit": PAGE + 1} | ({"after": str(after)} if after else {})
    path = f"/v1/indexes/{index_id}/documents"
    found = _DOCUMENTS.validate_python(await engine.call(caller, "GET", path, params=limit))
    shown = found[:PAGE]
    return DocumentPage(shown, after, shown[-1].id if len(found) > PAGE else None)


async def add(
    engine: HttpEngine, caller: Caller, index_id: uuid.UUID, name: str, file: BinaryIO
) -> None:
    """A file of the same name replaces what was there."""
    await engine.call(
        caller,
        "POST",
        f"/v1/indexes/{index_id}/documents",
        files={"file": (name, file)},
        data={"source_key": name},
    )


async def retry(engine: HttpEngine, caller: Caller, document_id: uuid.UUID) -> None:
    await engine.call(caller, "POST", f"/v1/documents/{document_id}/retry")


async def remove(engine: HttpEngine, caller: Caller, document_id: uuid.UUID) -> None:
    await engine.call(caller, "DELETE", f"/v1/documents/{document_id}")


async def search(engine: HttpEngine, caller: Caller, index_id: uuid.UUID, query: str) -> Search:
    path = f"/v1/indexes/{index_id}/search"
    answer = await engine.call(caller, "POST", path, json={"query": query})
    found = SearchOut.model_validate(answer)
    return Search(query, [hit(passage, query) for passage in found.passages], found.semantic)
