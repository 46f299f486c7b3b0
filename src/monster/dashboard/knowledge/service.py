"""What the screens about knowledge ask of the engine."""

import uuid
from typing import BinaryIO, TypeVar

from pydantic import TypeAdapter

from monster.contracts.knowledge import DocumentOut, IndexOut, SearchOut
from monster.dashboard.engine_client import Caller, HttpEngine
from monster.dashboard.knowledge.schemas import IndexForm, Page, Search, hit
from monster.kit.errors import NotFound

PAGE = 25

Row = TypeVar("Row", IndexOut, DocumentOut)

_INDEXES = TypeAdapter(list[IndexOut])
_DOCUMENTS = TypeAdapter(list[DocumentOut])


async def indexes(engine: HttpEngine, caller: Caller, after: uuid.UUID | None) -> Page[IndexOut]:
    found = await _list(engine, caller, "/v1/indexes", after)
    return _page(_INDEXES.validate_python(found), after)


async def index(engine: HttpEngine, caller: Caller, index_id: uuid.UUID) -> IndexOut:
    return IndexOut.model_validate(await engine.call(caller, "GET", f"/v1/indexes/{index_id}"))


async def create(engine: HttpEngine, caller: Caller, form: IndexForm) -> IndexOut:
    answer = await engine.call(caller, "POST", "/v1/indexes", json=form.model_dump())
    return IndexOut.model_validate(answer)


async def delete(engine: HttpEngine, caller: Caller, index_id: uuid.UUID) -> None:
    await engine.call(caller, "DELETE", f"/v1/indexes/{index_id}")


async def documents(
    engine: HttpEngine, caller: Caller, index_id: uuid.UUID, after: uuid.UUID | None
) -> Page[DocumentOut]:
    found = await _list(engine, caller, f"/v1/indexes/{index_id}/documents", after)
    return _page(_DOCUMENTS.validate_python(found), after)


async def _list(engine: HttpEngine, caller: Caller, path: str, after: uuid.UUID | None) -> object:
    """One more than is shown: it tells whether there is a next page."""
    params = {"limit": str(PAGE + 1)} | ({"after": str(after)} if after else {})
    return await engine.call(caller, "GET", path, params=params)


def _page(found: list[Row], after: uuid.UUID | None) -> Page[Row]:
    shown = found[:PAGE]
    return Page(shown, after, shown[-1].id if len(found) > PAGE else None)


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


async def retry(
    engine: HttpEngine, caller: Caller, index_id: uuid.UUID, document_id: uuid.UUID
) -> None:
    await _look_into(engine, caller, index_id, document_id)
    await engine.call(caller, "POST", f"/v1/documents/{document_id}/retry")


async def remove(
    engine: HttpEngine, caller: Caller, index_id: uuid.UUID, document_id: uuid.UUID
) -> None:
    await _look_into(engine, caller, index_id, document_id)
    await engine.call(caller, "DELETE", f"/v1/documents/{document_id}")


async def _look_into(
    engine: HttpEngine, caller: Caller, index_id: uuid.UUID, document_id: uuid.UUID
) -> None:
    """Raises NotFound if the document is not in this index: an address that is half wrong."""
    found = await engine.call(caller, "GET", f"/v1/documents/{document_id}")
    if DocumentOut.model_validate(found).index_id != index_id:
        raise NotFound(f"no document {document_id} in index {index_id}")


async def search(engine: HttpEngine, caller: Caller, index_id: uuid.UUID, query: str) -> Search:
    path = f"/v1/indexes/{index_id}/search"
    answer = await engine.call(caller, "POST", path, json={"query": query})
    found = SearchOut.model_validate(answer)
    return Search(query, [hit(passage, query) for passage in found.passages], found.semantic)
