"""The calls of one run: written down, asked about, made side by side, written down again."""

import asyncio
from dataclasses import dataclass, replace

from monster.contracts.tools import Origin
from monster.engine.models.protocol import Call, Message, Reply, Result
from monster.engine.runs import ledger
from monster.engine.runs.calling import Outcome, Shorten, perform
from monster.engine.runs.journal import Journal
from monster.engine.runs.ledger import Next, moved, next_of
from monster.engine.runs.schemas import Ending, Intent, Limits, Step
from monster.engine.runs.tools import CallContext, Toolbox
from monster.engine.toolkit.effects import ConnectionMissing

_EVIDENCE = 1_000  # characters of a result that the ledger keeps; all of it is in the message


class Stop(Exception):
    """The run ends here, for a reason that is not a bug."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


@dataclass(slots=True)
class Calls:
    journal: Journal
    toolbox: Toolbox
    limits: Limits
    shorten: Shorten

    async def intend(self, reply: Reply) -> None:
        """The reply and what is about to happen because of it are one commit. Raises Stop."""
        run = self.journal.run
        run.tool_calls += len(reply.calls)
        if run.tool_calls > self.limits.tool_calls:
            raise Stop(Ending("failed", reason="limit: tool calls"))
        intents = [
            ledger.intended(call, self.toolbox.get(call["tool"]), untrusted=run.untrusted)
            for call in once(reply.calls)
        ]
        called = [
            ("tool.call", {"id": i.call_id, "tool": i.tool, "arguments": i.arguments})
            for i in intents
        ]
        asked = [("tool.approval_requested", _asked(i)) for i in intents if i.waits_for]
        said = ("message.completed", {"seq": run.seq + 1})
        step = Step([reply.message()], reply.usage, intents)
        await self.journal.write(step, said, *called, *asked)

    async def settle(self, calls: list[Call]) -> None:
        """Raises Stop if there is one that a person has to decide about: after all the others."""
        run = self.journal.run
        await self._follow_answers([run.ledger[call["id"]] for call in calls])
        if run.cancel:
            raise asyncio.CancelledError
        intents = [run.ledger[call["id"]] for call in calls]
        async with asyncio.TaskGroup() as group:
            for intent in intents:
                if next_of(intent) in {Next.ACT, Next.DOUBT}:
                    group.create_task(self._make(intent))
        if waiting := ledger.waiting(run):
            raise Stop(Ending("waiting", reason=ledger.reason(waiting)))

    async def _follow_answers(self, intents: list[Intent]) -> None:
        """What people decided is one commit, and what may act is intended in it."""
        begun = [moved(i, "intended") for i in intents if next_of(i) is Next.BEGIN]
        decided = [i for i in intents if next_of(i) is Next.TELL]
        if not begun and not decided:
            return
        results = [_result(i, ledger.told(i), "user", failed=i.status != "done") for i in decided]
        messages: list[Message] = [{"role": "tool", "parts": [part]} for part in results]
        await self.journal.write(Step(messages, settled=begun), *map(_returned, results))

    async def _make(self, intent: Intent) -> None:
        try:
            outcome = await self._outcome(intent)
        except ConnectionMissing as missing:
            row = replace(moved(intent, "requested"), waits_for="connection")
            row = replace(row, connection=missing.name, tool_factory_id=missing.tool_factory_id)
            return await self.journal.write(Step(settled=[row]))
        row = replace(moved(intent, outcome.status), result=outcome.content[:_EVIDENCE])
        if outcome.status == "unknown":
            row = replace(row, waits_for="unknown")
            return await self.journal.write(Step(settled=[row]))
        failed = outcome.status == "failed"
        part = _result(intent, outcome.content, outcome.origin, failed=failed)
        if outcome.sources:
            part["sources"] = list(outcome.sources)
        message: Message = {"role": "tool", "parts": [part]}
        step = Step([message], settled=[row], untrusted=outcome.untrusted)
        cited = [("citation", dict(source)) for source in outcome.sources]
        return await self.journal.write(step, _returned(part), *cited)

    async def _outcome(self, intent: Intent) -> Outcome:
        if next_of(intent) is Next.DOUBT:
            return Outcome("unknown", "The server stopped before there was a result.")
        tool = self.toolbox.get(intent.tool)
        if tool is None:
            return Outcome("failed", f"there is no tool {intent.tool!r}")
        run = self.journal.run
        ids = (run.conversation_id, run.id, intent.id)
        context = CallContext(self.journal.scope, run.spec, *ids, run.reserve)
        return await perform(tool, intent.arguments, context, self.shorten)


def once(calls: tuple[Call, ...] | list[Call]) -> list[Call]:
    """A model may use an id twice in one reply: one result would answer both, so one is made."""
    return list({call["id"]: call for call in reversed(calls)}.values())[::-1]


def open_calls(messages: list[Message]) -> list[Call]:
    """What the last reply asked for and nobody has answered."""
    answered: set[str] = set()
    for message in reversed(messages):
        if message["role"] == "assistant":
            calls = [part for part in message["parts"] if part["type"] == "call"]
            return [call for call in once(calls) if call["id"] not in answered]
        if message["role"] == "user":
            break
        answered |= {part["id"] for part in message["parts"] if part["type"] == "result"}
    return []


def _asked(intent: Intent) -> dict[str, str]:
    return {
        "id": intent.call_id,
        "call": str(intent.id),
        "tool": intent.tool,
        "arguments": intent.arguments,
        "arguments_hash": intent.arguments_hash,
        "effect": intent.effect,
    }


def _result(intent: Intent, content: str, origin: Origin, *, failed: bool) -> Result:
    said: Result = {"type": "result", "id": intent.call_id, "content": content, "failed": failed}
    said["origin"] = origin
    return said


def _returned(part: Result) -> tuple[str, dict[str, object]]:
    return "tool.result", {key: part[key] for key in ("id", "content", "failed")}
