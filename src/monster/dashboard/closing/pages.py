"""The end of a workspace, by its owner. The page with the button is that of its settings."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.closing import service
from monster.dashboard.closing.errors import NameDiffers
from monster.dashboard.identity.scope import COOKIE, CurrentScope, Transaction
from monster.dashboard.permissions import Can
from monster.dashboard.web import forms, pages

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)


@router.post("/settings/workspace/delete")
async def delete_workspace(request: Request, scope: CurrentScope, session: Transaction) -> Response:
    """`word` (or `name`) is what was typed: the name of the workspace."""
    scope.require(Can.DELETE)
    typed = await forms.fields(request)
    if typed.get("word", typed.get("name", "")).strip() != scope.shell.tenant_name:
        raise NameDiffers("what you typed is not the name of this workspace", field="name")
    name = await service.delete_tenant(session, scope)
    answer = pages.go(request, "/sign-in", f"{name} is deleted, with everything in it.")
    answer.delete_cookie(COOKIE, secure=request.url.scheme == "https", httponly=True)
    return answer
