"""What the engine says about conversations and runs."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from monster.contracts.tools import Decision, EffectName, WaitsFor
from monster.kit.schemas import Input, Output

RunStatus: TypeAlias = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]

# Types of `run_event`. A stream ends with one of ENDS. After `run.waiting` the run goes on when it
# is answered, with `run.resumed`.
EventType: TypeAlias = Literal[
    "run.started",  # {run_id, conversation_id}
    "run.resumed",  # the same; text of an unfinished reply before it is void
    "message.delta",  # {text}
    "message.completed",  # {seq}
    "tool.call",  # {id, tool, arguments}; arguments is JSON as the model wrote it
    "tool.approval_requested",  # {id, call, tool, arguments, arguments_hash, effect}
    "tool.result",  # {id, content, failed}
    "citation",  # a Source
    "run.waiting",  # {status, reason, usage}, like the three that follow, and {waiting}: see RunOut
    "run.completed",
    "run.failed",
    "run.cancelled",
]
ENDS: frozenset[str] = frozenset({"run.waiting", "run.completed", "run.failed", "run.cancelled"})


class Source(Output):
    """A passage that an answer may cite as `[number]`; numbers are unique in what a model sees."""

    number: int
    chunk_id: uuid.UUID
    document_id: uuid.UUID
    title: str
    place: str  # heading path or page; may be empty


class WaitingCall(Output):
    """A call that a person has to decide about. `arguments` is JSON as the model wrote it, and what
    is executed; `connection` and `tool_factory_id` tell what is not connected, `evidence` what was
    seen of a call of which nobody can say whether it acted."""

    call: uuid.UUID
    tool: str
    arguments: str
    arguments_hash: str
    effect: EffectName
    waits_for: WaitsFor
    connection: str | None
    tool_factory_id: uuid.UUID | None
    evidence: str | None


class RunOut(Output):
    """`message` is what was asked; a run that is queued has written nothing else yet. `waiting`:
    what it waits for, while it does."""

    id: uuid.UUID
    conversation_id: uuid.UUID
    message: str
    status: RunStatus
    response: str | None
    reason: str | None
    usage: dict[str, int] | None
    waiting: list[WaitingCall]
    created_at: datetime
    updated_at: datetime


class Answer(Input):
    """About one call. To `approve` takes the hash of what was shown; the model reads the note."""

    call: uuid.UUID
    decision: Decision
    arguments_hash: Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]*$")] = ""
    note: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""


class Answers(Input):
    """An empty list: what was not connected is connected now."""

    answers: Annotated[list[Answer], Field(max_length=100)]


class AnsweredOut(Output):
    """`running`, or `waiting` for the rest."""

    run_id: uuid.UUID
    conversation_id: uuid.UUID
    status: Literal["running", "waiting"]


class ApprovalOut(Output):
    """A run that waits for the caller. It is their own, or a contact's, or of neither: a
    program's."""

    run_id: uuid.UUID
    conversation_id: uuid.UUID
    title: str
    agent_id: uuid.UUID
    agent: str
    user_id: uuid.UUID | None
    contact_id: uuid.UUID | None
    message: str
    waiting: list[WaitingCall]
    created_at: datetime
    updated_at: datetime


class MessageOut(Output):
    """`role` is user, assistant or tool.

    Parts: {"type": "text", "text"}, {"type": "call", "id", "tool", "arguments"},
    {"type": "result", "id", "content", "failed", "origin", "sources"?: list of Source}; older ones
    have no origin.
    """

    seq: int
    run_id: uuid.UUID
    role: str
    parts: list[dict[str, Any]]
    created_at: datetime


class ConversationOut(Output):
    """`active_run` runs or waits; others may be queued behind it.

    Lists page by `last_run`, the newest run, or by `id` where nothing has run yet.
    """

    id: uuid.UUID
    agent_id: uuid.UUID
    title: str
    active_run: uuid.UUID | None
    last_run: uuid.UUID | None
    created_at: datetime
    updated_at: datetime
