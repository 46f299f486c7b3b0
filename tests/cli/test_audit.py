"""`monster audit verify`, on an installation that runs and on one that does not."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from monster.dashboard import database as dashboard
from monster.engine import database as engine
from monster.kit import embedded
from tests.serving import Platform, serving

TENANT = uuid.UUID("01a20000-0000-7000-8000-000000000001")
ROW = uuid.UUID("01a20000-0000-7000-8000-000000000002")
_INSERT = """
    insert into audit_log (tenant_id, id, principal, action, resource_type, resource_id, details)
    select %s, case n when 2 then %s else gen_random_uuid() end, 'system', 'UPDATE', 'thing',
        't' || n, '{}' from generate_series(1, 3) n
"""


@pytest.fixture(scope="module")
def installed() -> Iterator[Platform]:
    with serving() as platform:
        run(platform, engine.NAME, _INSERT, TENANT, ROW)
        yield platform


def run(platform: Platform, name: str, query: LiteralString, *values: object) -> list[Any]:
    where = embedded.conninfo_at(embedded.place(platform.folder), name)
    with psycopg.connect(where, autocommit=True) as owner:
        cursor = owner.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def test_an_intact_log_is_said_to_be(installed: Platform) -> None:
    verified = installed.run("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert f"{engine.NAME}: " in verified.stdout
    assert "all intact" in verified.stdout
    report = json.loads(installed.run("audit", "verify", "--json").stdout)
    assert report["intact"]
    assert report["databases"][engine.NAME]["rows"] >= 3
    assert report["databases"][dashboard.NAME]["rows"] >= 2  # the Guide was made and published
    head = report["databases"][engine.NAME]["heads"][str(TENANT)]
    query = "select encode(hash, 'hex') from audit_log where tenant_id = %s and seq = 3"
    assert (head["seq"], [(head["hash"],)]) == (3, run(installed, engine.NAME, query, TENANT))
    assert installed.process.poll() is None  # the server was left alone


def test_one_update_is_found_and_the_row_is_named(installed: Platform) -> None:
    (before,) = run(installed, engine.NAME, "select details from audit_log where id = %s", ROW)
    change = "update audit_log set details = %s where id = %s"
    run(installed, engine.NAME, change, '{"x": 1}', ROW)
    verified = installed.run("audit", "verify")
    report = installed.run("audit", "verify", "--json")
    run(installed, engine.NAME, change, json.dumps(before[0]), ROW)

    assert verified.returncode == report.returncode == 1
    (line,) = [line for line in verified.stdout.splitlines() if "this row was changed" in line]
    for word in (str(TENANT), "row 2", str(ROW), "UPDATE thing t2"):
        assert word in line
    (only,) = json.loads(report.stdout)["databases"][engine.NAME]["breaks"]
    assert (only["tenant_id"], only["seq"], only["id"]) == (str(TENANT), 2, str(ROW))
    assert installed.run("audit", "verify").returncode == 0


def test_the_server_need_not_run(installed: Platform) -> None:
    installed.stop()
    try:
        verified = installed.run("audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        folder = embedded.place(installed.folder)
        assert not (folder / "postmaster.pid").exists()  # and does not afterwards
    finally:
        installed.start()


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    nothing = Platform(tmp_path / "data")
    verified = nothing.run("audit", "verify")
    assert (verified.returncode, verified.stdout) == (1, "")
    assert "no installation" in verified.stderr
    assert not nothing.folder.exists()
