"""The ledger's rules: what a call may become, and what is to be done about one that is open.

    intended ──▶ done, failed          approved ──▶ intended
    intended ──▶ unknown               unknown ──▶ approved, denied, done
    intended ──▶ requested             requested ──▶ approved, denied

What is `intended` acts or has acted. Only a person makes `approved`, `denied` and, of what was
unknown, `done`; they are answers, and `monster.engine.approvals` writes them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto

from monster.contracts.tools import Decision
from monster.engine.models.protocol import Call
from monster.engine.runs.policy import asks
from monster.engine.runs.schemas import CallStatus, Intent, Run
from monster.engine.runs.tools import Tool
from monster.engine.toolkit.effects import Effect
from monster.kit.ids import new_id

MOVES: Mapping[CallStatus, frozenset[CallStatus]] = {
    "intended": frozenset({"done", "failed", "unknown", "requested"}),
    "requested": frozenset({"approved", "denied"}),
    "approved": frozenset({"intended"}),
    "unknown": frozenset({"approved", "denied", "done"}),
    "denied": frozenset(),
    "done": frozenset(),
    "failed": frozenset(),
}
ANSWERED: Mapping[Decision, CallStatus] = {
    "approve": "approved",
    "deny": "denied",
    "confirm": "done",
}
WAITING: frozenset[CallStatus] = frozenset({"requested", "unknown"})


class Next(Enum):
    """What is to be done about an open call."""

    ACT = auto()  # its intent is committed, and either it has not acted or it may do so again
    BEGIN = auto()  # a person let it act: commit its intent, then act
    TELL = auto()  # a person decided: tell the model
    DOUBT = auto()  # it may have acted, and may not do so twice
    WAIT = auto()  # for a person


_NEXT: Mapping[CallStatus, Next] = {
    "approved": Next.BEGIN,
    "requested": Next.WAIT,
    "unknown": Next.WAIT,
}


def next_of(intent: Intent) -> Next:
    """Of a call that has no result yet."""
    if intent.status != "intended":
        return _NEXT.get(intent.status, Next.TELL)
    doubtful = intent.resumed and intent.effect == Effect.WRITE
    return Next.DOUBT if doubtful else Next.ACT


def moved(intent: Intent, status: CallStatus) -> Intent:
    """By the process that drives it, so it is no longer somebody else's."""
    assert status in MOVES[intent.status], f"{intent.status} never becomes {status}"
    return replace(intent, status=status, resumed=False)


def intended(call: Call, tool: Tool | None, *, untrusted: bool) -> Intent:
    """What is written down before a call, or instead of it if a person is asked first."""
    arguments = call["arguments"]
    digest = hashlib.sha256(arguments.encode()).hexdigest()
    effect = tool.effect if tool else Effect.READ
    intent = Intent(new_id(), call["id"], call["tool"], arguments, digest, effect)
    if tool and asks(tool, untrusted=untrusted):
        return replace(intent, status="requested", waits_for="approval")
    return intent


def waiting(run: Run) -> list[Intent]:
    return [intent for intent in run.ledger.values() if intent.status in WAITING]


def shown(intent: Intent) -> dict[str, object]:
    """As a `contracts.runs.WaitingCall`."""
    factory = intent.tool_factory_id
    return {
        "call": str(intent.id),
        "tool": intent.tool,
        "arguments": intent.arguments,
        "arguments_hash": intent.arguments_hash,
        "effect": intent.effect,
        "waits_for": intent.waits_for,
        "connection": intent.connection,
        "tool_factory_id": str(factory) if factory else None,
        "evidence": intent.result,
    }


def reason(some: Sequence[Intent]) -> str:
    """Why the run waits."""
    unknown = [one.tool for one in some if one.status == "unknown"]
    missing = [one.connection or one.tool for one in some if one.waits_for == "connection"]
    said = [f"unknown effect: {', '.join(unknown)} may have acted; a person must look"] * any(
        unknown
    )
    said += ["approval"] * any(one.waits_for == "approval" for one in some)
    said += [f"connection: {', '.join(dict.fromkeys(missing))}"] * any(missing)
    return "; ".join(said)


def told(intent: Intent) -> str:
    """What the model reads instead of a result."""
    if intent.status == "done":
        said = "A person looked into it: this call has acted."
    elif intent.waits_for == "unknown":
        said = "Nobody knows whether this call acted. A person decided not to repeat it."
    elif intent.waits_for == "connection":
        said = f"{intent.connection} is not connected, so nothing was done."
    else:
        said = "A person did not allow this call, so nothing was done."
    return f"{said} They say: {intent.note}" if intent.note else said
