"""What is sealed stays sealed, wherever it is put; and keys change under those who use them."""

import asyncio
import base64
import json
import random
import shutil
import signal
import sys
import tempfile
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from monster.contracts.tokens import Permission
from monster.dashboard import database as dashboard_database
from monster.engine import database
from monster.engine.secrets.errors import SecretsSealed
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.kms_keys import KmsKeys
from monster.engine.secrets.local_keys import FileKeys
from monster.engine.secrets.master_keys import MasterKeys
from monster.engine.secrets.schemas import Owner
from monster.engine.secrets.service import Secrets
from monster.engine.secrets.vault_keys import VaultKeys
from monster.kit import crypto, embedded, tenancy
from monster.kit.embedded import Embedded
from tests import stores, vaults
from tests.builders import Tenant
from tests.serving import Platform
from tests.stores import Store, scope_of
from tests.upstream import refuse, upstream

SWAP = """
    update secret s set ciphertext = o.ciphertext, key_version = o.key_version
    from secret o
    where (s.key = %(one)s and o.key = %(two)s) or (s.key = %(two)s and o.key = %(one)s)
"""


@pytest.fixture(scope="module")
async def store(postgres: Embedded) -> AsyncIterator[Store]:
    async with stores.store(postgres) as there:
        yield there


# Swapped


def swap(store: Store, one: str, two: str) -> None:
    with psycopg.connect(store.conninfo) as connection:
        assert connection.execute(SWAP, {"one": one, "two": two}).rowcount == 2


async def test_two_names_of_one_owner_that_are_swapped_do_not_open(store: Store) -> None:
    tenant, owner = await store.kept(user="ada-ada-ada", token="tok-0123456789")
    swap(store, f"{owner.id}:user", f"{owner.id}:token")
    with pytest.raises(SecretsSealed):
        await store.get(tenant, owner)


async def test_two_owners_that_are_swapped_do_not_open(store: Store) -> None:
    tenant, one = await store.kept(token="tok-0123456789")
    two = store.owner(tenant)
    await store.put(tenant, two, token="tok-9876543210")
    swap(store, f"{one.id}:token", f"{two.id}:token")
    for owner in (one, two):
        with pytest.raises(SecretsSealed):
            await store.get(tenant, owner)


async def test_two_tenants_that_are_swapped_do_not_open(store: Store) -> None:
    kept = [await store.kept(token=f"tok-of-number-{n}") for n in range(2)]
    swap(store, *(f"{owner.id}:token" for _, owner in kept))
    for tenant, owner in kept:
        with pytest.raises(SecretsSealed):
            await store.get(tenant, owner)


async def test_with_its_key_another_tenants_secret_does_not_open(store: Store) -> None:
    """Everything of the one, in the place of the other: ciphertext, wrapped key, ids but one."""
    kept = [await store.kept(token=f"tok-of-number-{n}") for n in range(2)]
    (one, owner), (two, target) = kept
    store.sql(
        "update tenant_key t set wrapped_key = o.wrapped_key from tenant_key o"
        " where t.tenant_id = %s and o.tenant_id = %s", two, one,
    )  # fmt: skip
    store.sql(
        "update secret s set ciphertext = o.ciphertext from secret o where s.key = %s"
        " and o.key = %s", f"{target.id}:token", f"{owner.id}:token",
    )  # fmt: skip
    with pytest.raises(SecretsSealed):
        await store.get(two, target)
    assert await store.get(one, owner) == {"token": "tok-of-number-0"}


# Nowhere in plain


def everything(connection: psycopg.Connection[Any]) -> bytes:
    """Every column of every table, as text; of those with bytes, the bytes."""
    columns: list[tuple[str, str, str]] = connection.execute(
        "select c.relname, a.attname, t.typname from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " join pg_type t on t.oid = a.atttypid where c.relkind = 'r'"
    ).fetchall()
    found: list[bytes] = []
    for table, name, kind in columns:
        as_it_is = sql.SQL("{}" if kind == "bytea" else "convert_to({}::text, 'utf8')")
        query = sql.SQL("select {} from {}").format(
            as_it_is.format(sql.Identifier(name)), sql.Identifier(table)
        )
        found += [row[0] for row in connection.execute(query) if row[0] is not None]
    return b"\n".join(found)


def spelled(value: str) -> set[bytes]:
    """Also the middle of it, as base64 has it within anything else."""
    raw = value.encode()
    parts = {base64.b64encode(bytes(n) + raw)[4:-4] for n in range(3)}
    return {raw, raw.hex().encode(), *parts}


async def test_a_value_stands_in_no_column_of_any_table(tenant: Tenant, postgres: Embedded) -> None:
    """After it was used, and after the other side has quoted it."""
    value = f"sk-{uuid.uuid1()}"
    caller = tenant.caller(Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)
    async with upstream(refuse(401, f"there is no key {value}")) as served:
        body = {
            "system_name": "openai",
            "name": "Main",
            "values": {"api_key": value, "base_url": f"{served.url}/v1"},
        }
        made = await caller.post("/v1/credentials", json=body)
        assert made.status_code == 201, made.text
        tested = await caller.post(f"/v1/credentials/{made.json()['id']}/test")
    assert any(value in asked.headers["authorization"] for asked in served.asked)
    assert value not in made.text + tested.text
    for name in (database.NAME, dashboard_database.NAME):
        with psycopg.connect(postgres.conninfo(name)) as connection:
            rows = everything(connection)
        assert str(tenant.id).encode() in rows or name != database.NAME
        assert not [text for text in spelled(value) if text in rows]


