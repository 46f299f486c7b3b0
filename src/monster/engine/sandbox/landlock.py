"""Landlock: which files a process may open. Source: the kernel's `userspace-api/landlock`."""

import ctypes
import os
import platform
import stat
import struct
from collections.abc import Iterable

from monster.engine.sandbox import libc
from monster.engine.sandbox.types import SandboxUnavailable

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_SPECIAL = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11  # making devices, sockets, pipes with a name
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_FIRST = (1 << 13) - 1  # what version 1 knows
_TCP = 3  # bind, connect
_SCOPED = 3  # abstract sockets, signals

READ = _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL


def version() -> int:
    """Raises SandboxUnavailable where the kernel has no Landlock, or it is off."""
    if platform.system() != "Linux":
        raise SandboxUnavailable(f"{platform.system()} has no Landlock: only Linux has")
    try:
        return libc.syscall(_CREATE, None, 0, _VERSION)
    except OSError as error:
        raise SandboxUnavailable(f"the kernel offers no Landlock ({error})") from error


def _handled(abi: int) -> int:
    newer = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL))
    return _FIRST | sum(right for since, right in newer if abi >= since)


def apply(readable: Iterable[str], writable: Iterable[str]) -> int:
    """From now on this process opens nothing else, for good. Gives the version in force.

    Paths that do not exist are left out. `no_new_privs` must be set. Raises SandboxUnavailable.
    """
    abi = version()
    handled = _handled(abi)
    rules = struct.pack("QQQ", handled, _TCP if abi >= 4 else 0, _SCOPED if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    try:
        ruleset = libc.syscall(_CREATE, ctypes.c_char_p(rules), size, 0)
        for path in readable:
            _allow(ruleset, path, READ)
        for path in writable:
            _allow(ruleset, path, handled & ~(_EXECUTE | _SPECIAL | _IOCTL))
        libc.syscall(_RESTRICT, ruleset, 0)
        os.close(ruleset)
    except OSError as error:
        raise SandboxUnavailable(f"Landlock could not be put in force ({error})") from error
    return abi


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(os.fstat(opened).st_mode):
        rights &= _OF_FILES
    rule = struct.pack("=Qi", rights, opened)
    libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
    os.close(opened)
