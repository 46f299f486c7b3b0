"""What tools have in common whose work is done in the sandbox, on files of a conversation."""

import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from monster.engine.sandbox import sandbox, task
from monster.engine.sandbox.task import Program
from monster.engine.sandbox.types import BadName, Limits, Ran, SandboxUnavailable, TaskFailed
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.factory import ToolFactory

SECONDS = 120.0  # of a call: a run has less, but may have to wait for its place
_OTHER_TYPES = {".parquet": "application/vnd.apache.parquet", ".md": "text/markdown"}


class Kept(TypedDict):
    """A file of the conversation that a tool wrote."""

    name: str
    mime_type: str
    size: int


class Sandboxed(ToolFactory):
    """Needs no connection. What it makes are files of the conversation, and nothing outside."""

    category = "Files and data"

    @classmethod
    def missing(cls) -> str | None:
        return sandbox.missing()

    async def run(self, code: str, files: Mapping[str, bytes], limits: Limits) -> Ran:
        """Raises ToolFailed."""
        try:
            return await sandbox.shared().run(code, files, limits)
        except SandboxUnavailable as error:
            raise ToolFailed(f"this server cannot run code safely: {error}") from error
        except BadName as error:
            raise ToolFailed(str(error)) from error

    async def perform(
        self, program: Program, request: Mapping[str, Any], files: Mapping[str, bytes]
    ) -> task.Done:
        """Raises ToolFailed."""
        try:
            return await task.perform(sandbox.shared(), program, request, files)
        except SandboxUnavailable as error:
            raise ToolFailed(f"this server cannot do that safely: {error}") from error
        except (TaskFailed, BadName) as error:
            raise ToolFailed(str(error)) from error

    async def take(self, names: Sequence[str]) -> dict[str, bytes]:
        """Raises ToolFailed if one of them is not there."""
        return {name: await self.connection.files.read(name) for name in names}

    async def keep(self, files: Mapping[str, bytes]) -> list[Kept]:
        """A file in a folder gets a name without one. Raises ToolFailed."""
        kept: list[Kept] = []
        for path, content in files.items():
            name = path.replace("/", "-")
            written = await self.connection.files.write(name, content, mime_type(name))
            kept.append(Kept(name=written.name, mime_type=written.mime_type, size=written.size))
        return kept


def mime_type(name: str) -> str:
    suffix = f".{name.rpartition('.')[2].lower()}"
    return _OTHER_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def named(name: str, *suffixes: str) -> str:
    """The name, if it ends in one of these. Raises ToolFailed."""
    if not name.lower().endswith(suffixes) or "/" in name:
        raise ToolFailed(f"the name of the file must end in {' or '.join(suffixes)}")
    return name
