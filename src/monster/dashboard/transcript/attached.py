"""Files as a conversation shows them: what a message brings along, what an answer's tools made.

The model is told of a message's files by its last line, which is part of the message as it is
stored: `Attached files: "a.csv", "b.png"`. People see chips in its place.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from monster.contracts.files import FileOut

_LEAD = "Attached files: "
_LINE = re.compile(rf'(?:\A|\n\n){_LEAD}("[^"\n]+"(?:, "[^"\n]+")*)\Z')  # no name holds a quote
_NAME = re.compile(r'"([^"\n]+)"')
_SVG = "image/svg+xml"  # what browsers show of it within <img> runs no script and loads nothing
_PICTURES: Mapping[str, str] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": _SVG,
}


class Chip(NamedTuple):
    """`href` is empty and `size` unknown where the file is not there any more."""

    name: str
    href: str = ""
    size: int = 0  # bytes
    is_picture: bool = False


def write(text: str, names: Sequence[str]) -> str:
    """The message with its files."""
    if not names:
        return text
    line = _LEAD + ", ".join(f'"{name}"' for name in names)
    return f"{text}\n\n{line}" if text else line


def read(message: str) -> tuple[str, list[str]]:
    """What was written, and the names of the files that came with it."""
    line = _LINE.search(message)
    return (message[: line.start()], _NAME.findall(line[1])) if line else (message, [])


def picture(file: FileOut) -> str:
    """The media type if browsers show it as a picture, by its name; empty for all else."""
    return _PICTURES.get(PurePosixPath(file.name).suffix.lower(), "")


def chip(file: FileOut) -> Chip:
    href = f"/conversations/{file.conversation_id}/files/{file.id}"
    return Chip(file.name, href, file.size, bool(picture(file)))


def brought(names: Iterable[str], files: Iterable[FileOut]) -> list[Chip]:
    """In the order in which the message names them."""
    wanted = list(names)
    known = {file.name: chip(file) for file in files if file.name in wanted}
    return [known.get(name, Chip(name)) for name in wanted]


def made(run_id: uuid.UUID, files: Iterable[FileOut]) -> list[Chip]:
    """By tools of this run. Of a picture in two formats only one is shown, the other is a chip."""
    own = [file for file in files if file.run_id == run_id]
    stems = {PurePosixPath(file.name).stem for file in own if picture(file) not in {"", _SVG}}
    return [
        chip(file)._replace(is_picture=False)
        if picture(file) == _SVG and PurePosixPath(file.name).stem in stems
        else chip(file)
        for file in own
    ]
