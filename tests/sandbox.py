"""How attacks on the sandbox are run: without it, to see that they work, and in it."""

import asyncio
import ctypes
import errno
import struct
import subprocess
import sys
from pathlib import Path

from monster.engine.sandbox import libc

GOT = "GOT-IT"


def outside(code: str, folder: Path, *, descriptors: tuple[int, ...] = ()) -> str:
    """What the code says in a plain Python process that stands in `folder`."""
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-c", code],
        cwd=folder,
        pass_fds=descriptors,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout


def living(folder: Path) -> list[int]:
    """Processes that were started to run something in a folder below this one."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f'"{folder}/'.encode() in status.read_bytes():
                found.append(int(status.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


async def begun(folder: Path) -> bool:
    """Waits, for ten seconds at most, until something of the folder lives."""
    return await _becomes(folder, alive=True)


async def gone(folder: Path) -> bool:
    """Waits, for ten seconds at most, until nothing of the folder lives."""
    return await _becomes(folder, alive=False)


async def _becomes(folder: Path, *, alive: bool) -> bool:
    for _ in range(200):
        if bool(living(folder)) is alive:
            return True
        await asyncio.sleep(0.05)
    return False


def without(number: int) -> None:
    """From here on this process, and those it starts, live on a kernel without that call."""
    steps = ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | errno.ENOSYS))
    code = b"".join(struct.pack("HBBI", *step) for step in (*steps, (0x06, 0, 0, 0x7FFF0000)))
    kept = ctypes.create_string_buffer(code)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_SECCOMP, 2, struct.pack("HP", 4, ctypes.addressof(kept)))
