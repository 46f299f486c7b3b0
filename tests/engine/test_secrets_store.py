"""The secret store from within: what is put is got, what is dropped is gone, at what cost."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from monster.engine.secrets.boot import WrongMasterKey, check_master_keys
from monster.engine.secrets.errors import KeysUnreachable, SecretsSealed
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.local_keys import SetKeys
from monster.engine.secrets.vault_keys import VaultKeys
from monster.kit import crypto, logs, tenancy
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests import stores, vaults
from tests.stores import Store, scope_of
from tests.vaults import Vault


@pytest.fixture(scope="module")
async def store(postgres: Embedded) -> AsyncIterator[Store]:
    async with stores.store(postgres) as there:
        yield there


@pytest.fixture
async def vault() -> AsyncIterator[Vault]:
    async with vaults.vault() as there:
        yield there


async def test_put_get_replace_drop(store: Store) -> None:
    tenant, owner = await store.kept(user="ada", token="tok-0123456789")
    assert await store.get(tenant, owner) == {"user": "ada", "token": "tok-0123456789"}
    await store.put(tenant, owner, token="tok-9876543210", extra="ünïcode\n")
    expected = {"user": "ada", "token": "tok-9876543210", "extra": "ünïcode\n"}
    assert await store.get(tenant, owner) == expected
    async with tenancy.transaction(store.sessions, tenant) as session:
        await store.secrets.drop(session, scope_of(tenant), owner, ["user", "nothing"])
    assert await store.get(tenant, owner) == {"token": "tok-9876543210", "extra": "ünïcode\n"}


async def test_of_two_owners_each_has_its_own(store: Store) -> None:
    tenant, owner = await store.kept(token="one-one-one")
    second = store.owner(tenant)
    await store.put(tenant, second, token="two-two-two")
    assert await store.get(tenant, owner) == {"token": "one-one-one"}
    assert await store.get(new_id(), owner) == {}
    store.sql("delete from credential where id = %s", owner.id)
    assert await store.get(tenant, owner) == {}
    assert await store.get(tenant, second) == {"token": "two-two-two"}


async def test_what_passes_is_hidden(store: Store) -> None:
    value = f"tok-{uuid.uuid1()}"
    tenant, owner = await store.kept(token=value)
    assert value not in logs.mask(f"sent {value}")
    assert (await store.get(tenant, owner))["token"] == value


async def test_what_it_costs(store: Store, statements: Statements) -> None:
    tenant, owner = await store.kept(token="tok-0123456789", user="ada")
    with statements.exactly(2):  # set the tenant, select
        await store.get(tenant, owner)
    with statements.exactly(3):  # set the tenant, find the key, write
        await store.put(tenant, owner, token="tok-x", user="eve")
    with statements.exactly(0):
        await store.secrets.ready(scope_of(tenant))


async def test_many_first_secrets_at_once_share_a_key(store: Store) -> None:
    tenant = new_id()
    owners = [store.owner(tenant) for _ in range(8)]
    await asyncio.gather(*(store.put(tenant, owner, n=str(owner.id)) for owner in owners))
    for owner in owners:
        assert await store.get(tenant, owner) == {"n": str(owner.id)}
    assert store.sql("select key_version from tenant_key where tenant_id = %s", tenant) == [(1,)]


async def test_the_wrong_master_key_is_named_with_its_tenants(store: Store) -> None:
    tenant, owner = await store.kept(token="tok-0123456789")
    await check_master_keys(store.sessions, Keyring(store.places))
    other = Keyring((SetKeys(crypto.new_master_key()),))
    with pytest.raises(WrongMasterKey, match=r"the secrets of \d+ tenant\(s\): [0-9a-f-]{36}"):
        await check_master_keys(store.sessions, other)
    wrong = Store(store.conninfo, store.sessions, other.places)
    with pytest.raises(SecretsSealed):
        await wrong.get(tenant, owner)
    with pytest.raises(SecretsSealed):
        await wrong.put(tenant, owner, token="tok-9876543210")
    await check_master_keys(store.sessions, Keyring((*other.places, *store.places)))


async def test_vault_is_asked_once_and_not_within_a_transaction(
    postgres: Embedded, vault: Vault, statements: Statements
) -> None:
    async with stores.store(postgres, VaultKeys(vault.settings())) as store:
        tenant = new_id()
        owner, scope, secrets = store.owner(tenant), scope_of(tenant), store.secrets
        await secrets.ready(scope)
        assert vault.asked == ["encrypt"]
        vault.sealed = True
        async with tenancy.transaction(store.sessions, tenant) as session:
            await secrets.put(session, scope, owner, {"token": "tok-0123456789"})
            assert await secrets.get(session, scope, owner) == {"token": "tok-0123456789"}
        with statements.exactly(0):
            await secrets.ready(scope)
        fresh = store.secrets
        with pytest.raises(KeysUnreachable, match="Vault is sealed"):
            await fresh.ready(scope)
        vault.sealed = False
        await fresh.ready(scope)
        vault.sealed = True
        async with tenancy.transaction(store.sessions, tenant) as session:
            assert await fresh.get(session, scope, owner) == {"token": "tok-0123456789"}


async def test_at_start_vault_is_asked_whether_it_opens(
    postgres: Embedded, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    place = VaultKeys(vault.settings())
    async with stores.store(postgres, place) as store:
        tenant, _ = await store.kept(token="tok-0123456789")
        await check_master_keys(store.sessions, Keyring((place,)))
        vault.sealed = True  # that passes
        await check_master_keys(store.sessions, Keyring((place,)))
        assert "secrets cannot be opened for now" in caplog.text
        vault.sealed = False
        vault.keys["monster"] = [bytes(range(32))]  # another Vault
        with pytest.raises(WrongMasterKey, match=f"{tenant}.*vault:transit/monster"):
            await check_master_keys(store.sessions, Keyring((place,)))
        local = Keyring((SetKeys(crypto.new_master_key()),))
        with pytest.raises(WrongMasterKey, match=str(tenant)):
            await check_master_keys(store.sessions, local)
