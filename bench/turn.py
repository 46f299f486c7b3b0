"""What a turn costs: Monster beside a bare relay and a direct call, in one run.

    python -m bench.turn [--json] [--streams 1,16,64] [--turns 320] [--rounds 3]

See README.md for how to read it.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import orjson
import uvloop

from bench import table
from bench.measure import Bench, Case, Report, memory_per_stream, waiting, waiting_relay
from bench.processes import pin, running
from bench.world import HISTORY, KEY, World
from monster.engine import database
from monster.kit import embedded

MODELS = ("burst", "packets", "paced", "tool", "hang")


def cases(streams: list[int], turns: int) -> list[Case]:
    """The slow ones take as long as the model: fewer turns of those."""
    some = min(16, max(streams))
    return [
        *(Case("burst", n, max(n, turns if n > 1 else turns // 2)) for n in streams),
        Case("packets", some, max(some, turns // 2), length=0.25),
        Case("paced", some, max(some, turns // 5), length=1.28),
        Case("tool", some, max(some, turns // 2)),
    ]


@contextmanager
def database_server() -> Generator[World]:
    folder = Path(tempfile.mkdtemp(prefix="monster-bench-"))
    folder.chmod(0o755)  # the server may run as another user, see embedded.py
    server = embedded.start(folder / "pg", {database.NAME: database.MIGRATIONS})
    try:
        yield World(server, folder)
    finally:
        server.stop()
        shutil.rmtree(folder)


async def measure(arguments: argparse.Namespace) -> Report:
    """Everything, between the start and the end of all that takes part."""
    *others, last = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or [last])  # what is started from here on inherits this
    with database_server() as world, running("bench.model_server") as model:
        key = KEY.as_pem(private=False).decode()
        settings = (world.url(), key, world.master_key, str(world.folder))
        with running("bench.floor", model.url) as floor, running("bench.monster", *settings) as own:
            for child in (floor, own):
                pin(child.pid, {last})
            credential_id = await asyncio.to_thread(world.connect_model, own.url, model.url)
            for name in MODELS:
                await asyncio.to_thread(world.publish, own.url, name, credential_id)
            bench = Bench(world, model, floor, own)
            found = await bench.run(cases(arguments.streams, arguments.turns), arguments.rounds)
        with running("bench.monster", *settings) as fresh:
            turns = waiting(world, fresh)
            memory = await memory_per_stream(fresh, arguments.open_streams, turns)
        with running("bench.floor", model.url) as fresh:
            relay = waiting_relay(fresh)
            floor_memory = await memory_per_stream(fresh, arguments.open_streams, relay)
    return Report(
        python=sys.version.split()[0],
        alone=bool(others),
        rounds=arguments.rounds,
        history=HISTORY,
        cases=found,
        kib_per_open_stream=memory,
        floor_kib_per_open_stream=floor_memory,
    )


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a turn costs, beside a bare relay.")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--streams", type=_numbers, default=[1, 16, 64], help="at once, e.g. 1,16")
    parser.add_argument("--turns", type=int, default=320, help="of a case in a round")
    parser.add_argument("--rounds", type=int, default=3, help="the medians of these are told")
    parser.add_argument("--open-streams", type=int, default=500, help="for the memory of one")
    parser.add_argument("--seconds", type=float, default=600, help="then it stops, come what may")
    arguments = parser.parse_args()

    async def bounded() -> Report:
        async with asyncio.timeout(arguments.seconds):
            return await measure(arguments)

    report = uvloop.run(bounded())
    if arguments.json:
        sys.stdout.buffer.write(orjson.dumps(report, option=orjson.OPT_APPEND_NEWLINE))
    else:
        table.show(report)


if __name__ == "__main__":
    main()
