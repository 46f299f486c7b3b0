"""Systems that need no connection, on files of a conversation that are kept in this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp

from monster.engine.toolkit.factory import Connection, ToolFactory
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.sandboxed import mime_type
from monster.kit.addresses import Guard
from monster.kit.ids import new_id

System = TypeVar("System", bound=ToolFactory)


@asynccontextmanager
async def on_files(system: type[System], files: MemoryFiles) -> AsyncGenerator[System]:
    async with aiohttp.ClientSession() as session:
        yield system(Connection("", {}, session, Guard(), files, new_id()))


def conversation(**files: bytes) -> MemoryFiles:
    """Of `a_csv` the name is "a.csv"."""
    named = {name.replace("_", ".", 1): content for name, content in files.items()}
    return MemoryFiles({name: (content, mime_type(name)) for name, content in named.items()})
