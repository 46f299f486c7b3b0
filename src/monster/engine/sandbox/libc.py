"""The few calls that Python has no function for, with their errors as OSError."""

import ctypes
import os
from typing import TypeAlias

Argument: TypeAlias = int | bytes | ctypes.c_char_p | None
_LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, *arguments: Argument) -> int:
    """Raises OSError. Numbers are passed as C long, pointers and bytes as they are."""
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return _checked(_LIBC.syscall(ctypes.c_long(number), *wide), f"system call {number}")


def prctl(option: int, *arguments: Argument) -> None:
    wide = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    filler = [ctypes.c_ulong(0)] * (4 - len(wide))
    _checked(_LIBC.prctl(ctypes.c_int(option), *wide, *filler), f"prctl {option}")


def unshare(flags: int) -> None:
    _checked(_LIBC.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    _checked(
        _LIBC.mount(
            source.encode(),
            os.fsencode(target),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode() or None,
        ),
        f"mount {target}",
    )


def unmount(target: str, flags: int) -> None:
    _checked(_LIBC.umount2(os.fsencode(target), ctypes.c_int(flags)), f"unmount {target}")
