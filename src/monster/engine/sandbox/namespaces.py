"""Namespaces: a network with nothing in it, and a file system with nothing but what is needed.

A second wall behind Landlock and the filter, where the kernel gives it to us; containers often
do not. It also hides the names and sizes of other files, which Landlock does not.
"""

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from monster.engine.sandbox import libc

_NEW_MOUNTS, _NEW_UTS, _NEW_IPC = 0x20000, 0x4000000, 0x8000000
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18
_NO_SUID, _NO_DEVICES = 2, 4
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442
_HERE, _ALL_BELOW = -100, 0x8000
_READ_ONLY = 1


def enter(root: str, readable: Sequence[str], writable: Sequence[str]) -> bool:
    """Whether this process now stands in namespaces of its own.

    `root` is an empty folder; what is mounted on it is seen by this process only. If the kernel
    refuses some of it, the process still has less than before, and this says False.
    """
    owner, group = os.geteuid(), os.getegid()
    try:
        libc.unshare(_NEW_USER | _NEW_NETWORK | _NEW_MOUNTS | _NEW_IPC | _NEW_UTS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{owner} {owner} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _furnish(root, readable, writable)
        _move(root)
    except OSError:
        return False
    return True


def _furnish(root: str, readable: Iterable[str], writable: Iterable[str]) -> None:
    libc.mount("none", "/", None, _PRIVATE | _RECURSIVE)
    libc.mount("tmpfs", root, "tmpfs", _NO_SUID | _NO_DEVICES, "size=1m,mode=755")
    for path in readable:
        if target := _bind(root, path):
            _read_only(target)
    for path in writable:
        _bind(root, path)
    _read_only(root, below=False)


def _bind(root: str, path: str) -> str | None:
    source, target = Path(path), Path(root + path)
    if not source.exists():
        return None
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    libc.mount(path, str(target), None, _BIND | _RECURSIVE)
    return str(target)


def _read_only(target: str, *, below: bool = True) -> None:
    attributes = ctypes.c_char_p(struct.pack("QQQQ", _READ_ONLY, 0, 0, 0))
    flags = _ALL_BELOW if below else 0
    libc.syscall(_MOUNT_SETATTR, _HERE, os.fsencode(target), flags, attributes, 32)


def _move(root: str) -> None:
    """The old root ends up under the new one, at the same place, and is taken away."""
    number = _PIVOT_ROOT[os.uname().machine]
    os.chdir(root)
    libc.syscall(number, b".", b".")
    libc.unmount(".", _DETACH)
    os.chdir("/")
