"""Endpoints about calls that wait for a person."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from monster.contracts.runs import AnsweredOut, Answers, ApprovalOut
from monster.engine.access.scope import CurrentScope, OnlyIfOpen
from monster.engine.approvals import service
from monster.engine.runs.service import Runs

router = APIRouter(tags=["approvals"])

_NEWEST = uuid.UUID(int=2**128 - 1)


async def _runs(request: Request) -> Runs:
    return request.app.state.runs


TheRuns = Annotated[Runs, Depends(_runs)]


@router.post("/runs/{run_id}/answers", dependencies=[OnlyIfOpen])
async def answer_run(
    run_id: uuid.UUID, data: Answers, runs: TheRuns, scope: CurrentScope
) -> AnsweredOut:
    """All answers are taken, or none. Its events go on where they were, with `run.resumed`."""
    return await service.answer(runs, scope, run_id, data.answers)


@router.get("/approvals", dependencies=[OnlyIfOpen])
async def list_approvals(
    runs: TheRuns,
    scope: CurrentScope,
    before: uuid.UUID = _NEWEST,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ApprovalOut]:
    """Runs that wait for the caller, newest first; `before` is the last `run_id` of the page
    before."""
    return await service.page(runs, scope, before, limit)
