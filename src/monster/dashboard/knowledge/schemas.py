"""What the screens about knowledge show."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from monster.contracts.knowledge import DocumentOut, DocumentStatus, IndexOut, PassageOut

Item = TypeVar("Item")

_EXCERPT = 420  # characters of a passage that a hit shows
_MARKS = re.compile(r"^#{1,6} .*$|^[|: -]+$|\*\*|`", re.MULTILINE)  # of Markdown
_WORD = re.compile(r"\w{3,}")

_WORDS: dict[DocumentStatus, tuple[str, str]] = {
    "queued": ("Waiting", "neutral"),
    "parsing": ("Reading", "accent"),
    "embedding": ("Indexing", "accent"),
    "ready": ("Ready", "good"),
    "failed": ("Failed", "bad"),
}


class IndexForm(BaseModel):
    """What was typed. The engine judges it, so that it is judged in one place."""

    name: str = ""
    description: str = ""
    scope: str = "shared"


class State(NamedTuple):
    """A word and its tone; `live` while it is going to change by itself."""

    text: str
    tone: str
    live: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """One file a person chose, and why it was refused, if it was."""

    name: str
    problem: str = ""


class Piece(NamedTuple):
    text: str
    match: bool


@dataclass(frozen=True, slots=True)
class Hit:
    passage: PassageOut
    pieces: Sequence[Piece]

    @property
    def found_by(self) -> list[str]:
        return [{"keyword": "words", "vector": "meaning"}[name] for name in self.passage.found_by]


@dataclass(frozen=True, slots=True)
class Search:
    """`hits` is None until something was asked."""

    query: str = ""
    hits: Sequence[Hit] | None = None
    semantic: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What the page of an index shows besides the index."""

    after: uuid.UUID | None = None
    search: Search = Search()
    uploads: Sequence[Upload] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a long list."""

    rows: Sequence[Item]
    after: uuid.UUID | None  # where it begins
    next: uuid.UUID | None  # where the next one begins, if there is one


def index_state(index: IndexOut) -> State:
    if not index.documents:
        return State("Empty", "neutral")
    if pending(index):
        return State("Working", "accent", live=True)
    if index.failed:
        return State(f"{index.failed} failed", "bad")
    return State("Up to date", "good")


def document_state(document: DocumentOut) -> State:
    text, tone = _WORDS[document.status]
    return State(text, tone, live=document.status not in {"ready", "failed"})


def pending(index: IndexOut) -> int:
    return index.documents - index.ready - index.failed


def hit(passage: PassageOut, query: str) -> Hit:
    """The beginning of the passage, with the words of the question marked in it."""
    text = _MARKS.sub("", passage.text).strip() or passage.text
    if len(text) > _EXCERPT:
        text = text[:_EXCERPT].rsplit(maxsplit=1)[0] + " …"
    words = "|".join(map(re.escape, sorted(set(_WORD.findall(query)), key=len, reverse=True)))
    if not words:
        return Hit(passage, [Piece(text, match=False)])
    parts = re.split(rf"\b({words})\b", text, flags=re.IGNORECASE)
    return Hit(passage, [Piece(part, match=n % 2 == 1) for n, part in enumerate(parts) if part])
