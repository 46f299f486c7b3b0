"""The screen that tells platform admins how the platform is."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.identity.scope import CurrentEngine, CurrentPerson
from monster.dashboard.system import service
from monster.dashboard.system.schemas import Service
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb

router = APIRouter(prefix="/admin/system", tags=["pages"], default_response_class=HTMLResponse)

JobId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("")
async def show_system(request: Request, person: CurrentPerson, engine: CurrentEngine) -> Response:
    return pages.page(
        request,
        person.shell,
        "admin_system",
        section="admin",
        crumbs=[Crumb("Platform", "/admin"), Crumb("System")],
        system=await service.look(request.app.state.sessions, engine, person),
    )


@router.post("/jobs/{of}/{job_id}/retry")
async def retry_job(
    request: Request, of: Service, job_id: JobId, person: CurrentPerson, engine: CurrentEngine
) -> Response:
    name = await service.retry(request.app.state.sessions, engine, person, of, job_id)
    return pages.go(request, "/admin/system", f"{name} is tried again.")
