"""A filter of system calls in the kernel's own bytecode (classic BPF), made from the tables."""

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

from monster.engine.sandbox import libc, syscalls
from monster.engine.sandbox.types import SandboxUnavailable

_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in what the kernel shows a filter
_X32 = 0x40000000  # x86_64 has a second set of numbers from here on
_MODE_FILTER = 2
_HAS_ACTION = 2


class Machine(NamedTuple):
    column: int  # in the tables
    audit: int  # how the kernel calls it
    seccomp: int  # the number of the call


MACHINES = {"x86_64": Machine(0, 0xC000003E, 317), "aarch64": Machine(1, 0xC00000B7, 277)}


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)


def _answer(number: int | None, answer: int) -> list[bytes]:
    if number is None:
        return []
    return [_step(_EQUAL, number, 0, 1), _step(_RETURN, answer)]


def _guarded(number: int | None, conditions: tuple[syscalls.Condition, ...]) -> list[bytes]:
    """Whatever the number is, the accumulator holds it when this is left downwards."""
    if number is None:
        return []
    body: list[bytes] = []
    for word, mask, values in conditions:
        body += [_step(_LOAD, _ARGUMENTS + 4 * word), _step(_AND, mask)]
        left = len(values)
        for value in values:
            body.append(_step(_EQUAL, value, left))  # over the refusal
            left -= 1
        body.append(_step(_RETURN, _ERRNO | errno.EPERM))
    body.append(_step(_RETURN, _ALLOW))
    return [_step(_EQUAL, number, 0, len(body)), *body]


def program(machine: Machine, pid: int) -> list[bytes]:
    """The steps of the filter for one process: allowed, pretended, guarded; the rest refused."""
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, machine.audit, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _KILL),
    ]
    for table, answer in (
        (syscalls.ALLOWED, _ALLOW),
        (syscalls.IGNORED, _ERRNO),
        (syscalls.ABSENT, _ERRNO | errno.ENOSYS),
        (syscalls.UNSUPPORTED, _ERRNO | errno.ENOTSUP),
    ):
        for numbers in table.values():
            steps += _answer(numbers[machine.column], answer)
    for name, conditions in syscalls.conditions(pid).items():
        steps += _guarded(syscalls.GUARDED[name][machine.column], conditions)
    return [*steps, _step(_RETURN, _ERRNO | errno.EPERM)]


def check() -> Machine:
    """What a filter is made for here. Raises SandboxUnavailable if none is taken."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise SandboxUnavailable(f"no filter of system calls for {platform.machine()} is known")
    try:
        kill = ctypes.c_char_p(struct.pack("I", _KILL))
        libc.syscall(machine.seccomp, _HAS_ACTION, 0, kill)
    except OSError as error:
        raise SandboxUnavailable(f"the kernel takes no filter of system calls ({error})") from error
    return machine


def apply() -> None:
    """For this process, for good; `no_new_privs` must be set. Raises SandboxUnavailable."""
    machine = check()
    steps = program(machine, os.getpid())
    code = ctypes.create_string_buffer(b"".join(steps))
    filled = struct.pack("HP", len(steps), ctypes.addressof(code))
    try:
        libc.prctl(libc.PR_SET_SECCOMP, _MODE_FILTER, filled)
    except OSError as error:
        raise SandboxUnavailable(f"the kernel takes no filter of system calls ({error})") from error
