"""Finds values that are known as secrets in any text, however they are spelled there.

A text is looked at in blocks of four bytes. Of each spelling, seven bytes from its middle are
remembered: wherever it stands in a text, one whole block falls among them. So a text costs as much
as it is long, not as much as there are secrets. It is the middle because beginnings and ends are
alike ("sk-…", "https://…", "…-----END PRIVATE KEY-----").
"""

import base64
import html
import json
import re
import sys
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import quote, quote_plus

MASK = "•••"
SHORTEST = 8  # shorter values may be words: whoever types one must not blot out the logs
_MASK = MASK.encode()
_BLOCK = 4  # bytes: one unsigned integer
_WINDOW = 2 * _BLOCK - 1
_Part: TypeAlias = tuple[bytes, int]
_NONE: frozenset[_Part] = frozenset()
_ESCAPED = re.compile(r"%[0-9A-F]{2}")


class Masks:
    """What is hidden; of more than `most` values, or `largest` bytes in all their spellings, those
    that were hidden longest ago are forgotten."""

    def __init__(self, most: int = 4096, largest: int = 8 << 20) -> None:
        self._most, self._left = most, largest
        self._spelled: dict[str, frozenset[bytes]] = {}
        # By block: in which spellings it is, and where. Read by any thread at any time, so what is
        # in it is replaced, never changed.
        self._known: dict[int, frozenset[_Part]] = {}

    def hide(self, secret: str) -> None:
        if len(secret) < SHORTEST:
            return
        spelled = self._spelled.pop(secret, None)
        if spelled is None:
            spelled = frozenset(map(_bytes, spellings(secret)))
            self._left -= sum(map(len, spelled))
            while self._spelled and (len(self._spelled) >= self._most or self._left < 0):
                self._forget(next(iter(self._spelled)))
            for block, part in _parts(spelled):
                self._known[block] = self._known.get(block, _NONE) | {part}
        self._spelled[secret] = spelled  # last: it was used just now

    def _forget(self, secret: str) -> None:
        spelled = self._spelled.pop(secret)
        self._left += sum(map(len, spelled))
        for block, part in _parts(spelled):
            rest = self._known.get(block, _NONE) - {part}
            if rest:
                self._known[block] = rest
            else:
                self._known.pop(block, None)

    def mask(self, text: str) -> str:
        if not self._known:
            return text
        raw = _bytes(text)
        blocks = memoryview(raw)[: len(raw) // _BLOCK * _BLOCK].cast("I")
        if self._known.keys().isdisjoint(blocks):
            return text
        spans = sorted(self._found(raw, blocks))
        return _without(raw, spans).decode(errors="surrogatepass") if spans else text

    def _found(self, raw: bytes, blocks: memoryview) -> Iterator[tuple[int, int]]:
        for number, block in enumerate(blocks):
            for spelling, offset in self._known.get(block, ()):
                first = number * _BLOCK - offset
                if first >= 0 and raw.startswith(spelling, first):
                    yield first, first + len(spelling)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _parts(spelled: frozenset[bytes]) -> Iterator[tuple[int, _Part]]:
    for spelling in spelled:
        start = (len(spelling) - _WINDOW) // 2
        for offset in range(start, start + _BLOCK):
            block = spelling[offset : offset + _BLOCK]
            yield int.from_bytes(block, sys.byteorder), (spelling, offset)


def spellings(secret: str) -> frozenset[str]:
    """As it is, and as JSON, `repr`, HTML, addresses and base64 write it, alone or within more."""
    found = {secret, html.escape(secret), *_in_addresses(secret), *_in_base64(secret)}
    for _ in range(2):  # a `repr` in JSON, JSON in JSON
        found |= {written for text in found for written in _quoted(text)}
    return frozenset(text for text in found if len(text) >= SHORTEST)


def _quoted(text: str) -> tuple[str, str, str]:
    return repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]


def _in_addresses(secret: str) -> Iterator[str]:
    raw = _bytes(secret)
    for escaped in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield escaped
        yield _ESCAPED.sub(lambda found: found[0].lower(), escaped)


def _in_base64(secret: str) -> Iterator[str]:
    """What stays the same whatever stands before and after: three ways to fall on 24 bits."""
    raw = _bytes(secret)
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(raw)) // 6
        core = base64.b64encode(bytes(before) + raw)[first:last].decode()
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _without(raw: bytes, spans: list[tuple[int, int]]) -> bytes:
    """`spans` are sorted; where they touch or overlap there is one mask."""
    pieces: list[bytes] = []
    done = 0
    for first, last in spans:
        if first > done or not pieces:
            pieces += (raw[done:first], _MASK)
        done = max(done, last)
    return b"".join((*pieces, raw[done:]))
