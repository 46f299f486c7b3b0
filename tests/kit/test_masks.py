"""Known secrets are found in any text, in all their spellings; nothing else is."""

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monster.kit.masks import MASK, Masks

values = st.text(min_size=8, max_size=60)
around = st.text(max_size=20)
SECRETS = ["sk-proj-7f3a91", "p\"a\\s's & <wörd>/+?", "line\nbreak 🔑 key", "0123456789abcdef" * 4]


@given(values, around, around)
@example("aaaaaaaa", "aaa", "a")
def test_it_is_found_wherever_it_stands(secret: str, before: str, after: str) -> None:
    masks = Masks()
    masks.hide(secret)
    masked = masks.mask(f"{before}{secret}{after}")
    assert secret not in masked
    assert MASK in masked


@given(values, st.text(max_size=80))
def test_what_holds_no_secret_is_left_alone(secret: str, text: str) -> None:
    masks = Masks()
    masks.hide(f"{secret}\N{LOCK}")
    assert masks.mask(text) == text


def _utf8(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _repr_in_json(text: str) -> str:
    return json.dumps(repr(text))


def _json_in_json(text: str) -> str:
    return json.dumps(json.dumps(text))


def _small_escapes(text: str) -> str:
    return re.sub("%..", lambda found: found[0].lower(), quote(text, safe=""))


def _query(text: str) -> str:
    return urlencode({"a": text})


WRITERS = [
    repr, json.dumps, _utf8, _repr_in_json, _json_in_json, html.escape, quote, quote_plus,
    _small_escapes, _query,
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_in_every_spelling(secret: str, write: Callable[[str], str]) -> None:
    masks = Masks()
    masks.hide(secret)
    masked = masks.mask(f"before {write(secret)} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert MASK in masked
    frame = masked[len("before ") : -len(" after")].replace(MASK, "")
    assert len(frame) <= 6, "quotes, and nothing of the value"


@given(st.binary(max_size=12), st.binary(max_size=12), st.sampled_from(SECRETS))
def test_within_base64(before: bytes, after: bytes, secret: str) -> None:
    masks = Masks()
    masks.hide(secret)
    whole = before + secret.encode() + after
    for encoded in (base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
        masked = masks.mask(encoded.decode())
        assert MASK in masked
        left = masked.replace(MASK, "")
        assert len(left) <= len(base64.b64encode(before)) + len(base64.b64encode(after)) + 8


def test_a_basic_authorization_header_says_nothing() -> None:
    masks = Masks()
    masks.hide("hunter2-hunter2")
    header = base64.b64encode(b"ada@example.com:hunter2-hunter2").decode()
    masked = masks.mask(f"Authorization: Basic {header}")
    kept = masked.removeprefix("Authorization: Basic ").partition(MASK)[0]
    assert b"hunter" not in base64.b64decode(f"{kept}{'=' * (-len(kept) % 4)}")


def test_short_values_are_words() -> None:
    masks = Masks()
    masks.hide("secret")
    assert masks.mask("a secret") == "a secret"


def test_secrets_that_share_their_ends_or_each_other() -> None:
    masks = Masks()
    for secret in ("sk-one-same-end", "sk-two-same-end", "two-same-end-and-more"):
        masks.hide(secret)
    text = "sk-one-same-end, sk-two-same-end-and-more."
    assert masks.mask(text) == f"{MASK}, {MASK}."


def test_there_is_room_for_so_many() -> None:
    masks = Masks(most=3)
    for number in range(4):
        masks.hide(f"secret-{number}")
        masks.hide("secret-0")  # used all the time, so it stays
    assert [masks.mask(f"secret-{n}") == MASK for n in range(4)] == [True, False, True, True]


def test_there_is_room_for_so_much() -> None:
    masks = Masks(largest=100_000)
    for number in range(100):
        masks.hide(f"{number}-" * 1000)
    assert sum(masks.mask(f"{n}-" * 1000) == MASK for n in range(100)) in range(1, 20)
    assert masks.mask("99-" * 1000) == MASK
