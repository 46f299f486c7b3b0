"""Turns: the same answer live, after a break, after a takeover and from what is stored."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monster.contracts.runs import MessageOut, RunOut, RunStatus, WaitingCall
from monster.dashboard.engine_client import Event
from monster.dashboard.transcript import turns
from monster.dashboard.transcript.asks import Ask, in_chat
from monster.dashboard.transcript.live import Live, Position
from monster.dashboard.web.pages import render

RUN, TALK = uuid.UUID(int=7), uuid.UUID(int=8)
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SOURCE = {
    "number": 1,
    "chunk_id": str(uuid.UUID(int=1)),
    "document_id": str(uuid.UUID(int=2)),
    "title": "Returns",
    "place": "Faults",
}
IDS = {"run_id": str(RUN), "conversation_id": str(TALK)}
USAGE = {"input_tokens": 1200, "output_tokens": 34}


def run(status: RunStatus = "completed", reason: str | None = None) -> RunOut:
    return RunOut(
        id=RUN,
        conversation_id=TALK,
        message="What <b>now</b>?",
        status=status,
        response=None,
        reason=reason,
        usage=USAGE,
        waiting=[],
        created_at=NOW,
        updated_at=NOW + timedelta(seconds=2),
    )


def live(after: str = "0", token: str = "") -> Live:
    turn = turns.opened(run(), "Scout", "AL", {}, token)
    return Live(turn, lambda: NOW + timedelta(seconds=2), Position.parse(after))


def events(pieces: list[str], *, status: str = "completed", seq: int = 1) -> Iterator[Event]:
    """A search, then the pieces as the answer."""
    yield Event(f"{seq}", "run.started", IDS)
    call = {"id": "c", "tool": "knowledge_search", "arguments": '{"query": "lamps"}'}
    yield Event(f"{seq + 1}", "tool.call", call)
    yield Event(f"{seq + 2}", "tool.result", {"id": "c", "content": "found", "failed": False})
    yield Event(f"{seq + 3}", "citation", SOURCE)
    chars = 0
    for piece in filter(None, pieces):
        chars += len(piece)
        yield Event(f"{seq + 4}.{chars}", "message.delta", {"text": piece})
    yield Event(f"{seq + 5}", "message.completed", {"seq": 4})
    end = {"status": status, "reason": None, "usage": USAGE}
    yield Event(f"{seq + 6}", f"run.{status}", end)


def messages(text: str) -> list[MessageOut]:
    found = {"type": "result", "id": "c", "content": "found", "failed": False, "sources": [SOURCE]}
    call = {
        "type": "call",
        "id": "c",
        "tool": "knowledge_search",
        "arguments": '{"query": "lamps"}',
    }
    parts: list[tuple[str, dict[str, Any]]] = [
        ("user", {"type": "text", "text": "What <b>now</b>?"}),
        ("assistant", call),
        ("tool", found),
        ("assistant", {"type": "text", "text": text}),
    ]
    return [
        MessageOut(seq=n, run_id=RUN, role=role, parts=[part], created_at=NOW)
        for n, (role, part) in enumerate(parts, 1)
    ]


class Browser:
    """What `chat.js` does, without a document."""

    def __init__(self) -> None:
        self.html = ""
        self.open = ""
        self.last = "0"
        self.ids: list[str] = []

    def take(self, wire: bytes | None) -> None:
        if not wire:
            return
        first, _, third = wire.decode().strip().split("\n")
        self.last = first.removeprefix("id: ")
        self.ids.append(self.last)
        data = orjson.loads(third.removeprefix("data: "))
        if data.get("reset"):
            self.html = ""
        if data.get("html"):
            self.html, self.open = self.html + data["html"], ""
        self.open += data.get("rest", data.get("text", "")) if "text" in data else ""


TEXT = "It is a *fault* [1].\n\n- one\n- two\n\n```py\nx = 1\n```\n\nSo [1], [2]."


def test_an_answer_step_by_step() -> None:
    reader, browser = live(), Browser()
    seen = list(events(["It is [1].\n\n", "So"]))
    for event in seen:
        browser.take(reader.take(event))

    assert browser.ids == [event.id for event in seen]
    assert browser.open == ""
    assert "What &lt;b&gt;now&lt;/b&gt;?" in browser.html
    assert f'href="/passages/{uuid.UUID(int=1)}"' in browser.html
    assert "<p>So</p>" in browser.html
    assert "2.0 s · 1,234 tokens" in browser.html
    assert browser.html.count(f'id="call-{RUN}-0"') == 2  # running, then with its result


def test_live_and_stored_are_the_same() -> None:
    reader = live()
    for event in events([TEXT[n : n + 3] for n in range(0, len(TEXT), 3)]):
        reader.take(event)
    (stored,) = turns.stored([run()], messages(TEXT), "Scout", "AL")

    assert "".join(reader.turn.answer.parts) == "".join(stored.answer.parts)
    assert reader.turn.answer.quoted == stored.answer.quoted
    assert (reader.turn.meta, reader.turn.note) == (stored.meta, stored.note)


@settings(max_examples=150, deadline=None)
@given(
    text=st.lists(st.sampled_from(["a ", "b\n", "\n\n", "- c\n", "[1]", "```\n", "# d\n"])).map(
        "".join
    ),
    cuts=st.lists(st.integers(0, 60), max_size=9),
    broken=st.integers(0, 20),
    stored_at=st.integers(0, 60),
)
def test_a_break_anywhere_changes_nothing(
    text: str, cuts: list[int], broken: int, stored_at: int
) -> None:
    """The second stream is a replay: text comes in other pieces, as it was stored."""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    heard = list(events([text[a:b] for a, b in pairwise(places)]))
    straight, back = Browser(), Browser()
    reader = live()
    for event in heard:
        straight.take(reader.take(event))

    first, broken = live(), broken % len(heard)
    for event in heard[:broken]:
        back.take(first.take(event))
    second = live(back.last)
    for event in events([text[:stored_at], text[stored_at:]]):
        back.take(second.take(event))

    assert (back.html, back.open) == (straight.html, straight.open)


def test_a_takeover_drops_what_was_not_committed() -> None:
    reader, browser = live(), Browser()
    for event in list(events(["Half a\n\nb\nthought"]))[:-2]:
        browser.take(reader.take(event))
    assert browser.open == "b\nthought"

    browser.take(reader.take(Event("1006", "run.resumed", IDS)))

    assert browser.open == ""
    assert "Half" not in browser.html
    assert f'id="answer-{RUN}"' in browser.html
    assert "found" in browser.html  # the tool's result was committed
    assert f'id="asked-{RUN}"' not in browser.html  # it stands there already
    for event in list(events(["Whole"], seq=1003))[4:]:
        browser.take(reader.take(event))
    assert "<p>Whole</p>" in browser.html


def test_a_run_that_was_taken_over_before_its_first_event() -> None:
    wire = live("1").take(Event("1001", "run.resumed", IDS))
    assert wire
    assert f"asked-{RUN}" in wire.decode()


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        ("failed", "model: overloaded", "The model did not answer: overloaded."),
        ("failed", "limit: time", "It took too long"),
        ("failed", "limit: tool calls", "more steps"),
        ("failed", "something new", "It failed: something new."),
        ("cancelled", None, "Stopped."),
    ],
)
def test_an_end_says_what_to_do(status: RunStatus, reason: str | None, words: str) -> None:
    reader = live()
    *before, _, _ = events(["Half", " a thought"])
    for event in [*before[:2], *before[4:]]:  # the tool's result never came
        reader.take(event)
    end = {"status": status, "reason": reason, "usage": USAGE}
    wire = reader.take(Event("9", f"run.{status}", end))
    (stored,) = turns.stored([run(status, reason)], messages("")[:2], "Scout", "AL")

    assert wire
    html = orjson.loads(wire.decode().split("data: ")[1])["html"]
    assert words in html
    assert "<p>Half a thought</p>" in html
    assert "Not finished" in html
    assert words in stored.note
    assert "Not finished" in stored.answer.parts[0]


WAITS = {
    "call": str(uuid.UUID(int=9)),
    "tool": "send",
    "arguments": '{"to": "<b>"}',
    "arguments_hash": "7c1e" + "0" * 56 + "90bd",
    "effect": "write",
    "waits_for": "approval",
    "connection": None,
    "tool_factory_id": None,
    "evidence": None,
}
FACTORY = uuid.UUID(int=11)
ASKED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["May Scout use send?", "This acts in another system.", "Approve", "Deny"]),
    ({"effect": "idempotent"}, ["doing it twice does no more"]),
    (
        {"waits_for": "connection", "connection": "Jira", "tool_factory_id": str(FACTORY)},
        [
            "Jira is not connected",
            f"/connections/new?factory={FACTORY}&amp;back=%2Fconversations%2F{TALK}",
            "Connect Jira",
            "Go on",
            "Do without",
        ],
    ),
    (
        {"waits_for": "unknown", "evidence": "TimeoutError: <i>"},
        ["Did send act?", "TimeoutError: &lt;i&gt;", "It has acted", "Do it again", "Leave it"],
    ),
]


@pytest.mark.parametrize(("changes", "words"), ASKED)
def test_what_waits_is_asked_live_and_stored(changes: dict[str, Any], words: list[str]) -> None:
    waiting = [WAITS | changes]
    asked = run("waiting").model_copy(
        update={"waiting": [WaitingCall.model_validate(call) for call in waiting]}
    )
    reader = live(token="secret-token")
    for event in list(events(["x"]))[:2]:
        reader.take(event)
    end = {"status": "waiting", "reason": "approval", "usage": USAGE, "waiting": waiting}
    wire = reader.take(Event("9", "run.waiting", end))
    (stored,) = turns.stored([asked], messages("")[:2], "Scout", "AL", "secret-token")

    assert wire
    shown = orjson.loads(wire.decode().split("data: ")[1])
    page = render("pages/_answer.html", turn=stored)
    for html in (shown["html"], page):
        for word in [*words, "Waiting", "secret-token", "&lt;b&gt;", "7c1e0000…90bd"]:
            assert word in html
        assert f'action="/chat/runs/{RUN}/answers"' in html
        assert f'action="/chat/runs/{RUN}/cancel"' in html
    assert shown["note"] == f"It waits for your answer. {words[0]}" or not words[0].endswith("?")


@pytest.mark.parametrize("arguments", ['{"to": "a\u202e\u200bb"}', "a\u202e\u200bb", "\ufeff"])
def test_nothing_that_is_approved_is_invisible(arguments: str) -> None:
    call = WaitingCall.model_validate(WAITS | {"arguments": arguments})
    shown = Ask("Scout", call, in_chat(RUN, TALK, "token")).pretty
    assert shown.isprintable() or "\n" in shown
    assert not {"\u202e", "\u200b", "\ufeff"} & set(shown)
    assert "\\ufeff" in shown or "a\\u202e\\u200bb" in shown


def test_who_may_not_answer_is_not_asked() -> None:
    asked = run("waiting").model_copy(update={"waiting": [WaitingCall.model_validate(WAITS)]})
    (stored,) = turns.stored([asked], messages("")[:2], "Scout", "AL")
    page = render("pages/_answer.html", turn=stored)
    assert "<form" not in page
    assert "It waits until somebody decides whether it goes on." in page


def test_a_card_says_that_it_needs_approval_until_it_goes_on() -> None:
    reader = live()
    for event in list(events(["x"]))[:2]:
        reader.take(event)
    asked = reader.take(Event("3", "tool.approval_requested", {"id": "c"}))
    over = reader.take(Event("4", "run.waited", {}))
    resumed = reader.take(Event("1005", "run.resumed", IDS))
    assert asked
    assert b"Needs approval" in asked
    assert over == b"id: 4\nevent: run.waited\ndata: {}\n\n"
    assert resumed
    assert b"Running" in resumed
    assert b"Needs approval" not in resumed


@pytest.mark.parametrize(
    ("seconds", "words"), [(2, "2.0 s · "), (600, "10 min · "), (9000, "2 h · ")]
)
def test_what_waited_for_long_does_not_tell_seconds(seconds: int, words: str) -> None:
    ended = run().model_copy(update={"updated_at": NOW + timedelta(seconds=seconds)})
    (stored,) = turns.stored([ended], [], "Scout", "AL")
    assert stored.meta.startswith(words)


@pytest.mark.parametrize("arguments", ["", "{", "[1]", '"x"', '{"a": {"b": 1}}', "<b>", "null"])
def test_whatever_a_model_calls_arguments_is_shown(arguments: str) -> None:
    answer = turns.Answer(RUN, {})
    html = answer.call("c", "<look>", arguments)
    assert "&lt;look&gt;" in html
    assert "<b>" not in html
    assert answer.result("c", "<i>" + "x" * 20_000, failed=True).count("x") < 11_000
    assert answer.result("nobody's", "", failed=False) == ""
