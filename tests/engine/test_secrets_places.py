"""Every place that can have a master key: what it wraps it opens, for that tenant alone."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monster.engine.secrets.errors import KeysUnreachable
from monster.engine.secrets.keyring import Keyring
from monster.engine.secrets.kms_keys import KmsKeys
from monster.engine.secrets.local_keys import FileKeys, SetKeys
from monster.engine.secrets.master_keys import MasterKeys
from monster.engine.secrets.schemas import Wrapped
from monster.engine.secrets.vault_keys import VaultKeys
from monster.kit import crypto
from monster.kit.crypto import BadMasterKey, CannotOpen
from monster.kit.ids import new_id
from tests import vaults
from tests.vaults import Kms, Vault


@pytest.fixture
async def vault() -> AsyncIterator[Vault]:
    async with vaults.vault() as there:
        yield there


@pytest.fixture(scope="module")
async def kms() -> AsyncIterator[Kms]:
    async with vaults.kms() as there:
        yield there


@asynccontextmanager
async def _place(kind: str, folder: Path) -> AsyncGenerator[MasterKeys]:
    file = folder / "master.key"
    file.write_text(f"{crypto.new_master_key()}\n{crypto.new_master_key()}\n")
    if kind == "vault":
        async with vaults.vault() as vault:
            yield VaultKeys(vault.settings())
    else:
        yield FileKeys(file) if kind == "file" else SetKeys(file.read_text())


@pytest.fixture(params=["setting", "file", "vault", "aws-kms"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, kms: Kms
) -> AsyncIterator[MasterKeys]:
    if request.param == "aws-kms":
        yield KmsKeys(kms.settings())
    else:
        async with _place(request.param, tmp_path) as found:
            yield found


def _changed(text: bytes) -> bytes:
    return text[:-6] + bytes(byte ^ 1 for byte in text[-6:-4]) + text[-4:]


async def test_what_it_wraps_it_opens_for_that_tenant_alone(place: MasterKeys) -> None:
    raw, tenant, other = secrets.token_bytes(32), new_id(), new_id()
    wrapped = await place.wrap(tenant, raw)
    assert wrapped.fingerprint == place.newest
    assert place.opens(wrapped.fingerprint)
    assert raw not in wrapped.text
    assert await place.unwrap(tenant, wrapped) == raw
    for whose, text in ((other, wrapped.text), (tenant, _changed(wrapped.text))):
        with pytest.raises(CannotOpen):
            await place.unwrap(whose, Wrapped(wrapped.fingerprint, text))
        with pytest.raises(CannotOpen):
            await place.rewrap(whose, Wrapped(wrapped.fingerprint, text))


async def test_what_is_wrapped_anew_is_the_same_key(place: MasterKeys) -> None:
    raw, tenant = secrets.token_bytes(32), new_id()
    wrapped = await place.wrap(tenant, raw)
    again = await place.rewrap(tenant, wrapped)
    assert again.text != wrapped.text
    assert await place.unwrap(tenant, again) == raw


async def test_from_any_place_to_any_other(place: MasterKeys) -> None:
    raw, tenant = secrets.token_bytes(32), new_id()
    here = SetKeys(crypto.new_master_key())
    there = await Keyring((place, here)).rewrap(tenant, await here.wrap(tenant, raw))
    assert there.fingerprint == place.newest
    back = await Keyring((here, place)).rewrap(tenant, there)
    assert back.fingerprint == here.newest
    assert await here.unwrap(tenant, back) == raw


async def test_of_several_keys_the_first_wraps_and_all_open() -> None:
    old, new = crypto.new_master_key(), crypto.new_master_key()
    before, after = SetKeys(old), SetKeys(f"{new}, {old}")
    tenant = new_id()
    wrapped = await before.wrap(tenant, b"k" * 32)
    assert await after.unwrap(tenant, wrapped) == b"k" * 32
    assert (await after.wrap(tenant, b"k" * 32)).fingerprint != wrapped.fingerprint
    with pytest.raises(CannotOpen, match="has no master key"):
        await before.unwrap(tenant, await after.wrap(tenant, b"k" * 32))


async def test_a_file_is_read_again_while_the_process_runs(tmp_path: Path) -> None:
    old, new, file = crypto.new_master_key(), crypto.new_master_key(), tmp_path / "master.key"
    file.write_text(f"{old}\n")
    running, tenant = FileKeys(file), new_id()
    file.write_text(f"{new}\n{old}\n")
    elsewhere = await SetKeys(new).wrap(tenant, b"k" * 32)
    assert await running.unwrap(tenant, elsewhere) == b"k" * 32
    assert (await running.wrap(tenant, b"k" * 32)).fingerprint == SetKeys(new).newest


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff"])
async def test_a_file_that_is_damaged_meanwhile_changes_nothing(
    content: bytes, tmp_path: Path
) -> None:
    key, file = crypto.new_master_key(), tmp_path / "master.key"
    file.write_text(key)
    running, tenant = FileKeys(file), new_id()
    file.write_bytes(content)
    wrapped = await running.wrap(tenant, b"k" * 32)
    assert await SetKeys(key).unwrap(tenant, wrapped) == b"k" * 32
    file.unlink()
    assert not running.opens("0" * 16)


@pytest.mark.parametrize("text", ["", ",", f"{'00' * 32},", f"{'00' * 32} {'11' * 32}"])
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(BadMasterKey):
        SetKeys(text)


async def test_vault_wraps_anew_with_its_newest_version(vault: Vault) -> None:
    place, tenant = VaultKeys(vault.settings()), new_id()
    wrapped = await place.wrap(tenant, b"k" * 32)
    vault.rotate()
    assert await place.unwrap(tenant, wrapped) == b"k" * 32
    again = await place.rewrap(tenant, wrapped)
    assert (wrapped.text[:9], again.text[:9]) == (b"vault:v1:", b"vault:v2:")
    assert vault.asked == ["encrypt", "decrypt", "rewrap"], "the key itself stayed in Vault"
    vault.oldest = 2
    assert await place.unwrap(tenant, again) == b"k" * 32
    with pytest.raises(CannotOpen):
        await place.unwrap(tenant, wrapped)


async def test_from_one_key_of_vault_to_another(vault: Vault) -> None:
    vault.rotate()
    vault.keys["second"] = [secrets.token_bytes(32)]
    tenant = new_id()
    wrapped = await VaultKeys(vault.settings()).wrap(tenant, b"k" * 32)
    second = VaultKeys(vault.settings(key="second"))
    assert await second.unwrap(tenant, wrapped) == b"k" * 32
    again = await second.rewrap(tenant, wrapped)
    del vault.keys["monster"]
    assert await second.unwrap(tenant, again) == b"k" * 32


async def test_a_key_in_vault_that_is_not_derived_is_bound_all_the_same(vault: Vault) -> None:
    """Vault does not look at the context then: what is wrapped says whose it is."""
    vault.derived = False
    place, tenant = VaultKeys(vault.settings()), new_id()
    wrapped = await place.wrap(tenant, b"k" * 32)
    assert await place.unwrap(tenant, wrapped) == b"k" * 32
    with pytest.raises(CannotOpen):
        await place.unwrap(new_id(), wrapped)


async def test_a_token_for_vault_may_be_renewed_in_its_file(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "token"
    place = VaultKeys(vault.settings(token=None, token_file=file))
    with pytest.raises(KeysUnreachable, match="the token for Vault cannot be read"):
        await place.wrap(new_id(), b"k" * 32)
    file.write_text("old\n")
    with pytest.raises(KeysUnreachable, match="permission denied"):
        await place.wrap(new_id(), b"k" * 32)
    file.write_text(f"{vault.token}\n")
    assert await place.wrap(new_id(), b"k" * 32)


async def test_vault_that_is_sealed_or_gone_is_no_wrong_key(vault: Vault) -> None:
    place, tenant = VaultKeys(vault.settings()), new_id()
    wrapped = await place.wrap(tenant, b"k" * 32)
    vault.sealed = True
    with pytest.raises(KeysUnreachable, match="Vault is sealed"):
        await place.unwrap(tenant, wrapped)
    gone = VaultKeys(vault.settings(address="http://127.0.0.1:9"))
    with pytest.raises(KeysUnreachable, match="does not answer"):
        await gone.unwrap(tenant, wrapped)


async def test_an_address_that_is_not_vaults(vault: Vault) -> None:
    for path in ("/elsewhere", ""):
        place = VaultKeys(vault.settings(address=vault.url + path, mount="nowhere"))
        with pytest.raises(KeysUnreachable, match="does not answer as it should"):
            await place.wrap(new_id(), b"k" * 32)


async def test_from_one_key_of_kms_to_another(kms: Kms) -> None:
    tenant = uuid.uuid1()
    wrapped = await KmsKeys(kms.settings()).wrap(tenant, b"k" * 32)
    second = KmsKeys(kms.settings(key=await kms.make_key()))
    again = await second.rewrap(tenant, wrapped)
    assert again.fingerprint == second.newest != wrapped.fingerprint
    assert await second.unwrap(tenant, wrapped) == await second.unwrap(tenant, again) == b"k" * 32


async def test_a_key_that_kms_does_not_have(kms: Kms) -> None:
    place = KmsKeys(kms.settings(key="arn:aws:kms:eu-central-1:123456789012:key/none"))
    with pytest.raises(KeysUnreachable, match="NotFoundException"):
        await place.wrap(new_id(), b"k" * 32)


async def test_a_key_is_asked_for_once_and_remembered(vault: Vault) -> None:
    keyring, tenant = Keyring((VaultKeys(vault.settings()),)), new_id()
    _, wrapped = await keyring.new(tenant)
    fresh = Keyring(keyring.places)
    vault.asked.clear()
    opened = await asyncio.gather(*(fresh.open(tenant, wrapped) for _ in range(50)))
    assert {repr(key) for key in opened} == {repr(opened[0])}
    assert vault.asked == ["decrypt"]
    vault.sealed = True
    assert await fresh.open(tenant, wrapped)
