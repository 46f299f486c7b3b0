"""The screen that lists the files of a conversation."""

import uuid

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.files import service
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope
from monster.dashboard.transcript import attached
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb

router = APIRouter(
    prefix="/conversations/{conversation_id}/files",
    tags=["pages"],
    default_response_class=HTMLResponse,
)


@router.get("")
async def list_files(
    request: Request, scope: CurrentScope, engine: CurrentEngine, conversation_id: uuid.UUID
) -> Response:
    found = await service.held(engine, scope.caller, conversation_id)
    talk = f"/conversations/{conversation_id}"
    return pages.page(
        request,
        scope.shell,
        "conversation_files",
        section="chat",
        crumbs=[Crumb("Chat", "/chat"), Crumb(found.title, talk), Crumb("Files")],
        talk=talk,
        title=found.title,
        files=[(file, attached.chip(file)) for file in reversed(found.files)],
    )


@router.post("/{file_id}/delete")
async def delete_file(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    conversation_id: uuid.UUID,
    file_id: uuid.UUID,
) -> Response:
    file = await service.delete(engine, scope.caller, conversation_id, file_id)
    return pages.go(request, f"/conversations/{conversation_id}/files", f"{file.name} is deleted.")
