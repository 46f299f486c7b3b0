"""The process of a run from outside: started, given its code when it is confined, watched."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from monster.engine.sandbox import libraries
from monster.engine.sandbox.child import READY
from monster.engine.sandbox.confine import Walls
from monster.engine.sandbox.folder import Folder
from monster.engine.sandbox.types import EndedBy, Limits, SandboxUnavailable

_SOURCE = str(Path(__file__).parents[3])
_MAIN = (
    f"import sys; sys.path.insert(0, {_SOURCE!r}); from monster.engine.sandbox import child; "
    "child.main()"
)
_TO_BE_READY = 20.0  # seconds
_LOOK = 0.05  # seconds between two looks at how much the folder holds
_BIT = 65536


async def start(folder: Folder, limits: Limits, *, namespaces: bool) -> Process:
    """In a session of its own, so that it has no terminal and its group can be ended."""
    work, scratch = str(folder.work), str(folder.scratch)
    walls = Walls(
        root=str(folder.root),
        work=work,
        scratch=scratch,
        readable=list(libraries.readable()),
        seconds=limits.seconds,
        memory=limits.memory,
        file=limits.file,
        parent=os.getpid(),
        namespaces=namespaces,
    )
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-B", "-c", _MAIN, json.dumps(walls)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=libraries.environment(work, scratch),
        cwd=work,
        start_new_session=True,
    )


async def hand_over(process: Process, program: str) -> None:
    """Not before it says that it is confined. Raises SandboxUnavailable if it cannot be."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        async with asyncio.timeout(_TO_BE_READY):
            await process.stdout.readexactly(len(READY))
    except asyncio.IncompleteReadError as error:
        reason = (await process.stderr.read(_BIT)).decode(errors="replace").strip()
        raise SandboxUnavailable(reason or "its process ended before it was ready") from error
    except TimeoutError as error:
        raise SandboxUnavailable("its process was not ready in time") from error
    with contextlib.suppress(ConnectionError):  # it ended already: the exit code tells why
        process.stdin.write(program.encode())
        await process.stdin.drain()
    process.stdin.close()


class Watch:
    """Keeps what a process says, and ends it as soon as it goes over a limit."""

    def __init__(self, process: Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self.ended: EndedBy | None = None
        self.stdout = bytearray()
        self.stderr = bytearray()

    async def until_end(self, folder: Folder) -> None:
        looking = asyncio.create_task(self._look(folder))
        try:
            async with asyncio.timeout(self._limits.seconds):
                await asyncio.gather(
                    self._keep(self._process.stdout, self.stdout),
                    self._keep(self._process.stderr, self.stderr),
                )
                await self._process.wait()
        except TimeoutError:
            self._end("time")
        finally:
            looking.cancel()
            await asyncio.wait([looking])

    async def _keep(self, stream: asyncio.StreamReader | None, kept: bytearray) -> None:
        assert stream
        while said := await stream.read(_BIT):
            kept += said[: self._limits.output - len(kept)]
            if len(kept) >= self._limits.output:
                self._end("output")  # and read on: its end is near, and an open pipe would stay

    async def _look(self, folder: Folder) -> None:
        while not await asyncio.to_thread(folder.over, self._limits, self._process.pid):  # noqa: ASYNC110 (nobody tells when a folder grows)
            await asyncio.sleep(_LOOK)
        self._end("disk")

    async def end(self) -> int:
        """Nothing of it is left after this, neither process nor pipe. Gives the exit code."""
        self._kill()
        if self._process.stdin:
            self._process.stdin.close()
        for stream in (self._process.stdout, self._process.stderr):
            while stream and await stream.read(_BIT):
                pass
        return await self._process.wait()

    def _end(self, limit: EndedBy) -> None:
        self.ended = self.ended or limit
        self._kill()

    def _kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
