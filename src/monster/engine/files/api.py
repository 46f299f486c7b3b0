"""Endpoints about the files of conversations."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.exceptions import HTTPException

from monster.contracts.files import FileOut
from monster.engine.access.scope import CurrentScope, Transaction, transaction
from monster.engine.files import service
from monster.kit.headers import attachment
from monster.kit.limits import takes_files

router = APIRouter(tags=["files"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
# Without one it is an empty file.
_BODY: dict[str, Any] = {"requestBody": {"content": {"application/octet-stream": _BINARY}}}
_CONTENT: dict[int | str, dict[str, Any]] = {200: {"content": {"*/*": _BINARY}}}


@router.get("/conversations/{conversation_id}/files")
async def list_files(
    conversation_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> list[FileOut]:
    """What people attached and tools made, oldest first."""
    return await service.page(session, scope, conversation_id)


@router.put("/conversations/{conversation_id}/files/{name}", openapi_extra=_BODY)
@takes_files
async def attach_file(
    conversation_id: uuid.UUID,
    name: Annotated[str, Path(max_length=200)],
    request: Request,
    scope: CurrentScope,
) -> FileOut:
    """The body is the content. Takes the place of the file that has this name."""
    content = await request.body()
    if len(content) > request.app.state.upload_limit:
        raise HTTPException(413, "the file is too large")
    async with transaction(request, scope) as session:
        return await service.attach(session, scope, conversation_id, name, content)


@router.get("/files/{file_id}", responses=_CONTENT, response_class=Response, status_code=200)
async def read_file(file_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> Response:
    """Its content, for saving: a browser does not open it."""
    file, content = await service.get(session, scope, file_id)
    headers = {"Content-Disposition": attachment(file.name), "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=file.mime_type, headers=headers)


@router.delete("/files/{file_id}", status_code=204)
async def delete_file(file_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> None:
    await service.delete(session, scope, file_id)
