"""Ties a child process to its parent: a pipe that closes when the parent dies, however it dies."""

import asyncio
import os
import sys
from collections.abc import Callable


async def held(on_end: Callable[[], None]) -> None:
    """Call `on_end` once standard input, held open by the parent, comes to its end."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 1024):
            loop.remove_reader(descriptor)
            ended.set()

    loop.add_reader(descriptor, read)
    await ended.wait()
    on_end()
