"""What a run in the sandbox is given, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

MIB = 1024 * 1024

EndedBy: TypeAlias = Literal["time", "memory", "output", "disk"]


class SandboxUnavailable(Exception):
    """The kernel cannot hold code in; the message says what is missing. Nothing was run."""


class BadName(ValueError):
    """The name of a file that leads out of the folder of a run."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory` is bytes of data; libraries come on top. `output` is bytes of each stream.

    `disk` is bytes of all files of a run together, `file` of the biggest one; `entries` is how
    many files and folders there may be.
    """

    seconds: float = 30.0
    memory: int = 512 * MIB
    disk: int = 64 * MIB
    file: int = 32 * MIB
    entries: int = 500
    output: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ran:
    """`exit` is negative for a signal; `files` are those that were written or changed, by their
    path in the folder. `ended_by` names the limit that ended it, if one did."""

    stdout: str
    stderr: str
    exit: int
    files: Mapping[str, bytes]
    ended_by: EndedBy | None = None


class TaskFailed(Exception):
    """A program of ours could not do what was asked; the message is for a model."""
