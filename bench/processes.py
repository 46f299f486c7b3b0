"""Processes of a measurement: started, pinned, read and ended by their ids."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp


async def listen(app: ASGIApp) -> None:
    """Serve on a free port of loopback as the product does; the port is the first line printed."""
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", log_level="warning", access_log=False, backlog=4096
    )
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as place:
        print(place.getsockname()[1], flush=True)  # noqa: T201 (whoever starts it reads this)
        await uvicorn.Server(config).serve([place])


class Child:
    """`python -m module arguments…`; `port` is the first line that it prints."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
        assert self._child.stdout
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} ended before it served: {self._child.wait()}")
        self.port = int(line)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        assert self._child.stdout
        self._child.stdout.close()


@contextmanager
def running(module: str, *arguments: str) -> Generator[Child]:
    child = Child(module, *arguments)
    try:
        yield child
    finally:
        child.stop()


def cpu(pid: int) -> float:
    """Seconds that all threads of a process have computed, as exactly as the machine counts them.

    Its CPU-time clock as clock_getcpuclockid(3) names it: the complement of the pid, and the kind
    of clock (2, the scheduler's) in the low bits. It moves in ticks on some virtual machines only;
    /proc/<pid>/stat counts ticks of 10 ms everywhere.
    """
    return time.clock_gettime(~pid << 3 | 2)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on; none if it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def family_cpu(pid: int) -> float:
    """Seconds of a process and of its children, those that have ended (in ticks) included."""
    found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    alive = [child for child in found if _stat(child)[1:2] == [str(pid)]]
    ended = sum(map(int, _stat(pid)[13:15])) / os.sysconf("SC_CLK_TCK")
    return ended + sum(map(_cpu_if_alive, [pid, *alive]))


def _cpu_if_alive(pid: int) -> float:
    try:
        return cpu(pid)
    except OSError:  # it ended since it was listed
        return 0.0


def resident(pid: int) -> int:
    """Bytes of memory that are a process's own or shared."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def pin(pid: int, cores: set[int]) -> None:
    """Every thread that is there; those to come inherit it."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)
