"""What the engine says about conversations and runs."""

import uuid
from datetime import datetime
from typing import Any, Literal, TypeAlias

from monster.kit.schemas import Output

RunStatus: TypeAlias = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]

# Types of `run_event`. A run ends with the first of ENDS; `run.waiting` ends the stream, too.
EventType: TypeAlias = Literal[
    "run.started",  # {run_id, conversation_id}
    "run.resumed",  # the same; text of an unfinished reply before it is void
    "message.delta",  # {text}
    "message.completed",  # {seq}
    "tool.call",  # {id, tool, arguments}; arguments is JSON as the model wrote it
    "tool.result",  # {id, content, failed}
    "citation",  # a Source
    "run.waiting",  # {status, reason, usage}, like the three that follow
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


class RunOut(Output):
    """`message` is what was asked; a run that is queued has written nothing else yet."""

    id: uuid.UUID
    conversation_id: uuid.UUID
    message: str
    status: RunStatus
    response: str | None
    reason: str | None
    usage: dict[str, int] | None
    created_at: datetime
    updated_at: datetime


class MessageOut(Output):
    """`role` is user, assistant or tool.

    Parts: {"type": "text", "text"}, {"type": "call", "id", "tool", "arguments"},
    {"type": "result", "id", "content", "failed", "sources"?: list of Source}.
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
