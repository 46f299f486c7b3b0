"""Measures one case after the other, the subjects taking turns in every round."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from bench import load
from bench.load import Target
from bench.processes import Child, cpu, resident
from bench.world import Log, World, model_body

_WARM = 200  # turns
_COUNTED = 3  # turns whose statements are counted
_RELAYED = {"burst", "packets", "paced"}  # what the floor can do: it has no tools


@dataclass(frozen=True, slots=True)
class Case:
    model: str  # a preset of the model server
    streams: int
    turns: int
    length: float = 0.0  # seconds of a turn; the streams begin spread over it, as people do


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one subject in one round."""

    first_p50: float  # ms from the request to the first token
    first_p95: float
    cpu: float  # ms a turn, of the process under test
    database_cpu: float  # ms a turn
    turns_per_second: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of the rounds. `added` to what a direct call takes at the median in that round."""

    added_first_p50: float
    added_first_p95: float
    cpu: float
    database_cpu: float
    turns_per_second: float
    best_turns_per_second: float


@dataclass(frozen=True, slots=True)
class _Round:
    direct: Sample | None
    floor: Sample | None
    monster: Sample


@dataclass(frozen=True, slots=True)
class Measured:
    case: Case
    direct: Figures | None
    floor: Figures | None
    monster: Figures
    statements: float  # SQL of one turn
    cpu_to_floor: float | None  # none without a floor, or if that took less than a tick


def _figures(own: list[Sample], direct: list[Sample]) -> Figures:
    starts = [sample.first_p50 for sample in direct] or [0.0] * len(own)
    pairs = list(zip(own, starts, strict=True))
    return Figures(
        added_first_p50=median(sample.first_p50 - start for sample, start in pairs),
        added_first_p95=median(sample.first_p95 - start for sample, start in pairs),
        cpu=median(sample.cpu for sample in own),
        database_cpu=median(sample.database_cpu for sample in own),
        turns_per_second=median(sample.turns_per_second for sample in own),
        best_turns_per_second=max(sample.turns_per_second for sample in own),
    )


@dataclass(frozen=True, slots=True)
class Report:
    python: str
    alone: bool  # had the process under test a core of its own
    rounds: int
    history: int  # messages
    cases: list[Measured]
    kib_per_open_stream: float
    floor_kib_per_open_stream: float


@dataclass(frozen=True, slots=True)
class Bench:
    world: World
    model: Child
    floor: Child
    monster: Child

    async def run(self, cases: list[Case], rounds: int) -> list[Measured]:
        for model in ("burst", "tool"):
            await self._round(Case(model, 16, _WARM))
        models = {case.model for case in cases}
        statements = {model: await self._statements(model) for model in models}
        samples = [[await self._round(case) for case in cases] for _ in range(rounds)]
        return [
            _summary(case, of_case, statements[case.model])
            for case, *of_case in zip(cases, *samples, strict=True)
        ]

    async def _round(self, case: Case) -> _Round:
        """The subjects one after the other, so that what disturbs the machine disturbs all."""
        requests = await asyncio.to_thread(self._requests, case)
        own = Target(self.monster.port, b"event: message.delta\n", requests.__next__)
        if case.model in _RELAYED:
            asked = model_body(case.model)
            headers = {"Content_Type": "application/json"}
            call = load.request("POST", "/v1/chat/completions", asked, **headers)
            direct = Target(self.model.port, b'"delta":{"content":', lambda: call)
            turn = load.request("POST", "/turn", asked, **headers)
            floor = Target(self.floor.port, b"event: token\n", lambda: turn)
            return _Round(
                await self._sample(direct, case, self.model),
                await self._sample(floor, case, self.floor),
                await self._sample(own, case, self.monster),
            )
        return _Round(None, None, await self._sample(own, case, self.monster))

    def _requests(self, case: Case) -> Iterator[bytes]:
        return iter(self.world.requests(case.model, case.turns))

    async def _sample(self, target: Target, case: Case, child: Child) -> Sample:
        before, database = cpu(child.pid), self.world.cpu()
        seen = await load.drive(target, case.streams, case.turns, case.length)
        spent, database = cpu(child.pid) - before, self.world.cpu() - database
        first = sorted(second * 1000 for second in seen.first)
        return Sample(
            first_p50=median(first),
            first_p95=first[int(0.95 * (len(first) - 1))],
            cpu=spent * 1000 / case.turns,
            database_cpu=database * 1000 / case.turns,
            turns_per_second=case.turns / seen.seconds,
        )

    async def _statements(self, model: str) -> float:
        """Of one turn, the median: a heartbeat that falls into one does not count."""
        requests = await asyncio.to_thread(self.world.requests, model, _COUNTED)
        target = Target(self.monster.port, b"event: message.delta\n", iter(requests).__next__)
        with self.world.logged() as log:
            return median([await self._count(target, log) for _ in requests])

    async def _count(self, target: Target, log: Log) -> int:
        log.statements()
        await load.drive(target, 1, 1)
        return log.statements()


def _summary(case: Case, rounds: list[_Round], statements: float) -> Measured:
    direct = [r.direct for r in rounds if r.direct]
    floor = [r.floor for r in rounds if r.floor]
    own = _figures([r.monster for r in rounds], direct)
    return Measured(
        case=case,
        direct=_figures(direct, direct) if direct else None,
        floor=_figures(floor, direct) if floor else None,
        monster=own,
        statements=statements,
        cpu_to_floor=_ratio(rounds),
    )


def _ratio(rounds: list[_Round]) -> float | None:
    """Round by round: the machine was the same for both.

    Where the clock of a process moves in ticks, a few turns of the floor may take none.
    """
    ratios = [r.monster.cpu / r.floor.cpu for r in rounds if r.floor and r.floor.cpu]
    return median(ratios) if ratios else None


def waiting(world: World, monster: Child) -> Callable[[int], Target]:
    """So many turns, each in its own conversation, of a model that keeps silent."""

    def target(turns: int) -> Target:
        requests = world.requests("hang", turns)
        return Target(monster.port, b"event: run.started\n", iter(requests).__next__)

    return target


def waiting_relay(floor: Child) -> Callable[[int], Target]:
    """The same of the floor, whose mark is that the answer begins."""
    turn = load.request("POST", "/turn", model_body("hang"), Content_Type="application/json")
    return lambda _: Target(floor.port, b"200 OK", lambda: turn)


async def memory_per_stream(child: Child, streams: int, target: Callable[[int], Target]) -> float:
    """KiB by which a fresh process grows for each stream that waits for its first token."""
    # What is loaded once is not the streams'.
    warm = await _open(target, min(50, streams))
    before = resident(child.pid)
    clients = await _open(target, streams)
    grown = resident(child.pid) - before
    for client in (*warm, *clients):
        client.close()
    await asyncio.sleep(0.1)  # until that is known there: otherwise it would not end by itself
    return grown / streams / 1024


async def _open(make: Callable[[int], Target], streams: int) -> list[load.Client]:
    """When all are under way."""
    target = await asyncio.to_thread(make, streams)
    clients = await load.connect(target, streams)
    for client in clients:
        client.send(target.request())
    while not all(client.first for client in clients):  # noqa: ASYNC110 (they are many)
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # the models are being asked
    return clients
