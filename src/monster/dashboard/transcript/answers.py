"""An answer as people read it: text that became blocks, and a card for each call of a tool."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import orjson
from markupsafe import Markup

from monster.contracts.runs import Source
from monster.dashboard.transcript.blocks import Blocks
from monster.dashboard.web.pages import render

Tone: TypeAlias = Literal["accent", "good", "bad", "neutral", "warn"]

_LONGEST_RESULT = 10_000  # characters shown of what a tool said
_LONGEST_SUMMARY = 100
_ICONS = {"knowledge_search": "search"}


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
    def has_calls(self) -> bool:
        return bool(self._cards)

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

    def ask(self, call_id: str) -> Markup:
        """A person is asked about this call, once the others are done."""
        return self._mark("Needs approval", "warn", [call_id])

    def go_on(self) -> Markup:
        """What waited for a person does so no more."""
        return self._mark("Running", "accent")

    def wait(self) -> Markup:
        """Of the cards whose result waits for a person."""
        return self._mark("Waiting", "warn")

    def stop(self) -> Markup:
        """Of the cards whose result will not come."""
        return self._mark("Not finished", "neutral")

    def _mark(self, status: str, tone: Tone, only: Sequence[str] = ()) -> Markup:
        open_cards = [
            (index, card)
            for call_id, index, card in self._cards
            if card.tone in {"accent", "warn"} and (not only or call_id in only)
        ]
        return Markup().join(
            self._settle(index, replace(card, status=status, tone=tone))
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
