"""`monster keys`: new keys while Monster runs, and whether all that is sealed opens."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from monster.cli import keys, keys_settings, preparation
from monster.cli.installation import DATABASES, Installation
from monster.cli.preparation import NotReady
from monster.cli.settings import Platform, SettingsWrong
from monster.engine import database
from monster.engine.secrets import inspection
from monster.engine.secrets import keyring as keyrings
from monster.engine.secrets.errors import KeysUnreachable
from monster.engine.secrets.inspection import Found
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.local_keys import SetKeys
from monster.engine.secrets.rotation import Busy, Done, Rotation
from monster.kit import crypto, db, logs, revisions
from monster.kit.crypto import BadMasterKey
from monster.kit.db import SessionMaker

_ELSEWHERE = {
    "setting": "The master key is set by MONSTER_MASTER_KEY: put a new one before it, separated by"
    " a comma, start the processes again, and then rotate without --master.",
    "vault": "The master key is in Vault: make a new version of it there (`vault write -f"
    " transit/keys/NAME/rotate`), and then rotate without --master.",
    "aws-kms": "The master key is in AWS KMS: rotate it there, and then rotate without --master.",
}


@dataclass(frozen=True, slots=True)
class Result:
    """`told` is for scripts, `said` for people, a line each."""

    fine: bool
    told: dict[str, Any]
    said: list[str]


def run(settings: Platform, *, action: str, master: bool = False, as_json: bool) -> int:
    installation = Installation(settings)
    installation.check()
    source = keys_settings.source(settings)
    if master and source in _ELSEWHERE:
        raise SettingsWrong(_ELSEWHERE[source])
    logs.configure(level="WARNING")
    folder = installation.server_folder
    try:
        if folder and not folder.is_dir():
            raise NotReady(f"There is no installation in {installation.folder}.")  # noqa: TRY301
        with preparation.reached(installation):
            result = asyncio.run(_run(installation, action, master=master))
    except (NotReady, Busy, BadMasterKey, KeysUnreachable, psycopg.Error, SQLAlchemyError) as error:
        said = preparation.reason(error)
        Console(stderr=True).print(
            f"{said[0].upper()}{said[1:]}", style="red", markup=False, highlight=False
        )
        return 1
    if as_json:
        print(json.dumps(result.told, indent=2))  # noqa: T201
    else:
        console = Console(highlight=False, markup=False, soft_wrap=True)
        for line in result.said:
            console.print(line)
    return 0 if result.fine else 1


async def _run(installation: Installation, action: str, *, master: bool) -> Result:
    name = database.NAME
    if preparation.revision(installation, name) != revisions.head(DATABASES[name]):
        raise NotReady(f"{name} is not up to date. Run `monster migrate`.")
    settings = installation.engine()
    engine = db.make_engine(settings.database_url.get_secret_value(), pool_size=3)
    try:
        sessions, keyring = db.make_sessions(engine), keyrings.from_settings(settings)
        if action == "check":
            return _checked(keyring, await inspection.inspect(sessions, keyring))
        return await _rotate(sessions, keyring, _maker(installation) if master else None)
    finally:
        await engine.dispose()


def _maker(installation: Installation) -> Callable[[], None]:
    return lambda: keys.put_first(installation.master_key_file, crypto.new_master_key())


async def _rotate(
    sessions: SessionMaker, keyring: Keyring, new_master: Callable[[], None] | None
) -> Result:
    done = await Rotation(sessions, keyring).run(new_master=new_master)
    return _rotated(keyring, done, master=new_master is not None)


def _rotated(keyring: Keyring, done: Done, *, master: bool) -> Result:
    said = [f"{done.rewrapped:,} keys of {done.tenants:,} workspaces are wrapped anew."]
    if master:
        said.append(f"The master key that seals is {keyring.newest}. Keep a copy of its file.")
    else:
        said.append(
            f"{done.renewed:,} workspaces have a new key, and {done.resealed:,} secrets too."
        )
    said += [f"Workspace {tenant}: {why}." for tenant, why in done.failed.items()]
    failed = {str(tenant): why for tenant, why in done.failed.items()}
    told = {**done.counts(), "master_key": keyring.newest, "failed": failed}
    return Result(not failed, told, said)


def _checked(keyring: Keyring, found: Found) -> Result:
    unused = _unused(keyring, found)
    said = [f"{found.tenants:,} workspaces, {found.secrets:,} secrets."]
    said += [f"{count:,} keys are under {name}." for name, count in sorted(found.under.items())]
    said += [f"Nothing is under {name}: it is needed for old backups only." for name in unused]
    for tenant, misses in found.closed.items():
        said += [f"Workspace {tenant}: {miss}." for miss in misses]
    said.append("Not all of it opens." if found.closed else "All of it opens.")
    told = {
        "opens": not found.closed,
        "tenants": found.tenants,
        "secrets": found.secrets,
        "under": dict(found.under),
        "unused": unused,
        "closed": {str(tenant): misses for tenant, misses in found.closed.items()},
    }
    return Result(not found.closed, told, said)


def _unused(keyring: Keyring, found: Found) -> list[str]:
    """Of the master keys that are here, without the one that seals."""
    here = [
        name
        for place in keyring.places
        if isinstance(place, SetKeys)
        for name in place.fingerprints()
    ]
    return [name for name in dict.fromkeys(here) if name not in {*found.under, keyring.newest}]
