"""What must be true before the services start: a server, two current databases, a first tenant."""

import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import psycopg
from psycopg import sql

from monster.cli.installation import DATABASES, ROLES, Installation
from monster.dashboard import database as dashboard_database
from monster.kit import embedded, revisions
from monster.kit.embedded import Embedded
from monster.kit.pool import conninfo

_GUIDE_PATIENCE = 60.0  # seconds


class NotReady(Exception):
    """The start ends here: a sentence that says what is missing and what to do."""


def settle(installation: Installation) -> None:
    """Make the data directory, and decide where the embedded server lives. Raises NotReady."""
    try:
        installation.folder.mkdir(parents=True, exist_ok=True)
        if not installation.settings.database_url:
            embedded.settle(installation.folder)
    except OSError as error:
        raise NotReady(f"{installation.folder} cannot be used: {error.strerror}.") from error


@contextmanager
def database(installation: Installation) -> Generator[Embedded | None]:
    """While it lasts the server runs: ours is started and stopped, yours is only looked for."""
    settle(installation)
    folder = installation.server_folder
    if folder is None:
        look_for(installation.owner_url("postgres"))
        yield None
        return
    try:
        server = embedded.run(folder)
    except embedded.Unsafe as error:
        raise NotReady(f"The database cannot live there: {error}. Set MONSTER_DATA_DIR.") from error
    except embedded.NotStarted as error:
        raise NotReady(f"The database did not start: {error}.") from error
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def reached(installation: Installation) -> Generator[None]:
    """As `database`, for commands that people give while Monster runs: what runs goes on."""
    try:
        look_for(installation.owner_url("postgres"))
    except NotReady:
        with database(installation):
            yield
    else:
        yield


def look_for(url: str) -> None:
    """Raises NotReady."""
    try:
        psycopg.connect(conninfo(url), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise NotReady(f"The database cannot be used: {reason(error)}") from error


def reason(error: Exception) -> str:
    """The line that says it; libpq adds advice below, or the fate of each address above."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    return [line for line in lines if not line.startswith("Is the server running")][-1]


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Made just now; `password` is None if it was given by the settings."""

    email: str
    password: str | None


def prepare(installation: Installation) -> FirstAdmin | None:
    """Bring both databases up to date, and make the first tenant if there is none."""
    for name, directory in DATABASES.items():
        embedded.create_database(conninfo(installation.owner_url("postgres")), name)
        if revision(installation, name) != revisions.head(directory):
            _upgrade(installation.owner_url(name), directory)
        _set_password(installation, name)
    if has_tenant(installation):
        return None
    given = installation.settings.admin_password
    password = given.get_secret_value() if given else secrets.token_urlsafe(12)
    # Imported once in a lifetime: the process that watches the others stays small.
    import_module("monster.cli.first_tenant").create(installation, password)
    return FirstAdmin(installation.settings.admin_email, None if given else password)


def _upgrade(url: str, directory: Path) -> None:
    from monster.kit import migrations  # noqa: PLC0415 (Alembic takes 9 MB: only if it is needed)

    migrations.upgrade(url, directory)


def revision(installation: Installation, name: str) -> str | None:
    with psycopg.connect(conninfo(installation.owner_url(name))) as connection:
        if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("select version_num from alembic_version").fetchone()
        return row[0] if row else None


def has_tenant(installation: Installation) -> bool:
    url = installation.owner_url(dashboard_database.NAME)
    with psycopg.connect(conninfo(url)) as connection:
        return connection.execute("select from tenant limit 1").rowcount > 0


def _set_password(installation: Installation, name: str) -> None:
    """The embedded server needs none: nobody else reaches its socket."""
    password = installation.settings.database_app_password
    if password is None:
        return
    change = sql.SQL("alter role {} password {}").format(
        sql.Identifier(ROLES[name]), sql.Literal(password.get_secret_value())
    )
    with psycopg.connect(conninfo(installation.owner_url(name)), autocommit=True) as connection:
        connection.execute(change)


def wait_for_guide(installation: Installation) -> None:
    """Until the first agent can answer; jobs still make it. Not for ever: it comes anyway."""
    deadline = time.monotonic() + _GUIDE_PATIENCE
    url = conninfo(installation.owner_url(dashboard_database.NAME))
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            waiting = connection.execute(
                "select from procrastinate_jobs where task_name = any(%s) "
                "and status in ('todo', 'doing')",
                [["welcome.make_guide", "agents.deliver_spec"]],
            )
            if not waiting.rowcount:
                return
            time.sleep(0.2)
