"""`monster audit verify`: whether the audit logs of both services are as they were written."""

import json
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from rich.console import Console

from monster.cli import preparation
from monster.cli.installation import DATABASES, Installation
from monster.cli.preparation import NotReady
from monster.cli.settings import Platform
from monster.kit import audit_check, revisions
from monster.kit.audit_check import Break, Checked
from monster.kit.pool import conninfo


def run(settings: Platform, *, as_json: bool) -> int:
    installation = Installation(settings)
    installation.check()
    try:
        with _database(installation):
            found = {name: _verify(installation, name) for name in DATABASES}
    except (NotReady, psycopg.Error) as problem:
        Console(stderr=True).print(str(problem), style="red", markup=False, highlight=False)
        return 1
    intact = not any(checked.broken for checked in found.values())
    if as_json:
        reports = {name: _report(checked) for name, checked in found.items()}
        print(json.dumps({"intact": intact, "databases": reports}, indent=2, default=str))  # noqa: T201
    else:
        _print(found)
    return 0 if intact else 1


@contextmanager
def _database(installation: Installation) -> Generator[None]:
    """The server as it runs; if ours does not, it is started for as long as this takes."""
    folder = installation.server_folder
    if folder and not folder.is_dir():
        raise NotReady(f"There is no installation in {installation.folder}, and no log to verify.")
    try:
        psycopg.connect(conninfo(installation.owner_url("postgres")), connect_timeout=5).close()
    except psycopg.OperationalError:
        with preparation.database(installation):
            yield
    else:
        yield


def _verify(installation: Installation, name: str) -> Checked:
    if preparation.revision(installation, name) != revisions.head(DATABASES[name]):
        raise NotReady(f"{name} is not up to date. Run `monster migrate`.")
    with psycopg.connect(conninfo(installation.owner_url(name))) as connection:
        return audit_check.verify(connection)


def _print(found: dict[str, Checked]) -> None:
    # Lines are not wrapped: they are read by people and by `grep`.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for name, checked in found.items():
        looked_at = f"{checked.rows:,} rows of {len(checked.heads):,} logs"
        if not checked.broken:
            console.print(f"{name}: {looked_at}, all intact.", style="green")
            continue
        console.print(f"{name}: {looked_at}, broken in {checked.broken:,} places:", style="red")
        for one in checked.breaks:
            console.print(f"  {_sentence(one)}")
        if checked.broken > len(checked.breaks):
            console.print(f"  … and {checked.broken - len(checked.breaks):,} more.")


def _sentence(one: Break) -> str:
    where = f"workspace {one.tenant_id}, row {one.seq}"
    if one.row:
        thing = f"{one.row.resource_type} {one.row.resource_id or ''}".strip()
        at = one.row.at.isoformat(timespec="seconds")
        where = f"{where} (id {one.row.id}, {at}, {one.row.action} {thing})"
    return f"{where}: {one.reason}."


def _report(checked: Checked) -> dict[str, object]:
    breaks = [{"tenant_id": one.tenant_id, **one.told()} for one in checked.breaks]
    heads = {
        str(tenant_id): {"seq": seq, "hash": digest.hex()}
        for tenant_id, (seq, digest) in checked.heads.items()
    }
    counts = {"rows": checked.rows, "broken": checked.broken}
    return {"intact": not checked.broken, **counts, "breaks": breaks, "heads": heads}
