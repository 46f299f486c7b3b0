"""Turns a run's events into what a page shows: one for one, with the same ids.

A reader that comes back says how far it had got; what was before is taken in, and not sent again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import orjson
from markupsafe import Markup

from monster.contracts.runs import ENDS, Source, WaitingCall
from monster.dashboard.engine_client import Event
from monster.dashboard.transcript.turns import Turn
from monster.dashboard.web.pages import render

KEEP_ALIVE = b": still here\n\n"

Data: TypeAlias = Mapping[str, Any]
Shown: TypeAlias = dict[str, Any]


class Position(NamedTuple):
    """An event id: `seq`, or `seq.chars` inside a text."""

    seq: int = 0
    chars: int = 0

    @classmethod
    def parse(cls, event_id: str) -> "Position":
        seq, _, chars = event_id.partition(".")
        return cls(int(seq), int(chars or 0))


START = Position()


@dataclass(slots=True)
class Live:
    """One reader of one run. `asked`: the question is on their page."""

    turn: Turn
    clock: Callable[[], datetime]
    after: Position = START
    asked: bool = False

    def take(self, event: Event) -> bytes | None:
        """What goes to the browser; None if it has that already."""
        position = Position.parse(event.id)
        if event.type == "message.delta" and position.seq == self.after.seq:
            event = self._unknown_part(event, position)
        show = _SHOW.get(event.type) or (_end if event.type in ENDS else _nothing)
        shown = show(self, event.data)
        if position <= self.after:
            return None
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (
            event.id.encode(),
            event.type.encode(),
            orjson.dumps(shown),
        )

    def _unknown_part(self, event: Event, position: Position) -> Event:
        """Of a text that the reader has in part, only the rest is news."""
        text: str = event.data["text"]
        known = len(text) - (position.chars - self.after.chars)
        if not 0 < known < len(text):
            return event
        self.turn.answer.text(text[:known])
        return event._replace(data={"text": text[known:]})


def _started(live: Live, data: Data) -> Shown:
    """With the question, unless it stands there from before a takeover."""
    question = "" if live.asked else render("pages/_asked.html", turn=live.turn)
    live.asked = True
    html = question + render("pages/_answer.html", turn=live.turn)
    return {"html": html, "run": data["run_id"], "conversation": data["conversation_id"]}


def _resumed(live: Live, data: Data) -> Shown:
    live.turn.answer.drop_text()
    live.turn.answer.go_on()
    return {"reset": True, **_started(live, data)}


def _text(live: Live, data: Data) -> Shown:
    html = live.turn.answer.text(data["text"])
    finished = {"html": html, "rest": live.turn.answer.rest} if html else {}
    return {"text": data["text"], **finished}


def _said(live: Live, _: Data) -> Shown:
    return {"html": live.turn.answer.end_text()}


def _called(live: Live, data: Data) -> Shown:
    return {"html": live.turn.answer.call(data["id"], data["tool"], data["arguments"])}


def _returned(live: Live, data: Data) -> Shown:
    answer = live.turn.answer
    html = answer.result(data["id"], data["content"], failed=data["failed"])
    return {"html": html + _made(live.turn)}


def _found(live: Live, data: Data) -> Shown:
    source = Source.model_validate(data)
    live.turn.answer.sources[source.number] = source
    return {}


def _asked(live: Live, data: Data) -> Shown:
    return {"html": live.turn.answer.ask(data["id"])}


def _made(turn: Turn) -> Markup:
    """The files that its tools made: their place is there, and is filled anew."""
    html = render("pages/_made.html", turn=turn) if turn.made else ""
    return Markup(html)  # noqa: S704 (escaped by the template)


def _nothing(_: Live, __: Data) -> Shown:
    return {}


def _waits(live: Live, data: Data) -> Shown:
    turn = live.turn
    html = turn.answer.end_text() + turn.answer.wait()
    turn.wait([WaitingCall.model_validate(call) for call in data["waiting"]])
    return {"html": html + Markup(render("pages/_end.html", turn=turn)), "note": turn.note}  # noqa: S704 (escaped by the template)


def _end(live: Live, data: Data) -> Shown:
    turn = live.turn
    html = turn.answer.end_text() + turn.answer.stop() + _made(turn)
    turn.end(data["status"], data["reason"], data["usage"], live.clock() - turn.at)
    return {"html": html + Markup(render("pages/_ending.html", turn=turn)), "note": turn.note}  # noqa: S704 (escaped by the template)


_SHOW: Mapping[str, Callable[[Live, Data], Shown]] = {
    "run.started": _started,
    "run.resumed": _resumed,
    "message.delta": _text,
    "message.completed": _said,
    "tool.call": _called,
    "tool.result": _returned,
    "tool.approval_requested": _asked,
    "citation": _found,
    "run.waiting": _waits,
}
