"""New keys: everything opens before, meanwhile and after; old keys go when nothing needs them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from monster.engine.secrets import queries
from monster.engine.secrets.inspection import inspect
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.local_keys import FileKeys, SetKeys
from monster.engine.secrets.rotation import Busy
from monster.engine.secrets.vault_keys import VaultKeys
from monster.kit import audit, crypto, tenancy
from monster.kit.embedded import Embedded
from tests import stores, vaults
from tests.stores import Store, scope_of

VALUES = {f"n{n:03}": f"value-{n}" for n in range(130)}  # more than one transaction takes


@pytest.fixture
async def store(postgres: Embedded) -> AsyncIterator[Store]:
    async with stores.store(postgres) as there:
        yield there


def versions(store: Store, tenant_id: uuid.UUID) -> list[int]:
    query = "select key_version from tenant_key where tenant_id = %s order by 1"
    return [version for (version,) in store.sql(query, tenant_id)]


def ciphertexts(store: Store) -> set[bytes]:
    return {text for (text,) in store.sql("select ciphertext from secret")}


async def test_every_tenant_has_a_new_key_and_the_old_one_is_gone(store: Store) -> None:
    kept = [await store.kept(**VALUES) for _ in range(2)]
    before = ciphertexts(store)

    done = await store.rotation.run()

    assert done.counts() == {
        "tenants": 2, "rewrapped": 0, "renewed": 2, "resealed": 260, "failed": 0,
    }  # fmt: skip
    assert not before & ciphertexts(store)
    for tenant, owner in kept:
        assert await store.get(tenant, owner) == VALUES
        assert versions(store, tenant) == [2]
    told = store.sql(
        "select resource_type, details ->> 'resealed' from audit_log where tenant_id = %s",
        audit.PLATFORM,
    )
    assert told == [("tenant_key", "260")]


async def test_a_new_master_key_wraps_all_and_changes_no_secret(
    postgres: Embedded, tmp_path: Path
) -> None:
    file = tmp_path / "master.key"
    file.write_text(old := crypto.new_master_key())
    async with stores.store(postgres, FileKeys(file)) as store:
        tenant, owner = await store.kept(**VALUES)
        running, before = store.secrets, ciphertexts(store)

        def make() -> None:
            file.write_text(f"{crypto.new_master_key()}\n{file.read_text()}")

        done = await store.rotation.run(new_master=make)

        assert (done.rewrapped, done.resealed) == (1, 0)
        assert ciphertexts(store) == before
        async with tenancy.transaction(store.sessions, tenant) as session:
            assert await running.get(session, scope_of(tenant), owner) == VALUES
        file.write_text(file.read_text().splitlines()[0])
        alone = Store(store.conninfo, store.sessions, (FileKeys(file),))
        assert await alone.get(tenant, owner) == VALUES
        found = await inspect(store.sessions, Keyring((SetKeys(old),)))
        assert list(found.closed) == [tenant]


async def test_from_a_file_to_vault(postgres: Embedded, tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    file.write_text(crypto.new_master_key())
    async with stores.store(postgres, FileKeys(file)) as store, vaults.vault() as vault:
        tenant, owner = await store.kept(**VALUES)
        place = VaultKeys(vault.settings())
        moving = Store(store.conninfo, store.sessions, (place, *store.places))
        assert (await moving.rotation.run()).counts()["failed"] == 0
        moved = Store(store.conninfo, store.sessions, (place,))
        assert await moved.get(tenant, owner) == VALUES
        vault.rotate()
        assert (await moved.rotation.run()).rewrapped == 1
        vault.oldest = 2
        assert await moved.get(tenant, owner) == VALUES


async def test_it_continues_what_was_cut_short(store: Store) -> None:
    """As if a rotation had ended once the first tenant had its new key."""
    done, waiting = [await store.kept(**VALUES) for _ in range(2)]
    store.sql("insert into key_rotation (id) values (gen_random_uuid())")
    tenant, scope = done[0], scope_of(done[0])
    _, wrapped = await store.secrets.keyring.new(tenant)
    async with tenancy.transaction(store.sessions, tenant) as session:
        (old,) = await queries.tenant_keys(session, scope)
        assert await queries.add_next_key(session, scope, old, wrapped)
    assert await store.get(*done) == VALUES

    counts = (await store.rotation.run()).counts()

    assert (counts["renewed"], counts["resealed"]) == (1, 260)
    for one in (done, waiting):
        assert versions(store, one[0]) == [2]
        assert await store.get(*one) == VALUES
    assert (await store.rotation.run()).renewed == 2, "that one is over: this is another"


async def test_two_at_once_do_not_disturb_each_other(store: Store) -> None:
    tenant, owner = await store.kept(**VALUES)
    outcomes = await asyncio.gather(
        *(store.rotation.run() for _ in range(4)), return_exceptions=True
    )
    assert any(isinstance(one, Busy) for one in outcomes)
    assert await store.get(tenant, owner) == VALUES
    assert len(versions(store, tenant)) == 1


async def test_who_writes_meanwhile_keeps_the_key_that_it_writes_with(store: Store) -> None:
    """A transaction that sealed with the old key commits while the old key is to be removed."""
    tenant, owner = await store.kept(first="before-before")
    secrets, scope = store.secrets, scope_of(tenant)
    async with tenancy.transaction(store.sessions, tenant) as session:
        await secrets.put(session, scope, owner, {"second": "meanwhile-meanwhile"})
        rotating = asyncio.create_task(store.rotation.run())
        while versions(store, tenant) != [1, 2]:  # noqa: ASYNC110 (it happens in the database)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # by now it waits for this transaction
        assert not rotating.done()
    assert (await rotating).counts()["failed"] == 0
    assert await store.get(tenant, owner) == {
        "first": "before-before", "second": "meanwhile-meanwhile",
    }  # fmt: skip
    assert versions(store, tenant) == [2]


async def test_a_tenant_that_is_deleted_meanwhile_does_not_come_back(store: Store) -> None:
    tenant, _ = await store.kept(**VALUES)
    with psycopg.connect(store.conninfo) as connection:
        connection.execute("select set_config('app.tenant_id', %s, true)", [str(tenant)])
        connection.execute("select delete_tenant(%s)", [tenant])
        rotating = asyncio.create_task(store.rotation.run())
        await asyncio.sleep(0.3)  # it waits for the row that is going
        connection.commit()
    await rotating
    assert store.sql("select from tenant_key") == store.sql("select from master_key_use") == []


async def test_what_does_not_open_is_named_and_keeps_its_key(store: Store) -> None:
    tenant, owner = await store.kept(**VALUES)
    other, fine = await store.kept(**VALUES)
    damaged = f"{owner.id}:n007"
    store.sql("update secret set ciphertext = 'x' where key = %s", damaged)

    done = await store.rotation.run()

    assert list(done.failed) == [tenant]
    assert damaged in done.failed[tenant]
    assert done.resealed == 259
    assert versions(store, tenant) == [1, 2]
    assert await store.get(other, fine) == VALUES
    found = await inspect(store.sessions, store.rotation.keyring)
    assert (found.tenants, found.secrets, found.under.total()) == (2, 260, 3)
    (miss,) = found.closed.pop(tenant)
    assert not found.closed
    assert miss.startswith(f"secret {damaged}: ")


async def test_a_key_that_seals_cannot_be_removed(store: Store) -> None:
    tenant, owner = await store.kept(**VALUES)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        store.sql("delete from tenant_key where tenant_id = %s", tenant)
    assert await store.get(tenant, owner) == VALUES


async def test_a_secret_without_an_owner_cannot_be_written(store: Store) -> None:
    tenant, _ = await store.kept(token="tok-0123456789")
    with pytest.raises(psycopg.errors.CheckViolation):
        store.sql("update secret set credential_id = null where tenant_id = %s", tenant)
