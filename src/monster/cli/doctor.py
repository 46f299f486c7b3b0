"""`monster doctor`: checks what Monster needs, and says what to do about each failure."""

import asyncio
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Literal

import psycopg
from rich.console import Console
from rich.table import Table

from monster.cli import keys_settings, preparation
from monster.cli.installation import DATABASES, Installation
from monster.cli.settings import Platform, SettingsWrong
from monster.cli.supervisor import answers
from monster.engine.embedding import weights
from monster.engine.sandbox.sandbox import Sandbox
from monster.engine.sandbox.types import SandboxUnavailable
from monster.kit import revisions
from monster.kit.pool import conninfo

_ROOM = 1 << 30  # bytes that should be free
_PLACES = {"setting": "set", "file": "in a key file", "vault": "in Vault", "aws-kms": "in AWS KMS"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`warning`: it works, but less than it could. `advice` is empty when all is well."""

    check: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


Check = Callable[[Installation], Iterator[Finding]]


def run(settings: Platform, *, as_json: bool) -> int:
    installation = Installation(settings)
    findings = [finding for check in _CHECKS for finding in check(installation)]
    failed = any(finding.state == "failed" for finding in findings)
    if as_json:
        report = {"healthy": not failed, "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(report, indent=2))  # noqa: T201
    else:
        _print(findings)
    return 1 if failed else 0


def _print(findings: list[Finding]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for finding in findings:
        mark = {"ok": "[green]ok", "warning": "[yellow]look", "failed": "[red]failed"}[
            finding.state
        ]
        advice = f"\n[bold]{finding.advice}" if finding.advice else ""
        table.add_row(mark, finding.check, finding.found + advice)
    Console(highlight=False).print(table)


def _data(installation: Installation) -> Iterator[Finding]:
    folder = installation.folder
    if folder.exists() and not folder.is_dir():
        yield Finding("data", "failed", f"{folder} is a file", "Set MONSTER_DATA_DIR to a folder.")
        return
    if not folder.exists():
        yield Finding("data", "warning", f"{folder} is not there yet", "`make serve` makes it.")
        return
    free = shutil.disk_usage(folder).free
    found = f"{folder}, {free / (1 << 30):.1f} GiB free"
    if free >= _ROOM:
        yield Finding("data", "ok", found)
    else:
        yield Finding("data", "failed", found, "Make room, or set MONSTER_DATA_DIR elsewhere.")


def _keys(installation: Installation) -> Iterator[Finding]:
    """Asking for a key makes it where there is none: the doctor looks, and leaves no trace."""
    first = keys_settings.source(installation.settings)
    if first == "file" and not installation.master_key_file.exists():
        yield Finding("keys", "warning", "not made yet", "`make serve` makes them.")
        return
    try:
        if first in {"file", "setting"}:
            _ = installation.master_key
        yield Finding("master key", "ok", _PLACES[first])
        _ = installation.public_key
        yield Finding("signing key", "ok", "readable")
    except SettingsWrong as problem:
        yield Finding("keys", "failed", str(problem), "Restore the key from your backup.")


def _database(installation: Installation) -> Iterator[Finding]:
    for name, directory in DATABASES.items():
        try:
            found = preparation.revision(installation, name)
        except psycopg.OperationalError as problem:
            yield _unreachable(installation, preparation.reason(problem))
            return
        head = revisions.head(directory)
        if found == head:
            yield Finding(name, "ok", f"at revision {found}")
        else:
            advice = "Run `monster migrate`, or start with `make serve`."
            yield Finding(name, "failed", f"at revision {found}, not {head}", advice)


def _unreachable(installation: Installation, reason: str) -> Finding:
    if installation.server_folder:
        return Finding("database", "warning", "not running", "`make serve` starts it.")
    return Finding("database", "failed", reason, "Check MONSTER_DATABASE_URL and the server.")


def _row_security(installation: Installation) -> Iterator[Finding]:
    """The role that serves must be one that row-level security binds."""
    for name in DATABASES:
        url = conninfo(installation.app_url(name).get_secret_value())
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                query = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
                row = connection.execute(query).fetchone()
        except psycopg.OperationalError:
            return  # said already
        if row == (False,):
            yield Finding(f"{name} role", "ok", "bound by row-level security")
        else:
            advice = "Give the application a role without SUPERUSER and BYPASSRLS."
            yield Finding(f"{name} role", "failed", "not bound by row-level security", advice)


def _model(installation: Installation) -> Iterator[Finding]:
    state = weights.look(installation.folder)
    if state.usable:
        yield Finding("embedding model", "ok", state.found)
    else:
        advice = "Install it (`make setup`); until then, words alone are searched."
        yield Finding("embedding model", "warning", state.found, advice)


def _sandbox(_: Installation) -> Iterator[Finding]:
    try:
        asyncio.run(Sandbox().check())
    except SandboxUnavailable as problem:
        advice = "Agents run no code here; docs/code-interpreter.md says what the server needs."
        yield Finding("sandbox", "warning", str(problem), advice)
    else:
        yield Finding("sandbox", "ok", "holds in what agents run")


def _ports(installation: Installation) -> Iterator[Finding]:
    for name, host, port, url in (
        ("dashboard", installation.settings.host, installation.settings.port, installation.address),
        ("engine", "127.0.0.1", installation.engine_port, installation.engine_url),
    ):
        if answers(f"{url}/health"):
            yield Finding(name, "ok", f"answers at {url}")
        elif _taken(host, port):
            setting = "MONSTER_PORT" if name == "dashboard" else "MONSTER_ENGINE_PORT"
            advice = f"Stop what uses it, or set {setting}."
            yield Finding(name, "failed", f"another program uses port {port}", advice)
        else:
            yield Finding(name, "ok", f"port {port} is free (not running)")


def _taken(host: str, port: int) -> bool:
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


_CHECKS: tuple[Check, ...] = (_data, _keys, _database, _row_security, _model, _sandbox, _ports)
