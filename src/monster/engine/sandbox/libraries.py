"""What the Python of a run may read, and the few things its environment says."""

import functools
import sys
import sysconfig
from pathlib import Path

_OF_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
)


@functools.cache
def readable() -> tuple[str, ...]:
    """The standard library, the installed packages and the shared libraries; nothing that is set
    up on this machine. Paths as Python knows them; none lies in another."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    of_python = {sysconfig.get_path(name) for name in names}
    of_python.add(str(Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix}))))
    found = sorted({path for path in (*of_python, *_OF_SYSTEM) if Path(path).exists()})
    return tuple(path for path in found if not any(_inside(path, other) for other in found))


def _inside(path: str, other: str) -> bool:
    return path != other and Path(path).is_relative_to(other)


def environment(work: str, scratch: str) -> dict[str, str]:
    """All of it: nothing of the engine's is passed on."""
    return {
        "HOME": work,
        "TMPDIR": scratch,
        "MPLCONFIGDIR": scratch,
        "MPLBACKEND": "Agg",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        # A run is one thread: starting others is refused.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
