"""JSON endpoints about the platform itself, for platform admins."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from monster.dashboard.identity.scope import CurrentEngine, CurrentPerson
from monster.dashboard.system import service
from monster.dashboard.system.schemas import RetriedJob, Service, SystemOut

router = APIRouter(prefix="/admin/system", tags=["admin"])

JobId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("")
async def get_system(request: Request, person: CurrentPerson, engine: CurrentEngine) -> SystemOut:
    return await service.look(request.app.state.sessions, engine, person)


@router.post("/jobs/{of}/{job_id}/retry")
async def retry_job(
    of: Service, job_id: JobId, request: Request, person: CurrentPerson, engine: CurrentEngine
) -> RetriedJob:
    """One that failed."""
    sessions = request.app.state.sessions
    return RetriedJob(name=await service.retry(sessions, engine, person, of, job_id))
