"""The benchmark runs from end to end and says what it promises; how long anything takes is open."""

import asyncio
import sys

import orjson

COMMAND = ("-m", "bench.turn", "--json", "--streams", "1,2", "--turns", "4", "--rounds", "1")


async def test_a_small_run_prints_every_figure() -> None:
    options = (*COMMAND, "--open-streams", "4", "--seconds", "120")
    child = await asyncio.create_subprocess_exec(
        sys.executable, *options, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await child.communicate()
    assert child.returncode == 0

    report = orjson.loads(printed)
    cases = {(c["case"]["model"], c["case"]["streams"]): c for c in report["cases"]}
    assert set(cases) == {
        ("burst", 1),
        ("burst", 2),
        ("packets", 2),
        ("paced", 2),
        ("tool", 2),
    }
    for measured in cases.values():
        assert measured["monster"]["turns_per_second"] > 0
        assert (measured["floor"] is None) == (measured["case"]["model"] == "tool")
    # Of all together: four turns may take less than the clock's tick.
    assert sum(measured["monster"]["cpu"] for measured in cases.values()) > 0
    # PostgreSQL counts what tests/engine counts in the driver.
    assert cases["burst", 1]["statements"] == 4
    assert cases["tool", 2]["statements"] == 8
    assert report["history"] == 20
