"""`monster admin`: whoever has the machine decides who is a platform admin."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from monster.cli import preparation
from monster.cli.installation import Installation
from monster.cli.settings import Platform as Settings
from monster.dashboard import database
from monster.kit.pool import conninfo
from tests.serving import Platform

FIRST = "admin@example.com"


@pytest.fixture(scope="module")
def installed() -> Iterator[Platform]:
    folder = Path(tempfile.mkdtemp(prefix="monster-"))
    folder.chmod(0o755)  # as root, the database runs as another user
    platform = Platform(folder / "data", {"admin_email": FIRST})
    assert platform.run("migrate").returncode == 0
    assert admins(platform) == [FIRST]  # where nothing runs
    with preparation.database(Installation(Settings(data_dir=platform.folder))):
        yield platform
        assert admins(platform)  # what ran goes on
        assert rows(platform, "select 1") == [(1,)]
    shutil.rmtree(folder)


def admins(platform: Platform) -> list[str]:
    listed = platform.run("admin", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    return [admin["email"] for admin in json.loads(listed.stdout)["admins"]]


def test_the_first_person_is_one_and_the_last_stays(installed: Platform) -> None:
    assert admins(installed) == [FIRST]
    refused = installed.run("admin", "revoke", FIRST.upper())
    assert refused.returncode == 1
    assert "the only platform admin" in refused.stderr
    assert admins(installed) == [FIRST]
    again = installed.run("admin", "grant", FIRST)
    assert (again.returncode, "already" in again.stdout) == (0, True)


def test_made_granted_and_revoked_on_record(installed: Platform) -> None:
    made = installed.run("admin", "create", "root@example.com", "--json")
    assert made.returncode == 0, made.stderr
    assert len(json.loads(made.stdout)["password"]) >= 16
    taken = installed.run("admin", "create", "ROOT@example.com")
    assert (taken.returncode, "Somebody has the address" in taken.stderr) == (1, True)
    assert admins(installed) == [FIRST, "root@example.com"]

    revoked = installed.run("admin", "revoke", "root@example.com")
    assert (revoked.returncode, admins(installed)) == (0, [FIRST])
    unknown = installed.run("admin", "revoke", "root@example.com")
    assert (unknown.returncode, "is no platform admin" in unknown.stderr) == (1, True)
    assert installed.run("admin", "grant", "Root@Example.com").returncode == 0
    assert admins(installed) == [FIRST, "root@example.com"]

    log = rows(
        installed,
        "select action, principal, details from audit_log where principal = 'system'"
        " and resource_id = (select id::text from \"user\" where email like 'root@%') order by seq",
    )
    before = [(row[0], row[1]) for row in log]
    assert before == [("CREATE", "system"), ("UPDATE", "system"), ("UPDATE", "system")]
    assert log[0][2] == {"after": {"email": "root@example.com", "is_admin": True}}
    assert installed.run("admin", "revoke", "root@example.com").returncode == 0


def test_a_password_comes_from_standard_input_and_is_printed_nowhere(installed: Platform) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "monster.cli", "admin", "create", "in@example.com", "--stdin"],
        env=installed.environment,
        input="a long pass phrase\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=installed.folder.parent,
    )
    assert made.returncode == 0, made.stderr
    assert "pass phrase" not in made.stdout + made.stderr
    query = "select password_hash, tenant_id from \"user\" where email = 'in@example.com'"
    ((hashed, tenant_id),) = rows(installed, query)
    assert tenant_id is None
    assert str(hashed).startswith("$2b$12$")
    assert installed.run("admin", "revoke", "in@example.com").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grant", "nobody@example.com"), "Nobody has the address"),
        (("create", "no address"), "is no e-mail address"),
    ],
)
def test_what_cannot_be_done_ends_in_a_sentence(
    installed: Platform, arguments: tuple[str, ...], said: str
) -> None:
    ended = installed.run("admin", *arguments)
    assert (ended.returncode, said in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def rows(platform: Platform, query: str) -> list[tuple[object, ...]]:
    """As the owner."""
    url = Installation(Settings(data_dir=platform.folder)).owner_url(database.NAME)
    with psycopg.connect(conninfo(url)) as connection:
        return connection.execute(query.encode()).fetchall()
