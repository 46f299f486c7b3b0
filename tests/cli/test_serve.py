"""`monster serve` as a person uses it: first start, second start, Ctrl-C, `kill -9`, mistakes."""

import json
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.serving import READY, Platform, serving


@pytest.fixture(scope="module")
def installed() -> Iterator[Platform]:
    """An installation that has been started once, and runs."""
    with serving() as platform:
        yield platform


def _answers(platform: Platform) -> bool:
    with urllib.request.urlopen(f"{platform.address}/health", timeout=5) as answer:  # noqa: S310
        return json.load(answer) == {"status": "ok"}


def _gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not alive


def test_the_first_start_says_where_and_who(installed: Platform) -> None:
    assert installed.address in installed.greeting
    assert "admin@acme.example" in installed.greeting
    assert len(installed.password) >= 12
    assert _answers(installed)


def test_it_is_there_once(installed: Platform) -> None:
    again = Platform(installed.folder)
    again.start()
    assert again.ended() == 1
    assert "running already" in again.output


def test_a_port_that_is_taken_is_named(installed: Platform, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        other = Platform(tmp_path / "data", {"port": port})
        other.start()
        assert other.ended() == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in other.output
    assert _answers(installed)


@pytest.mark.parametrize("name", ["dashboard", "engine", "worker"])
def test_a_process_that_dies_is_started_again(installed: Platform, name: str) -> None:
    before = installed.child(name)
    before.kill()
    for _ in range(200):
        time.sleep(0.1)
        alive = [child for child in installed.children() if name in child.cmdline()]
        if alive and alive[0].pid != before.pid and _reachable(installed):
            break
    else:
        pytest.fail(f"the {name} did not come back")


def _reachable(platform: Platform) -> bool:
    try:
        return _answers(platform)
    except OSError:
        return False


def test_kill_and_start_again_then_ctrl_c(installed: Platform) -> None:
    children = psutil.Process(installed.process.pid).children(recursive=True)
    installed.kill()
    assert _gone(children), "a process outlived its parent"

    installed.start()
    assert READY in installed.output, installed.output
    assert "Password" not in installed.output
    assert _answers(installed)

    children = psutil.Process(installed.process.pid).children(recursive=True)
    assert installed.stop(signal.SIGINT) == 0
    assert "Stopped." in installed.output
    assert _gone(children)
    assert not (installed.folder / "postgres" / "postmaster.pid").exists()

    installed.start()
    assert READY in installed.output, installed.output
