"""Killing the engine with `kill -9` loses nothing and repeats nothing.

Everything here is a process of its own: the engine, the model it asks over the wire, and the
server that the tool calls. What the client keeps is what a client is told to keep: the id of the
last event, and text, of which `run.resumed` voids what belongs to an unfinished reply.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import httpx
import pytest

from bench.processes import Child, running
from monster.kit.embedded import Embedded
from tests.builders import Tenant
from tests.processes import Process, World, until, world_to_act_upon
from tests.talk import Script, Seen, publish, text_of

WORDS = 30
ANSWER = "".join(f"w{n} " for n in range(WORDS))


@pytest.fixture(scope="module")
def model() -> Iterator[Child]:
    with running("bench.model_server") as child:
        yield child


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_to_act_upon() as there:
        yield there


@pytest.fixture
async def engine_process(postgres: Embedded, model: Child) -> AsyncIterator[Process]:
    process = Process.start(postgres, model.url)
    try:
        await process.ready()
        yield process
    finally:
        await process.hang_up()
        process.kill()


FIRST = ["run.started", "message.completed", "tool.call", "tool.result"]
LAST = ["message.completed", "run.completed"]


@dataclass
class Story:
    """One run that calls a tool and then answers slowly, and all that its client was sent."""

    tenant: Tenant
    world: World
    agent_id: str
    model_url: str
    name: str  # of the model, by which its requests are counted
    events: list[Seen] = field(default_factory=list[Seen])

    @classmethod
    async def of(cls, tenant: Tenant, world: World, model: Child) -> "Story":
        script: Script = [
            {"tokens": 2, "calls": [["send", {"url": world.url}]]},
            {"tokens": WORDS, "first": 0.3, "each": 0.05},
        ]
        name = f"script@{tenant.id}"
        agent_id = await publish(tenant, script, f"wire:{name}")
        return cls(tenant, world, agent_id, model.url, name)

    @property
    def run_id(self) -> str:
        return self.events[0].data["run_id"]

    async def begin(self, process: Process, end: str, count: int = 1) -> None:
        """Until so many events of a type have come; then the client is gone."""
        async with aclosing(process.caller(self.tenant, self.agent_id).start("go")) as events:
            for _ in range(count):
                self.events += await until(events, end)

    async def go_on(self, process: Process, end: str = "run.completed", count: int = 1) -> None:
        """Come back with the id of the last event."""
        caller = process.caller(self.tenant, self.agent_id)
        async with aclosing(caller.follow(self.run_id, self.events[-1].id)) as events:
            for _ in range(count):
                self.events += await until(events, end)

    async def asked(self) -> int:
        """How often the model was asked."""
        async with httpx.AsyncClient(base_url=self.model_url) as http:
            return (await http.get("/_count")).json()[self.name]

    def types(self) -> list[str]:
        return [event.type for event in self.events if event.type != "message.delta"]

    def answer(self) -> str:
        """The text of the last reply as the client shows it."""
        voided = [n for n, e in enumerate(self.events) if e.type in {"run.resumed", "tool.result"}]
        return text_of(self.events[voided[-1] :])

    async def assert_whole(self, process: Process, resumed: int) -> None:
        """The client has everything once, and so have the journal, the tool and a late reader."""
        assert self.types() == [*FIRST, *["run.resumed"] * resumed, *LAST]
        _assert_once(self.events)
        assert self.answer() == ANSWER
        assert len(self.world.keys) == 1
        caller = process.caller(self.tenant, self.agent_id)
        run = (await caller.http.get(f"/v1/runs/{self.run_id}")).json()
        assert (run["status"], run["response"]) == ("completed", ANSWER)
        talk = await caller.http.get(f"/v1/conversations/{run['conversation_id']}/messages")
        assert [m["role"] for m in talk.json()] == ["assistant", "tool", "assistant", "user"]
        late = replace(self, events=[event async for event in caller.follow(self.run_id)])
        assert late.types() == self.types()
        _assert_once(late.events)


def _assert_once(events: list[Seen]) -> None:
    cursors = [event.cursor for event in events]
    assert cursors == sorted(set(cursors))


@pytest.fixture
async def story(tenant: Tenant, world: World, model: Child) -> Story:
    return await Story.of(tenant, world, model)


MOMENTS = [
    ("tool.result", 1, {2, 3}),  # the request for the answer may be on its way, or not yet
    ("message.delta", 7, {3}),  # in the midst of it; two of them are the first reply's
]


@pytest.mark.parametrize(("moment", "count", "asked"), MOMENTS)
async def test_killed_after_the_tool_result_and_started_again(
    engine_process: Process, story: Story, moment: str, count: int, asked: set[int]
) -> None:
    await story.begin(engine_process, moment, count)
    engine_process.kill()
    await engine_process.again()
    await story.go_on(engine_process)

    await story.assert_whole(engine_process, resumed=1)
    assert await story.asked() in asked  # for the tool's call, the answer that was lost, the answer


async def test_killed_again_while_it_goes_on(engine_process: Process, story: Story) -> None:
    await story.begin(engine_process, "message.delta", 5)
    for _ in range(2):
        engine_process.kill()
        await engine_process.again()
        await story.go_on(engine_process, "message.delta", 4)
    engine_process.kill()
    await engine_process.again()
    await story.go_on(engine_process)

    await story.assert_whole(engine_process, resumed=3)
    assert await story.asked() == 5


async def test_two_engines_come_up_and_one_of_them_goes_on(
    engine_process: Process, postgres: Embedded, model: Child, story: Story
) -> None:
    await story.begin(engine_process, "message.delta", 5)
    engine_process.kill()

    other = Process.start(postgres, model.url)
    try:
        await asyncio.gather(engine_process.again(), other.ready())
        same = replace(story, events=[*story.events])
        await asyncio.gather(story.go_on(engine_process), same.go_on(other))
        for told, process in ((story, engine_process), (same, other)):
            await told.assert_whole(process, resumed=1)
        assert await story.asked() == 3
    finally:
        await other.hang_up()
        other.kill()
