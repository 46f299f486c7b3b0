"""Runs a program on a leash: what it starts ends with it, and it ends when the engine does.

python -I -S keeper.py LEASH PROGRAM [ARGUMENT ...]

LEASH is the reading end of a pipe that the engine holds: it closes when the engine closes it or
dies, however it dies. Where the system allows it, the program sees no process but its own, so that
it cannot read the environment of others. This file stands alone: it is run by its path.
"""

import ctypes
import os
import resource
import select
import signal
import sys

_NEW_MOUNTS, _NEW_USER, _NEW_PIDS = 0x0002_0000, 0x1000_0000, 0x2000_0000  # sched.h
_PRIVATE = 0x4000 | 0x4_0000  # recursively; sys/mount.h
_NO_SUID_DEV_EXEC = 2 | 4 | 8
_DIES_WITH_PARENT, _ADOPTS_ORPHANS = 1, 36  # sys/prctl.h
_LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_DATA: 4 << 30,  # bytes
    resource.RLIMIT_FSIZE: 1 << 30,
    resource.RLIMIT_NOFILE: 1024,
    resource.RLIMIT_NPROC: 4096,
}
_NOT_FOUND = 127

_libc = ctypes.CDLL(None, use_errno=True)


def main(leash: int, command: list[str]) -> int:
    """The exit code of the program."""
    os.set_inheritable(leash, False)  # noqa: FBT003
    _libc.prctl(_ADOPTS_ORPHANS, 1)
    alone = _leave_others()
    first = os.fork()
    if first == 0:
        _libc.prctl(_DIES_WITH_PARENT, signal.SIGKILL)
        if alone:
            _see_only_ours()
        os._exit(_supervise(command))
    _let_go_of_pipes()
    watched = os.pidfd_open(first)
    select.select([leash, watched], [], [])
    return _end(first)


def _leave_others() -> bool:
    """Into a namespace of processes, for the children to come; False where that is forbidden."""
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(_NEW_PIDS | (_NEW_USER if user else 0)) != 0:
        return False
    if user:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 (pathlib takes a while to load)
                file.write(text)
    return True


def _see_only_ours() -> None:
    if _libc.unshare(_NEW_MOUNTS) == 0 and _libc.mount(None, b"/", None, _PRIVATE, None) == 0:
        _libc.mount(b"proc", b"/proc", b"proc", _NO_SUID_DEV_EXEC, None)


def _supervise(command: list[str]) -> int:
    """As the first of the processes: it takes in those whose parents die."""
    program = os.fork()
    if program == 0:
        os.setsid()
        _libc.prctl(_DIES_WITH_PARENT, signal.SIGKILL)
        for limit, wanted in _LIMITS.items():
            hard = resource.getrlimit(limit)[1]
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(limit, (most, most))
        try:
            os.execvp(command[0], command)  # noqa: S606 (that is what it is for)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(_NOT_FOUND)
    _let_go_of_pipes()
    while True:
        pid, status = os.wait()
        if pid == program:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _let_go_of_pipes() -> None:
    """Or nobody would see that the program has closed them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def _end(first: int) -> int:
    """Everything that descends from us; those whose parents die become our own children."""
    code = 1
    while True:
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return code
        if pid == first:
            code = os.waitstatus_to_exitcode(status) & 0xFF


def _children() -> list[int]:
    found: list[int] = []
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208
        try:
            with open(f"/proc/{name}/stat") as file:  # noqa: PTH123
                state = file.read()
        except OSError:  # it has just ended
            continue
        # The name, in parentheses, may hold anything; after it come the state and the parent.
        if int(state.rpartition(")")[2].split()[1]) == os.getpid():
            found.append(int(name))
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
