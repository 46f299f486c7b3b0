"""Markdown that is still being written: blocks become HTML as soon as they cannot change.

Text is taken in line by line, however it was cut on its way, so what is finished is a function of
the text alone, and a replay arrives at the same blocks.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise

from monster.dashboard.transcript.markdown import Sources, block_starts, render

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_MARK = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?=\s)|[>|]")
_LINE = re.compile(r".*\n|.+$")
_SMALL = 2_000  # characters that may be parsed again with every line
_GROWTH = 1.25  # what is longer is parsed again when there is this much more


@dataclass(slots=True)
class Blocks:
    """The text of one message. `sources` are those that it may cite."""

    sources: Sources
    cited: set[int] = field(default_factory=set[int])
    _lines: list[str] = field(default_factory=list[str])  # of blocks that may still change
    _pieces: list[str] = field(default_factory=list[str])  # of the line that is being written
    _fence: str = ""  # what ends the code that is being written
    _size: int = 0
    _wait_for: float = 0  # the size at which parsing again is worth it

    @property
    def rest(self) -> str:
        """What is written but not finished."""
        return "".join([*self._lines, *self._pieces])

    def feed(self, text: str) -> str:
        """The HTML of the blocks that are finished now; mostly there is none."""
        whole, newline, rest = text.rpartition("\n")
        html = ""
        if newline:
            lines = _lines("".join([*self._pieces, whole, newline]))
            self._pieces = []
            html = "".join([self._line(line) for line in lines])
        if rest:
            self._pieces.append(rest)
        return html

    def end(self) -> str:
        """The HTML of what is left."""
        self._lines, self._pieces = _lines(self.rest), []
        return self._finish([*block_starts("".join(self._lines)), len(self._lines)])

    def _line(self, line: str) -> str:
        if not self._lines and not line.strip():
            return ""
        self._lines.append(line)
        self._size += len(line)
        if self._fence:
            return self._in_code(line)
        if len(self._lines) == 1:
            self._fence = _opens(line)
        if self._size < self._wait_for or not self._may_begin(line):
            return ""
        self._wait_for = self._size * _GROWTH if self._size > _SMALL else 0
        starts = block_starts("".join(self._lines))
        return self._finish(starts) if len(starts) > 1 else ""

    def _in_code(self, line: str) -> str:
        """Nothing but its end can follow, and after that it is finished."""
        mark = line.strip()
        closes = mark.startswith(self._fence) and not mark.strip(self._fence[0])
        indented = line.startswith(("    ", "\t"))
        return self._finish([0, len(self._lines)]) if closes and not indented else ""

    def _may_begin(self, line: str) -> bool:
        """Whether a block may begin here. A wrong yes costs time, a wrong no only delays."""
        if line[0].isspace():
            return False
        mark, first = _MARK.match(line), _MARK.match(self._lines[0])
        return not (mark and first and mark[0][-1] == first[0][-1])

    def _finish(self, starts: list[int]) -> str:
        """Blocks begin on these lines; the last one stays open."""
        rendered = [
            render("".join(self._lines[start:end]), self.sources) for start, end in pairwise(starts)
        ]
        self.cited.update(*(piece.cited for piece in rendered))
        self._lines = self._lines[starts[-1] :] if starts else []
        self._size = sum(map(len, self._lines))
        self._wait_for = 0
        self._fence = _opens(self._lines[0]) if self._lines else ""
        return "".join([piece.html for piece in rendered])


def whole(text: str, sources: Sources, cited: set[int]) -> str:
    """The HTML of a finished text; notes in `cited` what it refers to."""
    blocks = Blocks(sources, cited)
    return blocks.feed(text) + blocks.end()


def _opens(line: str) -> str:
    fence = _FENCE.match(line)
    return fence[1] if fence else ""


def _lines(text: str) -> list[str]:
    return _LINE.findall(text.replace("\r\n", "\n").replace("\r", "\n"))
