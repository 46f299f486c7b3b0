"""JSON endpoints about a whole tenant, and about the engine itself: for the dashboard alone."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath

from monster.contracts.system import EngineSystem
from monster.engine.access.scope import CurrentScope, Transaction, transaction
from monster.engine.tenants import service
from monster.engine.tenants.schemas import RetriedJob, TenantOut, TenantState

router = APIRouter(tags=["tenants"])

JobId = Annotated[int, InPath(ge=1, le=2**63 - 1)]


@router.put("/tenant")
async def set_tenant(data: TenantState, request: Request, scope: CurrentScope) -> TenantOut:
    """Suspended, a tenant's runs are stopped, and nothing is done for it."""
    async with transaction(request, scope) as session:
        await service.set_state(session, scope, suspended=data.suspended)
    if data.suspended:
        await request.app.state.runs.cancel_all(scope)
    return TenantOut(suspended=data.suspended)


@router.delete("/tenant", status_code=204)
async def delete_tenant(session: Transaction, scope: CurrentScope, *, closed: bool = False) -> None:
    """With everything. `closed`: and nothing is begun for it until it is deleted once more."""
    await service.delete(session, scope, closed=closed)


@router.get("/system")
async def get_system(request: Request, session: Transaction, scope: CurrentScope) -> EngineSystem:
    folder: Path = request.app.state.data_dir
    return await service.look(session, scope, folder)


@router.post("/system/jobs/{job_id}/retry")
async def retry_job(job_id: JobId, session: Transaction, scope: CurrentScope) -> RetriedJob:
    """One that failed."""
    return RetriedJob(name=await service.retry(session, scope, job_id))
