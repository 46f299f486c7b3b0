"""A process gives up, for good, everything that code of others must not have."""

import contextlib
import ctypes
import math
import os
import resource
import secrets
import signal
import struct
from pathlib import Path
from typing import TypedDict

from monster.engine.sandbox import landlock, libc, namespaces, seccomp
from monster.engine.sandbox.types import MIB, SandboxUnavailable

_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES = 0x20080522  # version 3 of what capset takes
_LIBRARIES = 1024 * MIB  # of address space: what a run maps and does not fill
_OPEN_FILES = 64
_DEVICES = ("/dev/null",)


class Walls(TypedDict):
    """Paths and limits of a run, as they travel to its process."""

    root: str  # an empty folder
    work: str  # its own folder, and where it is afterwards
    scratch: str
    readable: list[str]
    seconds: float
    memory: int
    file: int
    parent: int
    namespaces: bool  # whether to try


def confine(walls: Walls) -> None:
    """Raises SandboxUnavailable: then nothing may be run in this process."""
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    _limit(walls)
    _yield_to_others()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go, before any of us
    landlock.version()
    writable = [walls["work"], walls["scratch"], *_DEVICES]
    readable = [*walls["readable"], "/dev/urandom"]
    if walls["namespaces"]:
        namespaces.enter(walls["root"], readable, writable)
    os.chdir(walls["work"])
    _drop_capabilities()
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != walls["parent"]:  # it died before it could be followed
        raise SandboxUnavailable("the engine is gone")
    landlock.apply(readable, writable)
    seccomp.apply()


def _limit(walls: Walls) -> None:
    seconds = math.ceil(walls["seconds"]) + 1
    for kind, value in (
        (resource.RLIMIT_CORE, 1),  # of 0 a program that takes dumps would not know
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, walls["file"]),
        (resource.RLIMIT_DATA, walls["memory"]),
        (resource.RLIMIT_AS, walls["memory"] + _LIBRARIES),
        (resource.RLIMIT_STACK, 8 * MIB),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _lower(kind, value)


def _yield_to_others() -> None:
    """Libraries that start a thread for each processor see one, and start none."""
    os.sched_setaffinity(0, {secrets.choice(sorted(os.sched_getaffinity(0)))})
    os.nice(5)


def _lower(kind: int, value: int) -> None:
    """Never above what already holds."""
    ceiling = resource.getrlimit(kind)[1]
    value = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
    resource.setrlimit(kind, (value, value))


def _drop_capabilities() -> None:
    header = ctypes.c_char_p(struct.pack("Ii", _CAPABILITIES, 0))
    nothing = ctypes.c_char_p(bytes(24))
    try:
        libc.syscall(_CAPSET[os.uname().machine], header, nothing)
    except (KeyError, OSError) as error:
        raise SandboxUnavailable(f"privileges could not be given up ({error})") from error