def test_the_scan_finds_what_is_there(postgres: Embedded) -> None:
    value = f"sk-{uuid.uuid1()}"
    with psycopg.connect(postgres.conninfo(database.NAME)) as connection:
        connection.execute("create table found (a jsonb, b bytea)")
        for text in spelled(value):
            row = (json.dumps({"a": [text.decode()]}), b"\0" + text)
            connection.execute("insert into found values (%s, %s)", row)
        rows = everything(connection)
        assert all(rows.count(text) == 2 for text in spelled(value))
        connection.rollback()


# Under load


@dataclass
class Load:
    """Reads and writes all the time, as several engines would."""

    store: Store
    kept: dict[tuple[uuid.UUID, Owner], dict[str, str]]
    reads: int = 0
    writes: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, secrets: Secrets) -> None:
        while not self.over.is_set():
            (tenant, owner), values = random.choice(list(self.kept.items()))  # noqa: S311
            async with tenancy.transaction(self.store.sessions, tenant) as session:
                found = await secrets.get(session, scope_of(tenant), owner)
            assert _settled(found) == _settled(values)
            self.reads += 1

    async def write(self, secrets: Secrets, tenant: uuid.UUID, owner: Owner) -> None:
        values = self.kept[tenant, owner]
        while not self.over.is_set():
            self.writes += 1
            changed = {"changing": f"written-{self.writes}"}
            async with tenancy.transaction(self.store.sessions, tenant) as session:
                await secrets.put(session, scope_of(tenant), owner, changed)
            values |= changed

    async def check(self) -> None:
        """All of it, by a process that has just started."""
        for (tenant, owner), values in self.kept.items():
            found = await self.store.get(tenant, owner)
            assert _settled(found) == _settled(values)
            assert found == values or not self.over.is_set()


def _settled(values: Mapping[str, str]) -> dict[str, str]:
    """Without what is written all the time."""
    return {name: value for name, value in values.items() if name != "changing"}


@asynccontextmanager
async def load(installed: "Installed", tenants: int, values: int) -> AsyncGenerator[Load]:
    """Two engines, each of which has read the key file on its own."""
    store = installed.store
    kept: dict[tuple[uuid.UUID, Owner], dict[str, str]] = {}
    for number in range(tenants):
        new = {f"n{n:03}": f"value-{number}-{n}" for n in range(values)}
        kept[await store.kept(**new)] = new
    under = Load(store, kept)
    async with asyncio.TaskGroup() as group:
        for written in list(kept)[:2]:
            engine = Secrets(store.sessions, Keyring((FileKeys(installed.key_file),)))
            group.create_task(under.write(engine, *written))
            for _ in range(2):
                group.create_task(under.read(engine))
        try:
            yield under
        finally:
            under.over.set()
    await under.check()


@dataclass
class Installed:
    """The command line on an installation whose database runs; `store` is in it."""

    platform: Platform
    store: Store

    @property
    def key_file(self) -> Path:
        return self.platform.folder / "keys" / "master.key"

    async def start(self, *arguments: str) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monster.cli", *arguments,
            env=self.platform.environment, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip

    async def run(self, *arguments: str) -> dict[str, object]:
        process = await self.start(*arguments, "--json")
        out, err = await process.communicate()
        assert process.returncode == 0, out + err
        return json.loads(out)

    async def kill_once(self, happened: Callable[[], bool], *arguments: str) -> None:
        process = await self.start(*arguments)
        while not happened() and process.returncode is None:  # noqa: ASYNC110 (elsewhere)
            await asyncio.sleep(0.002)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()

    def count(self, query: str) -> int:
        return self.store.sql(f"select count(*) from ({query}) found")[0][0]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="monster-"))
    made.chmod(0o755)  # as root, the database runs as another user
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def installed(folder: Path) -> AsyncIterator[Installed]:
    platform = Platform(folder / "data")
    made = await asyncio.to_thread(platform.run, "migrate")
    assert made.returncode == 0, made.stderr
    server = await asyncio.to_thread(embedded.run, embedded.place(platform.folder))
    try:
        checked = await asyncio.to_thread(platform.run, "keys", "check")  # makes the key file
        assert checked.returncode == 0, checked.stderr
        keys = FileKeys(platform.folder / "keys" / "master.key")
        names = (database.NAME, database.ROLE)
        async with stores.store_at(
            server.conninfo(database.NAME), server.url(*names), keys
        ) as store:
            yield Installed(platform, store)
    finally:
        server.stop()


