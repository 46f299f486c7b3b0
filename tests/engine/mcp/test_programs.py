"""Servers that are programs on the engine's machine."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace

import psutil
import pytest

from monster.engine.toolkit.effects import ToolFailed, Unclear
from tests.mcp.connect import Client, connecting, environment, everything, program


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with connecting() as made:
        yield made


def mine() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if "keeper.py" in _line(one)]


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


async def test_a_program_knows_what_it_was_told_and_nothing_else(client: Client) -> None:
    server = client.open(program(), {"TOKEN": "of a person"}, {"KEY": "of the server"})
    told = await environment(await client.approved(server))
    assert set(told["variables"]) - {"LC_CTYPE"} == {
        *("PATH", "LANG", "HOME", "TMPDIR"),
        *("TOKEN", "KEY"),
    }
    assert told["variables"]["HOME"] == told["folder"]
    assert "monster-mcp-" in told["folder"]
    assert await server.account() == "Naughty 1.2"


async def test_it_cannot_read_the_environment_of_others(client: Client) -> None:
    spy = await client.approved(client.open(program(), {"TOKEN": "mine-6b1f"}))
    other = client.open(program(), {"TOKEN": "theirs-6b1f"})
    assert await other.account()
    seen = str(await spy.call("spy", {}))
    assert "theirs-6b1f" not in seen
    engine = dict(os.environ)  # noqa: TID251
    assert not [name for name in engine if f"{name}={engine[name]}" in seen and name != "LANG"]


async def test_sessions_are_kept_apart_and_shared_by_nobody(client: Client) -> None:
    servers = [await client.approved(client.open(program())) for _ in range(2)]
    first, second = [await environment(one) for one in servers]
    assert first == await environment(servers[0])
    assert first["folder"] != second["folder"]
    changed = replace(servers[0].made, environments={"KEY": "another"})
    other = client.servers.open(changed, servers[0].connection)
    assert await environment(other) != first


async def test_what_it_starts_ends_with_it() -> None:
    before = len(mine())
    async with connecting() as client:
        server = await client.approved(client.open(program()))
        await server.call("spawn", {})
        assert len(mine()) > before
        sleeping = [
            one for one in psutil.Process().children(recursive=True) if "3600" in _line(one)
        ]
        assert sleeping
    gone, _ = psutil.wait_procs(sleeping, timeout=5)
    assert len(gone) == len(sleeping)
    assert len(mine()) == before


ENGINE = """
import asyncio, sys
from tests.mcp.connect import connecting, program

async def main():
    async with connecting() as client:
        server = await client.approved(client.open(program()))
        await server.call("spawn", {})
        print("ready", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_it_ends_when_the_engine_is_killed() -> None:
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", textwrap.dedent(ENGINE)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # noqa: TID251
        stdout=asyncio.subprocess.PIPE,
    )
    assert engine.stdout
    assert await engine.stdout.readline() == b"ready\n"
    started = psutil.Process(engine.pid).children(recursive=True)
    assert any("3600" in _line(one) for one in started)
    engine.send_signal(signal.SIGKILL)
    await engine.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, started, 10)
    assert alive == []


async def test_one_that_crashes_is_started_again_with_patience(client: Client) -> None:
    server = await client.approved(client.open(program()))
    with pytest.raises(Unclear, match="may have acted"):
        await server.call("crash", {})
    assert await server.call("greet", {"name": "Ada"}) == {"result": "Hello, Ada"}

    for _ in range(2):
        with pytest.raises(Unclear):
            await server.call("crash", {})
    with pytest.raises(ToolFailed, match="failed 2 times in a row; try again in 1 s"):
        await server.call("greet", {"name": "Ada"})


async def test_what_only_reads_did_not_act(client: Client) -> None:
    server = await client.approved(client.open(program()), "read")
    with pytest.raises(ToolFailed, match="ended the connection"):
        await server.call("crash", {})


async def test_one_that_hangs_is_called_off(client: Client) -> None:
    server = await client.approved(client.open({**program(), "timeout_seconds": 2}))
    with pytest.raises(Unclear, match="does not answer"):
        await server.call("hang", {"seconds": 60})
    assert await server.call("was_cancelled", {}) == {"result": True}


async def test_a_run_that_is_cancelled_calls_it_off(client: Client) -> None:
    server = await client.approved(client.open(program()))
    call = asyncio.create_task(server.call("hang", {"seconds": 60}))
    await server.call("greet", {"name": "Ada"})
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with asyncio.timeout(10):
        while await server.call("was_cancelled", {}) != {"result": True}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_progress_keeps_a_call_alive_but_not_for_ever(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monster.engine.mcp.session._SILENCE", 1.5)
    server = await client.approved(client.open({**program(), "timeout_seconds": 4}))
    assert await server.call("work", {"steps": 5, "pause": 0.5}) == {"result": "worked"}
    with pytest.raises(Unclear, match="does not answer"):
        await server.call("work", {"steps": 1, "pause": 3})
    with pytest.raises(Unclear, match="does not answer"):
        await server.call("work", {"steps": 60, "pause": 0.1})


async def test_a_program_that_does_not_exist_says_so(client: Client) -> None:
    missing = client.open({"transport": "stdio", "command": "no-such-program"})
    with pytest.raises(ToolFailed, match="no-such-program: No such file or directory"):
        await missing.account()
    with pytest.raises(ToolFailed, match="this cannot work"):
        await client.open(program("liar.py", "words")).account()


async def test_the_reference_server(client: Client) -> None:
    server = await client.approved(client.open(everything()))
    assert await server.call("echo", {"message": "hi"}) == "Echo: hi"
    assert await server.call("get-structured-content", {"location": "Chicago"}) == {
        "temperature": 36,
        "conditions": "Light rain / drizzle",
        "humidity": 82,
    }
    picture = await server.call("get-tiny-image", {})
    assert isinstance(picture, dict)
    assert picture["files"][0]["type"] == "image/png"
    assert client.files.files[picture["files"][0]["name"]][0].startswith(b"\x89PNG")
    work = {"duration": 1, "steps": 4}
    assert "completed" in str(await server.call("trigger-long-running-operation", work))
    with pytest.raises(ToolFailed, match="get-sum"):
        await server.call("get-sum", {"a": "x"})
