"""Markdown text becomes passages that a person can read alone and an embedding model whole."""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

# How many tokens each text has. Must not grow when a text is cut at white space.
Count: TypeAlias = Callable[[Sequence[str]], list[int]]

_CHARACTERS = 8  # at most so many for a token: endless "words" are one token to some models
_LINE = re.compile(r"[^\n]*\n?")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
# From coarse to fine; each piece keeps what ends it.
_CUTS = (
    re.compile(r"[^\n]*\n?"),
    re.compile(r".+?(?:[.!?…][\"')\]]*(?=\s)|$)|.+", re.DOTALL),
    re.compile(r"\S+\s*|\s+"),
)


class Passage(NamedTuple):
    """`text` is the document's text from `start` to `end`; `headings` are those it stands under."""

    seq: int
    text: str
    headings: tuple[str, ...]
    page: int | None
    start: int
    end: int


class _Piece(NamedTuple):
    start: int
    end: int
    headings: tuple[str, ...]
    opens: bool  # a heading: what follows belongs to it


def approximate(texts: Sequence[str]) -> list[int]:
    """A count for when no embedding model is there."""
    return [len(text) // 4 + 1 for text in texts]


def chunk(text: str, count: Count, limit: int, pages: Sequence[int] = ()) -> list[Passage]:
    """Every character that is not white space is in exactly one passage, none has more tokens
    than `limit` (unless one character has). `pages` are the offsets at which pages begin."""
    pieces = list(_fitting(text, _touching(text, list(_blocks(text))), count, limit))
    return [
        Passage(seq, text[start:end], headings, _page(pages, start), start, end)
        for seq, (start, end, headings) in enumerate(_packed(text, pieces, count, limit))
    ]


def _blocks(text: str) -> Iterator[_Piece]:
    """Headings, fenced code, and what stands between empty lines."""
    path: list[tuple[int, str]] = []
    fence = ""
    begin = None  # of the block that is open
    for line in _LINE.finditer(text):
        content = line[0].rstrip("\n")
        mark = _FENCE.match(content)
        heading = None if fence else _HEADING.match(content)
        closes = fence and mark and mark[1].startswith(fence) and not content.strip(" `~")
        opens = not fence and mark
        if begin is not None and (heading or opens or not (fence or content.strip())):
            yield _Piece(begin, line.start(), _named(path), opens=False)
            begin = None
        if heading:
            level = len(heading[1])
            path = [*(above for above in path if above[0] < level), (level, heading[2])]
            yield _Piece(line.start(), line.end(), _named(path), opens=True)
        elif begin is None and (fence or content.strip()):
            begin = line.start()
        if opens:
            fence = mark[1] if mark else ""
        elif closes:
            fence = ""
            yield _Piece(begin or 0, line.end(), _named(path), opens=False)
            begin = None
    if begin is not None:
        yield _Piece(begin, len(text), _named(path), opens=False)


def _touching(text: str, blocks: list[_Piece]) -> list[_Piece]:
    """With the empty lines after each, so that sizes of neighbours add up."""
    starts = [*(block.start for block in blocks[1:]), len(text)][: len(blocks)]
    return [block._replace(end=start) for block, start in zip(blocks, starts, strict=True)]


def _named(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in path if title)


def _sizes(texts: list[str], count: Count) -> list[int]:
    tokens = count(texts) if texts else []
    return [
        max(size, -(-len(text) // _CHARACTERS)) for size, text in zip(tokens, texts, strict=True)
    ]


def _fitting(
    text: str, pieces: list[_Piece], count: Count, limit: int, finer: int = 0
) -> Iterator[_Piece]:
    """The same pieces; those over the limit are cut at lines, sentences, words, characters."""
    for piece, size in _sized(text, pieces, count):
        if size <= limit or piece.end - piece.start <= 1:
            yield piece
        elif finer < len(_CUTS):
            cut = list(_cut(text, piece, _CUTS[finer]))
            yield from _fitting(text, cut, count, limit, finer + 1)
        else:
            middle = (piece.start + piece.end) // 2
            halves = [piece._replace(end=middle), piece._replace(start=middle, opens=False)]
            yield from _fitting(text, halves, count, limit, finer)


def _cut(text: str, piece: _Piece, pattern: re.Pattern[str]) -> Iterator[_Piece]:
    for found in pattern.finditer(text, piece.start, piece.end):
        if found.end() > found.start():
            yield _Piece(found.start(), found.end(), piece.headings, piece.opens)


def _packed(
    text: str, pieces: list[_Piece], count: Count, limit: int
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """As many pieces as fit; a heading begins anew, and takes part of what follows along."""
    held: list[_Piece] = []
    total = 0
    rest = deque(_sized(text, pieces, count))
    while rest:
        piece, size = rest.popleft()
        alone = all(one.opens for one in held)
        if alone and 0 < total <= limit // 2 and total + size > limit and _divides(text, piece):
            smaller = list(_fitting(text, [piece], count, limit - total))
            rest.extendleft(reversed(_sized(text, smaller, count)))
            piece, size = rest.popleft()
        if held and ((piece.opens and not alone) or total + size > limit):
            yield from _passage(text, held)
            held, total = [], 0
        held.append(piece)
        total += size
    yield from _passage(text, held)


def _sized(text: str, pieces: list[_Piece], count: Count) -> list[tuple[_Piece, int]]:
    sizes = _sizes([text[piece.start : piece.end] for piece in pieces], count)
    return list(zip(pieces, sizes, strict=True))


def _divides(text: str, piece: _Piece) -> bool:
    """Tables and code that fit are left whole."""
    return not piece.opens and text[piece.start] not in "|`~"


def _passage(text: str, held: list[_Piece]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    if not held:
        return
    start, end = held[0].start, held[-1].end
    whole = text[start:end]
    start += len(whole) - len(whole.lstrip())
    end -= len(whole) - len(whole.rstrip())
    if start < end:
        content = [piece for piece in held if not piece.opens]
        yield start, end, (content or held)[0].headings


def _page(pages: Sequence[int], start: int) -> int | None:
    return bisect_right(pages, start) or None
