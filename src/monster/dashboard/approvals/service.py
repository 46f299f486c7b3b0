"""Talks to the engine about calls that wait for a person."""

import uuid

from monster.contracts.runs import AnsweredOut, ApprovalOut
from monster.dashboard.approvals.schemas import AnswerForm, Waiting
from monster.dashboard.engine_client import Caller, HttpEngine
from monster.dashboard.transcript.asks import Ask, Place

PAGE = 20


async def answer(
    engine: HttpEngine, caller: Caller, run_id: uuid.UUID, data: AnswerForm
) -> AnsweredOut:
    said = [] if data.decision == "resume" else [data.model_dump(mode="json")]
    path = f"/v1/runs/{run_id}/answers"
    found = await engine.call(caller, "POST", path, json={"answers": said})
    return AnsweredOut.model_validate(found)


async def waiting(
    engine: HttpEngine, caller: Caller, token: str, before: uuid.UUID | None
) -> list[Waiting]:
    """Newest first, a page; `token` is of the reader's session."""
    older = {"before": str(before)} if before else {}
    params = {"limit": PAGE, **older}
    rows = await engine.call(caller, "GET", "/v1/approvals", params=params)
    return [_shown(ApprovalOut.model_validate(row), token) for row in rows]


def _shown(run: ApprovalOut, token: str) -> Waiting:
    place = Place(f"/approvals/runs/{run.run_id}/answers", "/approvals", token)
    asks = [Ask(run.agent, call, place) for call in run.waiting]
    if run.user_id:
        return Waiting(run, asks, "", f"/conversations/{run.conversation_id}")
    if run.contact_id is None:
        return Waiting(run, asks, "For a program", "")
    path = f"/contacts/{run.contact_id}/conversations/{run.conversation_id}"
    return Waiting(run, asks, "For a contact", path)
