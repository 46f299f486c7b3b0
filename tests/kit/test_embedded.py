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
