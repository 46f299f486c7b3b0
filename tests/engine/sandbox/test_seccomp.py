"""The tables of system calls against the headers of the kernel."""

import re
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
