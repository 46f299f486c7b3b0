"""A conversation as people read it: what was asked, what was answered, with which tools."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monster.contracts.files import FileOut
from monster.contracts.runs import MessageOut, RunOut, Source, WaitingCall
from monster.dashboard.transcript import attached
from monster.dashboard.transcript.answers import Answer
from monster.dashboard.transcript.asks import Ask, in_chat, summary
from monster.dashboard.transcript.attached import Chip

# What a run says when it fails, and what people can do about it.
_REASONS = {
    "limit: time": "It took too long and was stopped. Ask for less at once.",
    "limit: model requests": "It needed more steps than it may take. Ask for less at once.",
    "limit: tool calls": "It needed more steps than it may take. Ask for less at once.",
    "limit: takeovers": "The server stopped again and again while it answered. Ask again.",
    "the agent was deleted": "The agent was deleted meanwhile. Start a chat with another one.",
    "internal error": "Something went wrong on our side. Ask again; the log tells more.",
}


@dataclass(slots=True)
class Turn:
    """One run. `note` says what a person should know about its end; `meta` is what it took. `asks`
    is what it waits for, if `token` is there: the reader's, for the forms that answer. `files` are
    all of the conversation."""

    id: uuid.UUID
    talk: uuid.UUID
    agent: str
    initials: str
    message: str
    at: datetime
    answer: Answer
    note: str = ""
    meta: str = ""
    failed: bool = False
    token: str = ""
    asks: Sequence[Ask] = ()
    files: Sequence[FileOut] = ()

    @property
    def text(self) -> str:
        """What the person wrote, without the line that names its files."""
        return attached.read(self.message)[0]

    @property
    def brought(self) -> Sequence[Chip]:
        return attached.brought(attached.read(self.message)[1], self.files)

    @property
    def made(self) -> Sequence[Chip]:
        return attached.made(self.id, self.files)

    def wait(self, calls: Sequence[WaitingCall]) -> None:
        if not self.token or not calls:
            self.note = "It waits until somebody decides whether it goes on."
            return
        place = in_chat(self.id, self.talk, self.token)
        self.asks = [Ask(self.agent, call, place) for call in calls]
        self.note = summary(self.asks)

    def end(
        self, status: str, reason: str | None, usage: dict[str, int] | None, took: timedelta
    ) -> None:
        self.note, self.failed = _note(status, reason), status == "failed"
        tokens = sum((usage or {}).values())
        self.meta = _took(took.total_seconds()) + (f" · {tokens:,} tokens" if tokens else "")


def _took(seconds: float) -> str:
    """It may have waited for somebody for days."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def _note(status: str, reason: str | None) -> str:
    if status == "cancelled":
        return "Stopped. You can ask again at any time."
    if status != "failed":
        return ""
    kind, _, detail = str(reason).partition("model: ")
    if detail and not kind:
        return f"The model did not answer: {detail}. Check its connection, then ask again."
    return _REASONS.get(str(reason), f"It failed: {reason}. Ask again.")


def opened(
    run: RunOut, agent: str, initials: str, sources: dict[int, Source], token: str = ""
) -> Turn:
    answer = Answer(run.id, sources)
    of = (run.id, run.conversation_id, agent, initials, run.message, run.created_at, answer)
    return Turn(*of, token=token)


def stored(
    runs: Sequence[RunOut],
    messages: Sequence[MessageOut],
    agent: str,
    initials: str,
    token: str = "",
    files: Sequence[FileOut] = (),
) -> list[Turn]:
    """Both oldest first. Of a run that goes on, whatever the messages say by now. `token` is of a
    reader who may answer what waits; `files` are the conversation's."""
    sources: dict[int, Source] = {}
    turns: list[Turn] = []
    for run in runs:
        turn = opened(run, agent, initials, sources, token)
        turn.files = files
        for message in messages:
            if message.run_id == run.id:
                _read(turn.answer, message)
        if run.status == "waiting":
            turn.answer.wait()
            turn.wait(run.waiting)
        else:
            turn.answer.stop()
            turn.end(run.status, run.reason, run.usage, run.updated_at - run.created_at)
        turns.append(turn)
    return turns


def _read(answer: Answer, message: MessageOut) -> None:
    for part in message.parts if message.role != "user" else ():
        if part["type"] == "text":
            answer.text(part["text"])
            answer.end_text()
        elif part["type"] == "call":
            answer.call(part["id"], part["tool"], part["arguments"])
        elif part["type"] == "result":
            answer.result(part["id"], part["content"], failed=part["failed"])
            answer.sources.update(_numbered(part))


def sources_of(messages: Iterable[MessageOut]) -> dict[int, Source]:
    """What the tools found, by number; a later one takes the place of an earlier one."""
    parts = (part for message in messages for part in message.parts)
    return {number: source for part in parts for number, source in _numbered(part)}


def _numbered(part: dict[str, Any]) -> Iterator[tuple[int, Source]]:
    for source in part.get("sources", ()):
        known = Source.model_validate(source)
        yield known.number, known
