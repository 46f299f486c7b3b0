"""Code of models and tenants runs here: in a process of its own that can reach nothing."""

import asyncio
import functools
import signal
from collections.abc import Callable, Mapping
from typing import TypeVar
from weakref import WeakKeyDictionary

from monster.engine.sandbox import landlock, process, seccomp
from monster.engine.sandbox.folder import Folder, sweep
from monster.engine.sandbox.kernel import MEMORY
from monster.engine.sandbox.types import EndedBy, Limits, Ran, SandboxUnavailable

_T = TypeVar("_T")


def missing() -> str | None:
    """What the kernel lacks to hold code in, found without running anything."""
    try:
        landlock.version()
        seccomp.check()
    except SandboxUnavailable as error:
        return str(error)
    return None


@functools.cache
def _shared() -> "WeakKeyDictionary[asyncio.AbstractEventLoop, Sandbox]":
    return WeakKeyDictionary()


def shared() -> "Sandbox":
    """The one of this process: its places are all that runs of this process have together."""
    return _shared().setdefault(asyncio.get_running_loop(), Sandbox())


class Sandbox:
    """As many runs at once as there are `places`; the others wait in the order they came.

    `namespaces` are the second wall: taken where the kernel gives them, unless this says no.
    """

    def __init__(self, places: int = 2, *, namespaces: bool = True) -> None:
        self._places = asyncio.Semaphore(places)
        self._namespaces = namespaces
        self._swept = False

    async def check(self) -> None:
        """Raises SandboxUnavailable if nothing can be run on this machine."""
        await self.run("", {})

    async def run(
        self, program: str, files: Mapping[str, bytes], limits: Limits | None = None
    ) -> Ran:
        """Runs Python source in a new process that sees `files` in its folder and nothing else.

        Raises SandboxUnavailable if the kernel cannot hold it in, and BadName for a file whose
        name leads out of the folder. Cancelling it ends the process.
        """
        async with self._places:
            if not self._swept:
                self._swept = True
                await _to_the_end(sweep)
            folder = Folder()
            try:
                await _to_the_end(lambda: folder.fill(files))
                return await self._run(program, files, folder, limits or Limits())
            finally:
                await _to_the_end(folder.remove)

    async def _run(
        self, program: str, files: Mapping[str, bytes], folder: Folder, limits: Limits
    ) -> Ran:
        started = await process.start(folder, limits, namespaces=self._namespaces)
        watch = process.Watch(started, limits)
        try:
            await process.hand_over(started, program)
            await watch.until_end(folder)
        finally:
            code = await watch.end()
        ended = watch.ended or _reason(code)
        if await _to_the_end(lambda: folder.over(limits)):
            ended = "disk"
        written = {} if ended == "disk" else await _to_the_end(lambda: folder.written(files))
        out, err = (bytes(kept).decode(errors="replace") for kept in (watch.stdout, watch.stderr))
        return Ran(out, err, code, written, ended)


async def _to_the_end(work: Callable[[], _T]) -> _T:
    """In a thread, and not left alone there when the caller is cancelled."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _reason(code: int) -> EndedBy | None:
    """Nobody of us killed it: the kernel did, because memory or processor time ran out."""
    if code in (MEMORY, -signal.SIGKILL):
        return "memory"
    return "time" if code == -signal.SIGXCPU else None
