"""What a person is asked about a call, in words: may it act, did it act, can it be connected."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from unicodedata import category
from urllib.parse import urlencode

import orjson

from monster.contracts.runs import WaitingCall
from monster.contracts.tools import Decision, WaitsFor


class Choice(NamedTuple):
    """A button; `resume` is no decision about the call: it says that something is connected now."""

    decision: Decision | str
    label: str
    icon: str
    kind: str = "secondary"


class Place(NamedTuple):
    """Where it is shown: what takes the answer, with which token, and where people come back to."""

    action: str
    back: str
    token: str


_CHOICES: Mapping[WaitsFor, Sequence[Choice]] = {
    "approval": (
        Choice("approve", "Approve", "check", "primary"),
        Choice("deny", "Deny", "x"),
    ),
    "connection": (
        Choice("resume", "Go on", "player-play"),
        Choice("deny", "Do without", "x", "ghost"),
    ),
    "unknown": (
        Choice("confirm", "It has acted", "check"),
        Choice("approve", "Do it again", "repeat"),
        Choice("deny", "Leave it", "x", "ghost"),
    ),
}
_ICONS: Mapping[WaitsFor, str] = {
    "approval": "hand-stop",
    "connection": "plug-connected",
    "unknown": "help",
}
_NOTES: Mapping[WaitsFor, str] = {
    "approval": "Note to the agent",
    "connection": "Note to the agent",
    "unknown": "What did you find?",
}
_EFFECTS = {
    "write": "This acts in another system.",
    "idempotent": "This changes something; doing it twice does no more than doing it once.",
    "read": "This only reads.",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that waits, as its card shows it."""

    agent: str
    call: WaitingCall
    place: Place

    @property
    def id(self) -> str:
        return f"ask-{self.call.call}"

    @property
    def icon(self) -> str:
        return _ICONS[self.call.waits_for]

    @property
    def title(self) -> str:
        if self.call.waits_for == "connection":
            return f"{self.call.connection} is not connected"
        if self.call.waits_for == "unknown":
            return f"Did {self.call.tool} act?"
        return f"May {self.agent} use {self.call.tool}?"

    @property
    def text(self) -> str:
        if self.call.waits_for == "connection":
            return f"{self.agent} wants to use {self.call.tool}. Connect it first, then go on."
        if self.call.waits_for == "unknown":
            return "It broke off in the middle, so nobody knows. Look there, then say which it is."
        effect = _EFFECTS[self.call.effect]
        return f"{effect} If you approve, it is done once, with exactly these arguments."

    @property
    def choices(self) -> Sequence[Choice]:
        return _CHOICES[self.call.waits_for]

    @property
    def note(self) -> str:
        return _NOTES[self.call.waits_for]

    @property
    def pretty(self) -> str:
        """The arguments, laid out; as they are if they are not JSON. Nothing is invisible."""
        try:
            parsed = orjson.loads(self.call.arguments)
        except orjson.JSONDecodeError:
            return _visible(self.call.arguments)
        return _visible(orjson.dumps(parsed, option=orjson.OPT_INDENT_2).decode())

    @property
    def connect(self) -> str:
        """Where it can be connected, if that is what is missing."""
        factory = self.call.tool_factory_id
        if factory is None:
            return ""
        return f"/connections/new?{urlencode({'factory': factory, 'back': self.place.back})}"


def _visible(text: str) -> str:
    """What has no width, or turns the direction of writing, could hide what is approved."""
    return "".join([f"\\u{ord(c):04x}" if category(c) == "Cf" else c for c in text])


def in_chat(run_id: uuid.UUID, conversation_id: uuid.UUID, token: str) -> Place:
    return Place(f"/chat/runs/{run_id}/answers", f"/conversations/{conversation_id}", token)


def summary(asks: Sequence[Ask]) -> str:
    """For those who do not see the cards."""
    return " ".join([f"It waits for your answer. {asks[0].title}", *(a.title for a in asks[1:])])
