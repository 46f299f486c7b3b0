"""A conversation as people read it: what was asked, what was answered, with which tools."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import orjson
from markupsafe import Markup

from monster.contracts.runs import MessageOut, RunOut, Source
from monster.dashboard.transcript.blocks import Blocks
from monster.dashboard.web.pages import render

Tone: TypeAlias = Literal["accent", "good", "bad", "neutral"]

_LONGEST_RESULT = 10_000  # characters shown of what a tool said
_LONGEST_SUMMARY = 100
_ICONS = {"knowledge_search": "search"}

# What a run says when it fails, and what people can do about it.
_REASONS = {
    "limit: time": "It took too long and was stopped. Ask for less at once.",
    "limit: model requests": "It needed more steps than it may take. Ask for less at once.",
    "limit: tool calls": "It needed more steps than it may take. Ask for less at once.",
    "limit: takeovers": "The server stopped again and again while it answered. Ask again.",
    "the agent was deleted": "The agent was deleted meanwhile. Start a chat with another one.",
    "internal error": "Something went wrong on our side. Ask again; the log tells more.",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One call of a tool. `id` is the element's."""

    id: str
    tool: str
    arguments: str
    result: str = ""
    status: str = "Running"
    tone: Tone = "accent"

    @property
    def icon(self) -> str:
        return _ICONS.get(self.tool, "tool")

    @property
    def summary(self) -> str:
        """The first text among the arguments: for most tools that is what they are about."""
        values = _parsed(self.arguments).values()
        text = next((value for value in values if isinstance(value, str)), "")
        return text[:_LONGEST_SUMMARY]

    @property
    def pretty(self) -> str:
        parsed = _parsed(self.arguments)
        return orjson.dumps(parsed, option=orjson.OPT_INDENT_2).decode() if parsed else ""

    def html(self) -> Markup:
        return Markup(render("pages/_call.html", call=self))  # noqa: S704 (escaped by the template)


def _parsed(arguments: str) -> dict[str, Any]:
    """The model wrote it: it may be anything."""
    try:
        parsed = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {"": arguments} if arguments else {}
    return parsed if isinstance(parsed, dict) else {"": parsed}  # pyright: ignore[reportUnknownVariableType]


@dataclass(slots=True)
class Answer:
    """Grows by what a run says. Each step returns the HTML that it added or changed.

    `sources` are all that the conversation has found so far, `cited` those that this answer names.
    """

    run_id: uuid.UUID
    sources: dict[int, Source]
    parts: list[Markup] = field(default_factory=list[Markup])
    cited: set[int] = field(default_factory=set[int])
    _blocks: Blocks = field(init=False)
    _cards: list[tuple[str, int, Card]] = field(default_factory=list[tuple[str, int, Card]])
    _safe: int = 0  # parts that are committed

    def __post_init__(self) -> None:
        self._blocks = Blocks(self.sources)

    @property
    def rest(self) -> str:
        return self._blocks.rest

    @property
    def quoted(self) -> list[Source]:
        return [self.sources[number] for number in sorted(self.cited)]

    def text(self, piece: str) -> Markup:
        return self._add(self._blocks.feed(piece))

    def end_text(self) -> Markup:
        html = self._add(self._blocks.end())
        self.cited |= self._blocks.cited
        self._blocks = Blocks(self.sources)
        self._safe = len(self.parts)
        return html

    def drop_text(self) -> None:
        """What was said since the last commit is void."""
        del self.parts[self._safe :]
        self._blocks = Blocks(self.sources)

    def call(self, call_id: str, tool: str, arguments: str) -> Markup:
        card = Card(f"call-{self.run_id}-{len(self._cards)}", tool, arguments)
        self._cards.append((call_id, len(self.parts), card))
        self.parts.append(card.html())
        self._safe = len(self.parts)
        return self.parts[-1]

    def result(self, call_id: str, content: str, *, failed: bool) -> Markup:
        """Ids may be used twice in a run: the latest is meant."""
        tone, status = ("bad", "Failed") if failed else ("good", "Done")
        for known, index, card in reversed(self._cards):
            if known == call_id:
                shown = replace(card, result=_cut(content), status=status, tone=tone)
                return self._settle(index, shown)
        return Markup()

    def stop(self) -> Markup:
        """Of the cards whose result will not come."""
        open_cards = [(index, card) for _, index, card in self._cards if card.tone == "accent"]
        return Markup().join(
            self._settle(index, replace(card, status="Not finished", tone="neutral"))
            for index, card in open_cards
        )

    def _settle(self, index: int, card: Card) -> Markup:
        self._cards = [
            (call_id, at, card if at == index else known) for call_id, at, known in self._cards
        ]
        self.parts[index] = card.html()
        return self.parts[index]

    def _add(self, html: str) -> Markup:
        part = Markup(html)  # noqa: S704 (cleaned by the allow-list of `markdown`)
        if part:
            self.parts.append(part)
        return part


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_RESULT else f"{text[:_LONGEST_RESULT]} …"


@dataclass(slots=True)
class Turn:
    """One run. `note` says what a person should know about its end; `meta` is what it took."""

    id: uuid.UUID
    agent: str
    initials: str
    message: str
    at: datetime
    answer: Answer
    note: str = ""
    meta: str = ""
    failed: bool = False

    def end(
        self, status: str, reason: str | None, usage: dict[str, int] | None, took: timedelta
    ) -> None:
        self.note, self.failed = _note(status, reason), status == "failed"
        tokens = sum((usage or {}).values())
        self.meta = f"{took.total_seconds():.1f} s" + (f" · {tokens:,} tokens" if tokens else "")


def _note(status: str, reason: str | None) -> str:
    if status == "cancelled":
        return "Stopped. You can ask again at any time."
    if status == "waiting":
        return f"It waits: {reason}. Look whether it did, then start a new chat."
    if status != "failed":
        return ""
    kind, _, detail = str(reason).partition("model: ")
    if detail and not kind:
        return f"The model did not answer: {detail}. Check its connection, then ask again."
    return _REASONS.get(str(reason), f"It failed: {reason}. Ask again.")


def opened(run: RunOut, agent: str, initials: str, sources: dict[int, Source]) -> Turn:
    return Turn(run.id, agent, initials, run.message, run.created_at, Answer(run.id, sources))


def stored(
    runs: Sequence[RunOut], messages: Sequence[MessageOut], agent: str, initials: str
) -> list[Turn]:
    """Both oldest first. Of a run that goes on, whatever the messages say by now."""
    sources: dict[int, Source] = {}
    turns: list[Turn] = []
    for run in runs:
        turn = opened(run, agent, initials, sources)
        for message in messages:
            if message.run_id == run.id:
                _read(turn.answer, message)
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
