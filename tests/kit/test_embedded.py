"""The embedded server and its migrations."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from monster.dashboard import database
from monster.kit import embedded, migrations
from monster.kit.embedded import Embedded


def test_a_node_waits_while_another_migrates(postgres: Embedded) -> None:
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("create database two_nodes")

    # Each statement a transaction of its own: inside one, a table once missed may stay missed.
    watch = psycopg.connect(postgres.conninfo("two_nodes"), autocommit=True)
    with watch as other, ThreadPoolExecutor() as threads:
        other.execute("select pg_advisory_lock(%s)", [migrations.LOCK])
        node = threads.submit(migrations.upgrade, postgres.url("two_nodes"), database.MIGRATIONS)
        with pytest.raises(TimeoutError):
            node.result(timeout=0.3)
        assert other.execute("select to_regclass('agent')").fetchone() == (None,)

        other.execute("select pg_advisory_unlock(%s)", [migrations.LOCK])
        node.result(timeout=10)
        assert other.execute("select to_regclass('agent')").fetchone() == ("agent",)


def test_a_second_start_finds_everything_there(postgres: Embedded) -> None:
    again = embedded.start(postgres.server.pgdata, {database.NAME: database.MIGRATIONS})
    assert again.server is postgres.server


def test_a_folder_that_would_not_stay_private_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="too long for a socket"):
        embedded.start(tmp_path / ("x" * 100), {})

    monkeypatch.setattr("os.geteuid", lambda: 0)  # pytest keeps tmp_path in a private folder
    with pytest.raises(ValueError, match="inside the private"):
        embedded.start(tmp_path / "pg", {})


def test_as_root_a_private_folder_keeps_its_server_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "open"
    monkeypatch.setattr(embedded, "_FOR_ROOT", home)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    data = private / "data"
    data.mkdir()

    embedded.settle(data)
    first = embedded.place(data)
    private.chmod(0o755)  # whatever happens to the folder later, the data stay where they are
    embedded.settle(data)

    assert first.parent.parent == home
    assert embedded.place(data) == first


def test_elsewhere_it_is_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    embedded.settle(tmp_path)
    assert embedded.place(tmp_path) == tmp_path.resolve() / "postgres"
    assert not (tmp_path / "postgres").exists()
