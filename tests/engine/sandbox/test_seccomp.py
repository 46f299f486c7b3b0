"""The tables of system calls against the headers of the kernel."""

import errno
import re
import struct
from pathlib import Path

import pytest

from monster.engine.sandbox import syscalls
from monster.engine.sandbox.seccomp import MACHINES, program

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
TABLES = {
    **syscalls.ALLOWED,
    **syscalls.IGNORED,
    **syscalls.ABSENT,
    **syscalls.UNSUPPORTED,
    **syscalls.GUARDED,
}
DEFINITION = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)")
# The generic header names these by their 32-bit form; later kernels than the header have others.
OTHER_NAMES = {"newfstatat": "fstatat"}
LATER = {"fchmodat2"}


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip(f"no {header}")
    known = {name: int(number) for name, number in DEFINITION.findall(header.read_text())}
    column = MACHINES[machine].column
    for name, numbers in TABLES.items():
        number = numbers[column]
        if number is None:
            assert name not in known, name
        elif name not in LATER:
            other = OTHER_NAMES.get(name, name)
            assert known.get(name, known.get(other)) == number, name


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
def test_each_number_has_one_rule(machine: tuple[int, int]) -> None:
    column = machine[0]
    numbers = [one[column] for one in TABLES.values() if one[column] is not None]
    assert len(numbers) == len(set(numbers))
    assert syscalls.conditions(1).keys() == syscalls.GUARDED.keys()


def test_the_program_is_one_that_the_kernel_takes() -> None:
    for machine in MACHINES.values():
        steps = program(machine, 1)
        assert all(len(step) == 8 for step in steps)
        assert len(steps) < 4096


def decide(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter of a process with the id 7 says: the kernel's rules for such programs."""
    it = MACHINES[machine]
    words = [0] * 12
    for place, argument in enumerate(arguments):
        words[2 * place : 2 * place + 2] = argument & 0xFFFFFFFF, argument >> 32
    data = [number, it.audit if audit is None else audit, 0, 0, *words]
    steps = [struct.unpack("HBBI", step) for step in program(it, 7)]
    held, at = 0, 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        match code:
            case 0x20:
                held = data[value // 4]
            case 0x54:
                held &= value
            case 0x15:
                at += then if held == value else otherwise
            case 0x35:
                at += then if held >= value else otherwise
            case _:
                return value


ALLOW, KILL, REFUSED = 0x7FFF0000, 0x80000000, 0x50000 | errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_is_judged_as_the_tables_say(machine: str) -> None:
    column = MACHINES[machine].column
    said = {ALLOW: syscalls.ALLOWED, 0x50000: syscalls.IGNORED}
    said[0x50000 | errno.ENOSYS] = syscalls.ABSENT
    said[0x50000 | errno.ENOTSUP] = syscalls.UNSUPPORTED
    known = {n[column] for table in (*said.values(), syscalls.GUARDED) for n in table.values()}
    for answer, table in said.items():
        for name, numbers in table.items():
            if (number := numbers[column]) is not None:
                assert decide(machine, number) == answer, name
    for number in set(range(600)) - known:
        assert decide(machine, number) == REFUSED
    assert decide(machine, 0, audit=0x40000003) == KILL
    assert decide(machine, 0x40000000) == KILL


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "fine", "refused"),
    [
        ("openat", (0, 0, 0o1102), (0, 0, 0o1000)),  # write and truncate; read and truncate
        ("mmap", (0, 1, 3, 0x22), (0, 1, 3, 0x21)),
        ("mmap", (0, 1, 3, 0x1), (0, 1, 3, 0x122)),
        ("fcntl", (0, 3), (0, 8)),
        ("ioctl", (0, 0x5401), (0, 0x5412)),
        ("prctl", (15,), (22,)),
        ("prlimit64", (0,), (8,)),
        ("kill", (7,), (8,)),
        ("tgkill", (7,), ((1 << 32) - 1,)),
        ("socketpair", (1, 1), (1, 2)),
        ("socketpair", (1, 0x80001), (2, 1)),
        ("sendto", (3, 9, 1, 0, 0), (3, 9, 1, 0, 1 << 32)),
        ("sendto", (3, 9, 1, 0, 0), (3, 9, 1, 0, 1)),
    ],
)
def test_guarded_calls_depend_on_their_arguments(
    machine: str, name: str, fine: tuple[int, ...], refused: tuple[int, ...]
) -> None:
    number = syscalls.GUARDED[name][MACHINES[machine].column]
    assert number is not None
    assert decide(machine, number, *fine) == ALLOW
    assert decide(machine, number, *refused) == REFUSED
