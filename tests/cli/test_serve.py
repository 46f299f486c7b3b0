"""`monster serve` as a person uses it: first start, second start, Ctrl-C, `kill -9`, mistakes."""

import json
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from monster.engine import database as engine_database
from monster.kit import crypto, embedded
from tests.serving import READY, Platform, serving

# What is left of a secret of one tenant, under a key that nobody has.
_SEALED = """
    with key as (
        insert into tenant_key (tenant_id, id, key_version, wrapped_key)
        values (gen_random_uuid(), gen_random_uuid(), 1, '') returning tenant_id, key_version
    ), used as (
        insert into master_key_use select tenant_id, key_version, %s from key
    ) select
"""


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


def test_a_database_that_dies_is_started_again(installed: Platform) -> None:
    before = _server(installed)
    assert before
    psutil.Process(before).kill()
    for _ in range(200):
        time.sleep(0.1)
        if _server(installed) not in {None, before} and _reachable(installed):
            break
    else:
        pytest.fail("the database did not come back")


def _server(platform: Platform) -> int | None:
    """The process id of PostgreSQL; None while it is on its way."""
    try:
        lines = (platform.folder / "postgres" / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    return int(lines[0]) if lines else None


def _reachable(platform: Platform) -> bool:
    try:
        return _answers(platform)
    except OSError:
        return False


def _all_three(platform: Platform) -> list[psutil.Process]:
    """Once they live: the test before may have ended some, which are started again."""
    for _ in range(200):
        if len(children := platform.children()) == 3:
            return children
        time.sleep(0.1)
    pytest.fail("a process did not come back")


def test_kill_and_start_again_then_ctrl_c(installed: Platform) -> None:
    children = _all_three(installed)
    installed.kill()
    assert _gone(children), "a process outlived its parent"

    installed.start()
    assert READY in installed.output, installed.output
    assert "Password" not in installed.output
    assert _answers(installed)

    children = _all_three(installed)
    assert installed.stop(signal.SIGINT) == 0
    assert "Stopped." in installed.output
    assert _gone(children)
    assert not (installed.folder / "postgres" / "postmaster.pid").exists()

    installed.start()
    assert READY in installed.output, installed.output


def test_another_master_key_is_refused_in_a_sentence(installed: Platform) -> None:
    if installed.process.poll() is not None:
        installed.start()
    url = embedded.conninfo_at(installed.folder / "postgres", engine_database.NAME)
    file = installed.folder / "keys" / "master.key"
    with psycopg.connect(url) as connection:
        key = crypto.MasterKey.parse(file.read_text())
        connection.execute(_SEALED, [key.fingerprint])
    other = Platform(installed.folder, {"master_key": crypto.new_master_key()})
    file.rename(aside := file.with_suffix(".aside"))  # beside another key it would still open
    refused = other.run("serve", "engine")
    aside.rename(file)
    assert refused.returncode == 1
    assert "The master key does not open the secrets of 1 tenant(s)" in refused.stderr
    assert "Traceback" not in refused.stderr
