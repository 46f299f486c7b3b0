"""What was sealed opens in its own place, with its own key, unchanged; and nowhere else."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monster.kit import crypto
from monster.kit.crypto import BadMasterKey, CannotOpen, Key, MasterKey

MASTER = MasterKey.parse(crypto.new_master_key())
TENANT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
DATA_KEY, WRAPPED = MASTER.new_data_key(TENANT)
PLACE = ("tenant", "secret", "credential:api_key")
texts = st.binary(max_size=200)
places = st.lists(st.text(max_size=10), max_size=4).map(tuple)


@given(texts, places)
def test_what_was_sealed_opens(text: bytes, place: tuple[str, ...]) -> None:
    assert DATA_KEY.open(DATA_KEY.seal(text, *place), *place) == text


@given(places, places)
def test_elsewhere_it_does_not_open(here: tuple[str, ...], there: tuple[str, ...]) -> None:
    sealed = DATA_KEY.seal(b"value", *here)
    if here != there:
        with pytest.raises(CannotOpen):
            DATA_KEY.open(sealed, *there)


def test_places_do_not_run_into_each_other() -> None:
    with pytest.raises(CannotOpen):
        DATA_KEY.open(DATA_KEY.seal(b"value", "ab", "c"), "a", "bc")


@given(st.data())
def test_what_was_changed_or_cut_does_not_open(data: st.DataObject) -> None:
    sealed = DATA_KEY.seal(b"a value of some length", *PLACE)
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + bytes([sealed[at] ^ data.draw(st.integers(1, 255))]) + sealed[at + 1 :]
    for broken in (changed, sealed[:at], sealed + b"x"):
        with pytest.raises(CannotOpen):
            DATA_KEY.open(broken, *PLACE)


def test_another_key_opens_nothing() -> None:
    stranger, _ = MASTER.new_data_key(TENANT)
    with pytest.raises(CannotOpen):
        stranger.open(DATA_KEY.seal(b"value", *PLACE), *PLACE)


def test_a_data_key_is_its_tenants_alone() -> None:
    sealed = DATA_KEY.seal(b"value", *PLACE)
    assert MASTER.unwrap(TENANT, WRAPPED).open(sealed, *PLACE) == b"value"
    with pytest.raises(CannotOpen):
        MASTER.unwrap(OTHER, WRAPPED)
    with pytest.raises(CannotOpen):
        MasterKey.parse(crypto.new_master_key()).unwrap(TENANT, WRAPPED)


def test_the_same_text_is_never_sealed_the_same() -> None:
    assert DATA_KEY.seal(b"value", *PLACE) != DATA_KEY.seal(b"value", *PLACE)


@pytest.mark.parametrize("raw", [bytes(range(32)), b"\xff" * 32])
def test_base64_and_hex_are_the_same_key(raw: bytes) -> None:
    spelled = [raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
    assert len({MasterKey.parse(f" {text}\n").fingerprint for text in spelled}) == 1


@pytest.mark.parametrize("text", ["", "short", "ä" * 44, "g" * 64, base64.b64encode(b"x").decode()])
def test_a_bad_master_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(BadMasterKey) as refused:
        MasterKey.parse(text)
    assert not text or text not in str(refused.value)


def test_keys_do_not_show_themselves() -> None:
    raw = b"0123456789abcdef0123456789abcdef"
    assert "0123" not in repr(Key(raw)) + repr(MasterKey(raw))
