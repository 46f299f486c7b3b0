"""JSON endpoints about indexes, documents and passages."""

import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from monster.contracts.knowledge import (
    DocumentOut,
    DocumentStatus,
    IndexCreate,
    IndexOut,
    PassageInPlaceOut,
    SearchOut,
    SearchQuery,
)
from monster.contracts.tokens import Permission
from monster.engine.access.scope import CurrentScope, Transaction
from monster.engine.embedding.protocol import Embedder
from monster.engine.knowledge import service
from monster.engine.knowledge.errors import TooLarge
from monster.engine.knowledge.models import Document
from monster.engine.knowledge.schemas import Question, Upload, UploadFields
from monster.kit.errors import Invalid
from monster.kit.limits import takes_files

router = APIRouter(tags=["knowledge"])

After: TypeAlias = Annotated[uuid.UUID | None, Query()]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=200)]

_FIELD = 64 * 1024  # bytes of one field beside the file
_FILE = {"type": "string", "format": "binary"}
_FIELDS: dict[str, dict[str, Any]] = UploadFields.model_json_schema()["properties"]
_TEXTS = {name: part.get("anyOf", [part])[0] for name, part in _FIELDS.items()}
_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {"file": _FILE, **_TEXTS},
}
_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _SCHEMA}}}}


def _embedder(request: Request) -> Embedder:
    return request.app.state.embedder


# The next three stand *before* the transaction among an endpoint's parameters: what they wait
# for (a model, a slow upload) must not hold a database connection.
async def _model(request: Request, scope: CurrentScope) -> str | None:
    scope.require(Permission.KNOWLEDGE_WRITE)
    embedder = _embedder(request)
    return embedder.name if await embedder.ready() else None


async def _question(request: Request, scope: CurrentScope, data: SearchQuery) -> Question:
    scope.require(Permission.KNOWLEDGE_READ)
    return await service.ask(_embedder(request), data.query, data.limit)


async def _upload(request: Request, scope: CurrentScope) -> Upload:
    scope.require(Permission.KNOWLEDGE_WRITE)
    limit: int = request.app.state.upload_limit
    try:
        form = await _parser(request).parse()
    except MultiPartException as error:
        raise Invalid(error.message, field="file") from error
    try:
        return await _read(form, limit)
    finally:
        await form.close()


async def _read(form: FormData, limit: int) -> Upload:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid("a file is required", field="file")
    if (file.size or 0) > limit:
        raise _too_large(limit)
    content = await file.read()
    if not content:
        raise Invalid("the file is empty", field="file")
    name = PurePosixPath((file.filename or "").replace("\\", "/")).name
    given = {key: value for key, value in form.multi_items() if key != "file" and value != ""}
    return Upload(name, content, _fields({"source_key": name, **given}))


Model: TypeAlias = Annotated[str | None, Depends(_model)]
Asked: TypeAlias = Annotated[Question, Depends(_question)]
Uploaded: TypeAlias = Annotated[Upload, Depends(_upload)]


@router.get("/indexes")
async def list_indexes(
    session: Transaction, scope: CurrentScope, after: After = None, limit: Limit = 50
) -> list[IndexOut]:
    return await service.page_of_indexes(session, scope, after, limit)


@router.post("/indexes", status_code=201)
async def create_index(
    data: IndexCreate, model: Model, session: Transaction, scope: CurrentScope
) -> IndexOut:
    return await service.create_index(session, scope, data, model)


@router.get("/indexes/{index_id}")
async def get_index(index_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> IndexOut:
    return await service.get_index(session, scope, index_id)


@router.delete("/indexes/{index_id}", status_code=204)
async def delete_index(index_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> None:
    await service.delete_index(session, scope, index_id)


@router.get("/indexes/{index_id}/documents", response_model=list[DocumentOut])
async def list_documents(
    index_id: uuid.UUID,
    session: Transaction,
    scope: CurrentScope,
    after: After = None,
    limit: Limit = 50,
    status: DocumentStatus | None = None,
) -> Sequence[Document]:
    return await service.page_of_documents(session, scope, index_id, after, limit, status=status)


@router.post(
    "/indexes/{index_id}/documents",
    response_model=DocumentOut,
    status_code=201,
    openapi_extra=_BODY,
)
@takes_files
async def upload_document(
    index_id: uuid.UUID, uploaded: Uploaded, session: Transaction, scope: CurrentScope
) -> Document:
    return await service.upload(session, scope, index_id, uploaded)


@router.post("/indexes/{index_id}/search")
async def search(
    index_id: uuid.UUID, question: Asked, session: Transaction, scope: CurrentScope
) -> SearchOut:
    return await service.search(session, scope, index_id, question)


@router.get("/documents/{document_id}", response_model=DocumentOut)
async def get_document(
    document_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> Document:
    return await service.get_document(session, scope, document_id)


@router.delete("/documents/{document_id}", status_code=204)
async def delete_document(
    document_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> None:
    await service.delete_document(session, scope, document_id)


@router.post("/documents/{document_id}/retry", response_model=DocumentOut)
async def retry_document(
    document_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> Document:
    return await service.retry(session, scope, document_id)


@router.get("/passages/{chunk_id}")
async def get_passage(
    chunk_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> PassageInPlaceOut:
    return await service.passage(session, scope, chunk_id)


def _parser(request: Request) -> MultiPartParser:
    """Starlette's own, which keeps what is over 1 MiB on disk; `BodyLimit` ends what is endless."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Invalid("a form (multipart/form-data) with a file is required", field="file")
    return MultiPartParser(
        request.headers, request.stream(), max_files=1, max_fields=3, max_part_size=_FIELD
    )


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"a file may have {limit / 2**20:.0f} MiB at most", field="file")


def _fields(given: dict[str, Any]) -> UploadFields:
    try:
        return UploadFields.model_validate(given)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error