async def test_rotation_under_load_fails_no_read_and_loses_no_value(installed: Installed) -> None:
    async with load(installed, tenants=12, values=60) as under:
        master = await installed.run("keys", "rotate", "--master")
        assert (master["rewrapped"], master["failed"]) == (12, {})
        keys = await installed.run("keys", "rotate")
        assert (keys["renewed"], keys["failed"]) == (12, {})
        assert under.reads > 100
        assert under.writes > 20
    assert installed.store.sql("select distinct key_version from tenant_key") == [(2,)]
    lines = installed.key_file.read_text().splitlines()
    assert len(lines) == 2
    assert installed.key_file.stat().st_mode & 0o777 == 0o600
    newest = crypto.MasterKey.parse(lines[0]).fingerprint
    assert installed.store.sql("select distinct fingerprint from master_key_use") == [(newest,)]
    found = await installed.run("keys", "check")
    assert (found["opens"], found["tenants"]) == (True, 12)
    assert found["unused"] == [crypto.MasterKey.parse(lines[1]).fingerprint]


async def test_killed_in_the_middle_and_begun_again(installed: Installed) -> None:
    """`kill -9` at several points, each of which really was in the middle."""
    moved = "select tenant_id from tenant_key group by 1 having max(key_version) > {}"
    double = "select tenant_id from tenant_key group by 1 having count(*) > 1"
    rewrapped = "select fingerprint from master_key_use group by 1"
    async with load(installed, tenants=40, values=40) as under:
        for point in (1, 10, 30):
            await installed.kill_once(
                lambda point=point: installed.count(moved.format(1)) >= point, "keys", "rotate"
            )
            assert point <= installed.count(moved.format(1)) < 40
        await under.check()
        await installed.run("keys", "rotate")
        assert installed.count(moved.format(1)) == 40
        assert installed.count(moved.format(2)) == 0, "continued, not begun again"
        assert installed.count(double) == 0
        before = installed.key_file.read_text()
        await installed.kill_once(
            lambda: installed.count(rewrapped) > 1, "keys", "rotate", "--master"
        )
        assert installed.count(rewrapped) == 2
        await under.check()
        await installed.run("keys", "rotate", "--master")
        assert installed.count(rewrapped) == 1
        assert len(installed.key_file.read_text().splitlines()) == 2, "the same new key"
        assert installed.key_file.read_text().endswith(before.strip() + "\n")


async def test_two_commands_at_once(installed: Installed) -> None:
    async with load(installed, tenants=10, values=40):
        commands = [await installed.start("keys", "rotate") for _ in range(3)]
        told = [(await one.communicate(), one.returncode) for one in commands]
        assert {code for _, code in told} <= {0, 1}
        assert 0 in {code for _, code in told}
        for (_, err), code in told:
            assert code == 0 or b"Another rotation goes on" in err
    assert (await installed.run("keys", "check"))["opens"] is True


async def test_with_another_master_key_nothing_starts(installed: Installed) -> None:
    tenant, _ = await installed.store.kept(token="tok-0123456789")
    installed.key_file.write_text(crypto.new_master_key())
    for command in (("serve", "engine"), ("worker",)):
        refused = await installed.start(*command)
        _, err = await refused.communicate()
        assert refused.returncode == 1
        said = " ".join(err.decode().split())
        assert "The master key does not open the secrets of 1 tenant(s)" in said
        assert str(tenant) in said
        assert "Traceback" not in said
    checked = await installed.start("keys", "check")
    out, _ = await checked.communicate()
    assert checked.returncode == 1
    assert f"Workspace {tenant}: key 1: there is no master key" in out.decode()


# Elsewhere


@pytest.mark.parametrize("kind", ["vault", "aws-kms"])
async def test_from_the_key_file_to_another_place(
    installed: Installed, folder: Path, kind: str
) -> None:
    """By settings and commands, as an operator does it; then the file is not needed any more."""
    tenant, owner = await installed.store.kept(token="tok-0123456789")
    async with _elsewhere(kind, folder) as (settings, place):
        installed.platform.settings |= settings
        done = await installed.run("keys", "rotate")
        assert (done["rewrapped"], done["renewed"], done["resealed"]) == (1, 1, 1)
        assert str(done["master_key"]).startswith(kind)
        installed.key_file.unlink()
        found = await installed.run("keys", "check")
        assert (found["opens"], found["under"]) == (True, {done["master_key"]: 1})
        moved = Store(installed.store.conninfo, installed.store.sessions, (place,))
        assert await moved.get(tenant, owner) == {"token": "tok-0123456789"}
        assert not installed.key_file.exists(), "nobody has made another one"


@asynccontextmanager
async def _elsewhere(kind: str, folder: Path) -> AsyncGenerator[tuple[dict[str, str], MasterKeys]]:
    if kind == "vault":
        async with vaults.vault() as vault:
            file = folder / "token"
            file.write_text(vault.token)
            settings = {"vault_address": vault.url, "vault_token_file": str(file)}
            yield settings, VaultKeys(vault.settings())
        return
    async with vaults.kms() as kms:
        told = kms.settings()
        settings = {
            "kms_key": told.key,
            "kms_endpoint": kms.url,
            "aws_region": told.region,
            "aws_access_key_id": told.access_key_id,
            "aws_secret_access_key": told.secret_access_key.get_secret_value(),
        }
        yield settings, KmsKeys(told)
