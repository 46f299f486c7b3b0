"""The ledger's rules, played through: whatever dies when, and whatever people say, nothing acts
twice, and nothing that is asked about acts before somebody has said yes."""

from dataclasses import replace
from typing import ClassVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monster.contracts.tools import Approval
from monster.engine.models.protocol import Call, ToolSchema
from monster.engine.runs.ledger import (
    ANSWERED,
    MOVES,
    WAITING,
    Next,
    intended,
    moved,
    next_of,
    told,
)
from monster.engine.runs.policy import asks
from monster.engine.runs.schemas import CallStatus, Intent
from monster.engine.runs.tools import CallContext, Tool, ToolOutput
from monster.engine.toolkit.effects import Effect

OUTCOMES: tuple[CallStatus, ...] = ("done", "failed")


async def _nothing(_: dict[str, object], __: CallContext) -> ToolOutput:
    return ToolOutput("")


def tool(effect: Effect, approval: Approval = "never") -> Tool:
    return Tool(ToolSchema("act", "", {}), effect, _nothing, approval=approval)


CALL: Call = {"type": "call", "id": "c", "tool": "act", "arguments": "{}"}


class Ledger(RuleBasedStateMachine):
    """One call. `row` is what is committed; `doing` is whether a process is at it."""

    row: Intent
    asked: bool
    allowed: int  # how often people let it act
    acts: int
    doing: bool
    told: bool

    FINAL: ClassVar = {status for status, moves in MOVES.items() if not moves}

    @initialize(
        effect=st.sampled_from(Effect),
        approval=st.sampled_from(("never", "always", "untrusted")),
        untrusted=st.booleans(),
    )
    def ask(self, effect: Effect, approval: Approval, *, untrusted: bool) -> None:
        it = tool(effect, approval)
        self.row = intended(CALL, it, untrusted=untrusted)
        self.asked = asks(it, untrusted=untrusted)
        self.allowed, self.acts, self.doing, self.told = 0, 0, False, False

    def _drives(self) -> bool:
        return not self.doing and not self.told

    @precondition(lambda self: self._drives() and next_of(self.row) is Next.BEGIN)
    @rule()
    def begin(self) -> None:
        self.row = moved(self.row, "intended")

    @precondition(lambda self: self._drives() and next_of(self.row) is Next.ACT)
    @rule()
    def act(self) -> None:
        self.acts += 1
        self.doing = True

    @precondition(lambda self: self.doing)
    @rule(outcome=st.sampled_from(OUTCOMES))
    def come_out(self, outcome: CallStatus) -> None:
        self.row, self.doing, self.told = moved(self.row, outcome), False, True

    @precondition(lambda self: self.doing)
    @rule()
    def break_off(self) -> None:
        """Something foreign was raised."""
        status: CallStatus = "unknown" if self.row.effect == Effect.WRITE else "failed"
        self.row = replace(moved(self.row, status), waits_for="unknown")
        self.doing, self.told = False, status == "failed"

    @precondition(lambda self: self.doing)
    @rule()
    def be_without_connection(self) -> None:
        """It says for certain that it did not act."""
        self.acts -= 1
        self.row = replace(moved(self.row, "requested"), waits_for="connection")
        self.doing = False

    @rule()
    def die(self) -> None:
        """The process; the next one reads what was committed."""
        self.row, self.doing = replace(self.row, resumed=True), False

    @precondition(lambda self: self._drives() and next_of(self.row) is Next.DOUBT)
    @rule()
    def doubt(self) -> None:
        self.row = replace(moved(self.row, "unknown"), waits_for="unknown")

    @precondition(lambda self: self.row.status in WAITING)
    @rule(decision=st.sampled_from(sorted(ANSWERED)))
    def answer(self, decision: str) -> None:
        status = ANSWERED[cast("object", decision)]  # pyright: ignore[reportArgumentType]
        if decision == "confirm" and self.row.status != "unknown":
            return  # refused
        self.row = replace(moved(self.row, status), resumed=True)
        self.allowed += decision == "approve"

    @precondition(lambda self: self._drives() and next_of(self.row) is Next.TELL)
    @rule()
    def tell(self) -> None:
        assert told(self.row)
        self.told = True

    @invariant()
    def nothing_acts_unasked(self) -> None:
        if self.asked and self.row.effect == Effect.WRITE:
            assert self.acts <= self.allowed

    @invariant()
    def a_write_acts_once_for_each_yes(self) -> None:
        if self.row.effect == Effect.WRITE:
            assert self.acts <= self.allowed + (not self.asked)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """What is over has been told to the model, or is next to be."""
        if self.told:
            assert self.row.status in self.FINAL
        elif self.row.status in self.FINAL:
            assert next_of(self.row) is Next.TELL
        elif self.row.status in WAITING:
            assert next_of(self.row) is Next.WAIT
        else:
            assert next_of(self.row) in {Next.ACT, Next.BEGIN, Next.DOUBT}


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("status", MOVES)
def test_what_is_over_stays_over(status: CallStatus) -> None:
    row = replace(intended(CALL, tool(Effect.WRITE), untrusted=False), status=status)
    for other in set(MOVES) - MOVES[status]:
        with pytest.raises(AssertionError):
            moved(row, other)


def test_what_people_may_say_is_what_may_become_of_it() -> None:
    for status in WAITING:
        answers = set(ANSWERED.values()) - (set() if status == "unknown" else {"done"})
        assert MOVES[status] == answers
