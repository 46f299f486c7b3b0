"""What people decide about calls that wait for them."""

import uuid
from collections.abc import Mapping, Sequence

import psycopg

from monster.contracts.runs import Answer, AnsweredOut, ApprovalOut
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.approvals import queries
from monster.engine.approvals.errors import (
    AlreadyAnswered,
    AnsweredTwice,
    ArgumentsChanged,
    CallNotFound,
    NotInDoubt,
)
from monster.engine.runs.errors import RunNotFound
from monster.engine.runs.service import Runs
from monster.kit.errors import AppError, Forbidden

_REFUSALS: Mapping[str, tuple[type[AppError], str]] = {
    "no call": (CallNotFound, "this run has no such call"),
    "answered": (AlreadyAnswered, "this is answered already, or the run is over"),
    "not in doubt": (NotInDoubt, "this call has not begun, so it cannot have acted"),
    "changed": (ArgumentsChanged, "these are not the arguments that would be used: look again"),
}


async def answer(
    runs: Runs, scope: Scope, run_id: uuid.UUID, answers: Sequence[Answer]
) -> AnsweredOut:
    """The run goes on at once, here or elsewhere, when nothing is left to answer."""
    _require_person(scope)
    if len({one.call for one in answers}) < len(answers):
        raise AnsweredTwice("each call takes one answer", field="call")
    conversation_id = await queries.place(runs.pool, scope, run_id)
    if conversation_id is None:
        raise RunNotFound(f"no run {run_id}")
    owner = runs.claim.owner
    try:
        taken = await queries.answer(runs.pool, scope, conversation_id, run_id, owner, answers)
    except psycopg.errors.ForeignKeyViolation as error:
        raise RunNotFound("the run was deleted") from error
    if taken.said == "no run":
        raise RunNotFound(f"no run {run_id}")
    if taken.said != "taken":
        refusal, sentence = _REFUSALS[taken.said]
        raise refusal(sentence)
    if taken.goes_on:
        await runs.take_over()
    status = "running" if taken.goes_on else "waiting"
    return AnsweredOut(run_id=run_id, conversation_id=conversation_id, status=status)


async def page(runs: Runs, scope: Scope, before: uuid.UUID, limit: int) -> list[ApprovalOut]:
    _require_person(scope)
    return await queries.page(runs.pool, scope, before, limit)


def _require_person(scope: Scope) -> None:
    """A program that could let its own calls act would need nobody."""
    scope.require(Permission.RUNS_APPROVE)
    if scope.user_id is None or scope.api_key_id:
        raise Forbidden("only people may decide about calls")
