"""Screens about the audit log: who did what, from where, and whether the log is whole."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.audit import schemas
from monster.dashboard.audit.schemas import AuditEntryOut, BothChecked, View
from monster.dashboard.audit.scope import BothLogs
from monster.dashboard.audit.service import Logs
from monster.dashboard.engine_client import EngineUnavailable
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb

router = APIRouter(prefix="/audit", tags=["pages"], default_response_class=HTMLResponse)

_PAGE = 50
_CRUMB = Crumb("Audit log", "/audit")


@router.get("")
async def list_audit(request: Request, logs: BothLogs, view: Annotated[View, Query()]) -> Response:
    shown = await _shown(logs, view)
    if pages.is_partial(request):
        return pages.fragment(request, logs.scope.shell, "audit_rows", status=200, **shown)
    return await _page(request, logs, Crumb("Audit log"), {**shown, **_verified(None)})


@router.get("/verify")
async def verify_audit(request: Request, logs: BothLogs) -> Response:
    """What htmx puts above the list; for browsers without scripts, the page with it."""
    checked = await logs.verify()
    if pages.is_partial(request):
        shell = logs.scope.shell
        return pages.fragment(request, shell, "audit_verified", status=200, **_verified(checked))
    shown = await _shown(logs, View())
    return await _page(request, logs, Crumb("Verify"), {**shown, **_verified(checked)})


async def _page(request: Request, logs: Logs, at: Crumb, shown: dict[str, object]) -> Response:
    return pages.page(
        request,
        logs.scope.shell,
        "audit",
        section="audit",
        crumbs=[at] if at.label == _CRUMB.label else [_CRUMB, at],
        status=200,
        choices=await logs.choices(),
        actions=schemas.ACTIONS,
        kinds=schemas.kind_options,
        **shown,
    )


def _verified(checked: BothChecked | None) -> dict[str, object]:
    return {"checked": checked, "broken": schemas.break_lines}


async def _shown(logs: Logs, view: View) -> dict[str, object]:
    """Without the engine, what the dashboard itself knows."""
    wanted = view.wanted(_PAGE + 1)
    try:
        found, silent = await logs.page(wanted), False
    except EngineUnavailable:
        own = wanted.model_copy(update={"service": "dashboard"})
        found, silent = [] if view.service == "engine" else await logs.page(own), True
    return {"view": view, "silent": silent, **_place(view, found)}


def _place(view: View, found: list[AuditEntryOut]) -> dict[str, object]:
    """One row more was read than is shown: it tells whether the list goes on."""
    back, more = view.before is not None and view.after is None, len(found) > _PAGE
    shown = found[-_PAGE:] if back else found[:_PAGE]
    newer = more if back else view.after is not None
    older = back or more
    return {
        "log": [schemas.line(entry) for entry in shown],
        "newer": shown[0].id if shown and newer else "",
        "older": shown[-1].id if shown and older else "",
    }
