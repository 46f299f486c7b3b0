"""A server that is a program on this machine, behind a keeper: see `keeper.py`."""

import asyncio
import logging
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.factory import TokenSource

logger = logging.getLogger(__name__)

_KEEPER = Path(__file__).with_name("keeper.py")
_LONGEST_LINE = 8 << 20  # bytes of one message
_GRACE = 2.0  # seconds that a program has to end by itself
_LONGEST_WORDS = 500  # characters of a line that it says on standard error
_MOST_WORDS = 200  # such lines that are logged
_PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


@dataclass(slots=True)
class Program:
    """`environment` is all that it is told; `name` is the server's, for the log."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    last_words: str = ""
    process: Process | None = None
    source: TokenSource | None = None  # no program takes one
    status: int = 0
    failed: ToolFailed | None = None

    @asynccontextmanager
    async def streams(self) -> AsyncGenerator[TransportStreams]:
        """Raises OSError."""
        with tempfile.TemporaryDirectory(prefix="monster-mcp-", ignore_cleanup_errors=True) as home:
            self.process, leash = await self._start(home)
            try:
                async with _bridged(self.process, self._heard) as streams:
                    yield streams
            finally:
                with anyio.CancelScope(shield=True):
                    await _end(self.process, leash)

    async def _start(self, home: str) -> tuple[Process, int]:
        kept, leash = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_KEEPER), str(kept), *self.command),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=_LONGEST_LINE,
                env={**_PLAIN, "HOME": home, "TMPDIR": home, **self.environment},
                cwd=home,
                start_new_session=True,
                pass_fds=(kept,),
            )
        except BaseException:
            os.close(leash)
            raise
        finally:
            os.close(kept)
        return process, leash

    def _heard(self, line: str, number: int) -> None:
        """What it says about itself; the log masks secrets."""
        self.last_words = line
        if number <= _MOST_WORDS:
            logger.info("MCP server %s says: %s", self.name, line)


@asynccontextmanager
async def _bridged(
    process: Process, heard: Callable[[str, int], None]
) -> AsyncGenerator[TransportStreams]:
    incoming, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, process, incoming)
        tasks.start_soon(_write, process, outgoing, incoming)
        tasks.start_soon(_listen, process, heard)
        try:
            yield read, write
        finally:
            tasks.cancel_scope.cancel()
            for stream in (incoming, read, write, outgoing):
                stream.close()


async def _read(
    process: Process, incoming: MemoryObjectSendStream[SessionMessage | Exception]
) -> None:
    assert process.stdout
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with incoming:
            while line := await _line(process.stdout):
                await incoming.send(_parse(line))


async def _line(stdout: asyncio.StreamReader) -> bytes:
    """Empty at the end, and after a line that is too long: what follows cannot be told apart."""
    try:
        return await stdout.readline()
    except ValueError:
        return b""


def _parse(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return ValueError("no message: " + line[:_LONGEST_WORDS].decode(errors="replace"))


async def _write(
    process: Process,
    outgoing: MemoryObjectReceiveStream[SessionMessage],
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    assert process.stdin
    try:
        async with outgoing:
            async for message in outgoing:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()
    except OSError:  # it reads no more: who waits for an answer learns that none will come
        await incoming.aclose()


async def _listen(process: Process, heard: Callable[[str, int], None]) -> None:
    """To the end, or the program would wait for somebody to read."""
    assert process.stderr
    rest, number = "", 0
    while piece := await process.stderr.read(8192):
        *lines, rest = (rest + piece.decode(errors="replace")).split("\n")
        rest = rest[-_LONGEST_WORDS:]
        for line in filter(str.strip, lines):
            number += 1
            heard(line[:_LONGEST_WORDS].strip(), number)


async def _end(process: Process, leash: int) -> None:
    """First as the protocol wants it, by closing its input; then with all that it started."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.close()
    # What is not read keeps a program from ending, and asyncio from seeing that it has.
    drained = asyncio.gather(_drain(process.stdout), _drain(process.stderr))
    try:
        await asyncio.wait([drained], timeout=_GRACE)
        os.close(leash)
        await asyncio.wait([drained], timeout=_GRACE)
    finally:
        if process.returncode is None and not drained.done():
            process.kill()  # the keeper; the program dies with it
        await drained
        await process.wait()


async def _drain(pipe: asyncio.StreamReader) -> None:
    while await pipe.read(1 << 16):
        pass
