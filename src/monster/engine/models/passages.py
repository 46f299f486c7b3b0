"""Which piece of a passage answers best, by the words it shares with the question."""

import re
from collections.abc import Sequence

_ENOUGH = 280  # characters after which nothing is added
_LONGEST = 700  # of a piece that can be cut
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_REFERENCE = re.compile(r"\[(\d+)\](?!\()")  # would read as one of our citations
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n")
_COMMON = re.compile(
    r"(about|and|are|can|could|did|does|for|from|has|have|how|into|its|not|our|please|tell|that|the"
    r"|their|them|there|they|this|was|what|when|where|which|who|why|will|with|you|your)"
)


def words(text: str) -> frozenset[str]:
    """What is worth comparing: no short, no common words, without the most common endings."""
    found = re.findall(r"\w{3,}", text.lower())
    return frozenset(re.sub(r"(ing|ed|es|s)$", "", w) for w in found if not _COMMON.fullmatch(w))


def excerpt(text: str, asked: frozenset[str]) -> str:
    """The best block, and what follows or precedes it if that is short. Markdown stays whole."""
    blocks = _blocks(text)
    return "\n\n".join(_shortened(block, asked) for block in blocks[_around(blocks, asked)])


def _blocks(text: str) -> list[str]:
    """Paragraphs; a fenced block of code is one, whatever is in it."""
    blocks: list[list[str]] = [[]]
    fence = ""
    for line in text.strip("\n").splitlines():
        mark = _FENCE.match(line)
        if fence:
            blocks[-1].append(line)
            if mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
                blocks.append([])
        elif mark:
            fence = mark[1]
            blocks.append([line])
        elif line.strip():
            blocks[-1].append(line)
        else:
            blocks.append([])
    if fence:
        blocks[-1].append(fence)  # the passage ends within it
    return ["\n".join(block) for block in blocks if block]


def _score(text: str, asked: frozenset[str]) -> int:
    return len(asked & words(text))


def _around(pieces: Sequence[str], asked: frozenset[str]) -> slice:
    """From the best piece on, then before it, until there is enough."""
    best = max(range(len(pieces)), key=lambda n: _score(pieces[n], asked), default=0)
    first = last = best
    length = 0
    while last < len(pieces) and length < _ENOUGH:
        length += len(pieces[last])
        last += 1
    while first > 0 and length < _ENOUGH:
        first -= 1
        length += len(pieces[first])
    return slice(first, last)


def _shortened(block: str, asked: frozenset[str]) -> str:
    if _FENCE.match(block) or block.lstrip().startswith("|"):
        return block  # code and tables mean nothing in part
    if len(block) > _LONGEST:
        sentences = _sentences(block)
        span = _around(sentences, asked)
        kept = [_within(sentence, asked) for sentence in sentences[span]]
        block = _dotted(kept, before=span.start > 0, after=span.stop < len(sentences))
    return _REFERENCE.sub(r"\\[\1\\]", block)


def _sentences(block: str) -> list[str]:
    """Not cut inside `code` either."""
    sentences: list[str] = []
    for piece in _SENTENCE_END.split(block):
        if sentences and sentences[-1].count("`") % 2:
            sentences[-1] += " " + piece
        else:
            sentences.append(piece)
    return sentences


def _within(sentence: str, asked: frozenset[str]) -> str:
    """A sentence without end is cut between words, around the first that was asked for."""
    if len(sentence) <= _LONGEST:
        return sentence
    tokens = sentence.split()
    hit = next((n for n, token in enumerate(tokens) if asked & words(token)), 0)
    first = max(hit - 20, 0)
    return _dotted(tokens[first : first + 60], before=first > 0, after=first + 60 < len(tokens))


def _dotted(kept: list[str], *, before: bool, after: bool) -> str:
    return " ".join([*["…"][:before], *kept, *["…"][:after]])
