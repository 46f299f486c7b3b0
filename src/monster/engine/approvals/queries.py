"""Answers in the database. One function is one round trip; the SQL is in `statements`."""

import uuid
from collections.abc import Sequence

import orjson

from monster.contracts.runs import Answer, ApprovalOut
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.approvals import statements
from monster.engine.approvals.schemas import Taken
from monster.engine.runs.ledger import ANSWERED
from monster.kit import audit
from monster.kit.audit import Action, Entry
from monster.kit.pool import Pool

_ACTIONS = {"approve": Action.APPROVE, "deny": Action.DENY, "confirm": Action.CONFIRM}


def _who(scope: Scope, **more: object) -> dict[str, object]:
    others = Permission.RUNS_APPROVE_OTHERS in scope.permissions
    return {"tenant": scope.tenant_id, "user": scope.user_id, "others": others, **more}


async def place(pool: Pool, scope: Scope, run_id: uuid.UUID) -> uuid.UUID | None:
    """The conversation of a run for which the caller may answer."""
    rows = await pool.fetch(scope.tenant_id, statements.PLACE, _who(scope, run=run_id))
    return rows[0][0] if rows else None


async def answer(
    pool: Pool,
    scope: Scope,
    conversation_id: uuid.UUID,
    run_id: uuid.UUID,
    owner: uuid.UUID,
    answers: Sequence[Answer],
) -> Taken:
    """All of them, or none. Without any: what was not connected may be tried again. The run goes on
    when nothing is left to answer, by a lease that has expired already: anybody claims it."""
    asked = [
        {
            "call": one.call,
            "decision": one.decision,
            "status": ANSWERED[one.decision],
            "hash": one.arguments_hash,
            "note": one.note.strip(),
        }
        for one in answers
    ]
    params = _who(
        scope,
        run=run_id,
        owner=owner,
        answers=orjson.dumps(asked).decode(),
        resume=not answers,
        entries=audit.rows(scope.actor, *_entries(run_id, answers)),
    )
    rows = await pool.fetch(scope.tenant_id, statements.ANSWER, params, alone_on=conversation_id)
    return Taken(*rows[0])


def _entries(run_id: uuid.UUID, answers: Sequence[Answer]) -> list[Entry]:
    if not answers:
        return [Entry(Action.RESUME, "run", run_id)]
    return [
        Entry(
            _ACTIONS[one.decision],
            "tool_call",
            one.call,
            more={"run_id": run_id, "arguments_hash": one.arguments_hash},
        )
        for one in answers
    ]


async def page(pool: Pool, scope: Scope, before: uuid.UUID, limit: int) -> list[ApprovalOut]:
    """Newest first."""
    params = _who(scope, before=before, limit=limit)
    rows = await pool.fetch(scope.tenant_id, statements.WAITS, params)
    fields = tuple(ApprovalOut.model_fields)
    return [ApprovalOut(**dict(zip(fields, row, strict=True))) for row in rows]
