"""What the chat page sends and fetches: files to attach, files to save, pictures."""

import uuid
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import StreamingResponse

from monster.dashboard.agents import service as agents
from monster.dashboard.files import service
from monster.dashboard.files.errors import NoFile
from monster.dashboard.files.schemas import Attached, Place, Sent
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope
from monster.dashboard.transcript import attached
from monster.kit import tenancy
from monster.kit.headers import attachment
from monster.kit.limits import takes_files

router = APIRouter(tags=["chat"])

# Of whatever it is, nothing runs and nothing is fetched, should somebody open it in a tab.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def _sent(
    file: Annotated[UploadFile | None, File()] = None,
    conversation_id: Annotated[uuid.UUID | None, Form()] = None,
    message: Annotated[str, Form()] = "",
) -> Sent:
    return Sent(file, conversation_id, message)


@router.post("/chat/{agent_id}/files")
@takes_files
async def attach_file(
    agent_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    sent: Annotated[Sent, Depends(_sent)],
) -> Attached:
    """Before the message that it goes with."""
    file = sent.file
    if file is None or not file.filename:
        raise NoFile("choose a file", field="files")
    async with tenancy.transaction(request.app.state.sessions, scope.tenant_id) as session:
        await agents.get(session, scope, agent_id)
    service.check([file], request.app.state.upload_limit)
    place = Place(agent_id, sent.conversation_id, sent.message or file.filename)
    return Attached.model_validate(await service.bring(engine, scope.caller, place, file))


@router.get(
    "/conversations/{conversation_id}/files/{file_id}",
    response_class=StreamingResponse,
    status_code=200,
)
async def read_file(
    conversation_id: uuid.UUID, file_id: uuid.UUID, scope: CurrentScope, engine: CurrentEngine
) -> StreamingResponse:
    """Always for saving. `<img>` shows it all the same, if it is a picture."""
    file = await service.get(engine, scope.caller, conversation_id, file_id)
    pieces = service.content(engine, scope.caller, file_id)
    first = await anext(pieces, b"")  # what is wrong is raised here, while there is a status
    headers = {
        "Content-Disposition": attachment(file.name),
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    media_type = attached.picture(file) or "application/octet-stream"
    return StreamingResponse(_all(first, pieces), media_type=media_type, headers=headers)


async def _all(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in pieces:
        yield piece
