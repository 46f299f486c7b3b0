"""What waits for the person who looks: calls to approve or deny, all in one place."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.approvals import service
from monster.dashboard.approvals.schemas import AnswerForm
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb

router = APIRouter(prefix="/approvals", tags=["pages"], default_response_class=HTMLResponse)

_SAID = {
    "approve": "Approved.",
    "deny": "Denied. The agent is told.",
    "confirm": "The agent is told that it has acted.",
    "resume": "It goes on.",
}


@router.get("")
async def list_waiting(
    request: Request, scope: CurrentScope, engine: CurrentEngine, before: uuid.UUID | None = None
) -> Response:
    found = await service.waiting(engine, scope.caller, scope.shell.csrf, before)
    return pages.page(
        request,
        scope.shell,
        "approvals",
        section="approvals",
        crumbs=[Crumb("Approvals")],
        waiting=found,
        older=found[-1].run.run_id if len(found) == service.PAGE else None,
    )


@router.post("/runs/{run_id}/answers")
async def answer(
    request: Request,
    scope: CurrentScope,
    engine: CurrentEngine,
    run_id: uuid.UUID,
    data: Annotated[AnswerForm, Form()],
) -> Response:
    await service.answer(engine, scope.caller, run_id, data)
    return pages.go(request, "/approvals", _SAID[data.decision])
