"""What a run may use up, how it ends, and that nothing of it stays."""

import asyncio
import io
import platform
import signal
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from monster.engine.sandbox.sandbox import Sandbox
from monster.engine.sandbox.types import MIB, Limits
from tests.sandbox import begun, gone, living, outside

SHORT = Limits(seconds=1.0)
ROOM = Limits(disk=8 * MIB, file=4 * MIB, entries=100, seconds=20)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the folders of runs are made; whatever happens, none is left and nothing lives."""
    path = tmp_path / "runs"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    yield path
    assert list(path.iterdir()) == []
    assert living(path) == []


@pytest.fixture(params=["all walls", "no namespaces"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return Sandbox(namespaces=request.param == "all walls")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(100)",
        "import signal\nfor n in {*range(1, 32)} - {9, 19}: signal.signal(n, signal.SIG_IGN)\n"
        "while True: pass",
        "import os; os.close(0); os.close(1); os.close(2)\nwhile True: pass",
        "10 ** 10 ** 9",
    ],
)
async def test_time_is_limited(sandbox: Sandbox, code: str) -> None:
    assert (await sandbox.run(code, {}, SHORT)).ended_by == "time"


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(2 * 1024**3)",
        "x = []\nwhile True: x.append(bytearray(2**20))",
        "x = 'a'\nwhile True: x += x",
        "import mmap\nx = []\n"
        "while True: x.append(mmap.mmap(-1, 2**22, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))",
    ],
)
async def test_memory_is_limited(sandbox: Sandbox, code: str) -> None:
    ran = await sandbox.run(code, {}, Limits(memory=64 * MIB))
    assert ran.exit != 0
    assert ran.ended_by == "memory" or "Cannot allocate memory" in ran.stderr


@pytest.mark.parametrize("flags", ["MAP_SHARED | mmap.MAP_ANONYMOUS", "MAP_PRIVATE | 0x120"])
async def test_memory_that_is_not_counted_cannot_be_had(
    sandbox: Sandbox, flags: str, tmp_path: Path
) -> None:
    """Shared without a file; growing like a stack."""
    code = f"import mmap\nmmap.mmap(-1, 2**20, mmap.{flags})[0] = 1\nprint('had')"
    assert outside(code, tmp_path) == "had\n"
    ran = await sandbox.run(code, {})
    assert ran.stdout == ""
    assert "Operation not permitted" in ran.stderr
    of_file = (
        "import mmap\nwith open('f', 'wb+') as f:\n    f.truncate(4096)\n"
        "    m = mmap.mmap(f.fileno(), 4096); m[0] = 65; m.flush()"
    )
    assert (await sandbox.run(of_file, {})).files["f"].startswith(b"A")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_output_is_limited(sandbox: Sandbox, stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 1000)"
    ran = await sandbox.run(code, {}, Limits(output=5000))
    assert ran.ended_by == "output"
    assert len(getattr(ran, stream)) == 5000


@pytest.mark.parametrize(
    "code",
    [
        "n = 0\nwhile True:\n    n += 1; open(str(n), 'wb').write(bytes(2**20))",
        "n = 0\nwhile True:\n    n += 1; open(str(n), 'w').close()",
        "n = 0\nwhile True:\n    n += 1; open(f'/{n}' if 0 else str(n), 'wb').truncate(2**21)",
        "import os\nwhile True: os.mkdir('d'); os.chdir('d')",
        "import os\nos.umask(0o777)\nos.mkdir('d')\nn = 0\nwhile True: n += 1; os.mkdir(str(n))",
        "import os, tempfile\nd = tempfile.gettempdir()\nn = 0\n"
        "while True:\n    n += 1; open(f'{d}/{n}', 'wb').write(bytes(2**20))",
        "import os\nheld = []\nwhile True:\n"
        "    held.append(open('f', 'wb')); held[-1].write(bytes(2**20)); held[-1].flush()\n"
        "    os.remove('f')\n    if len(held) == 40:\n        while True: pass",
        "open('f', 'wb').write(bytes(2**21))\nimport os\nn = 0\n"
        "while True: n += 1; os.link('f', str(n))",
        "import zipfile\nzipfile.ZipFile('bomb.zip').extractall()\nwhile True: pass",
    ],
    ids=["big", "many", "holes", "deep", "unreadable", "scratch", "removed", "hard links", "zip"],
)
async def test_disk_is_limited(sandbox: Sandbox, code: str, bomb: bytes) -> None:
    ran = await sandbox.run(code, {"bomb.zip": bomb}, ROOM)
    assert (ran.ended_by, ran.files) == ("disk", {})


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Sixty times a megabyte of nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(60):
            archive.writestr(str(number), bytes(MIB))
    return packed.getvalue()


async def test_one_file_is_limited(sandbox: Sandbox) -> None:
    ran = await sandbox.run("open('f', 'wb').write(bytes(5 * 2**20))", {}, ROOM)
    assert "File too large" in ran.stderr


async def test_deep_recursion_ends_with_the_run(sandbox: Sandbox) -> None:
    code = "import sys; sys.setrecursionlimit(10**9)\ndef f(): return f()\nf()"
    assert (await sandbox.run(code, {}, Limits(memory=32 * MIB))).exit != 0
    c_stack = (
        "import sys; sys.setrecursionlimit(10**9)\nx = ()\nfor _ in range(10**6): x = (x,)\nhash(x)"
    )
    assert (await sandbox.run(c_stack, {})).exit == -signal.SIGSEGV
    assert (await sandbox.run("'alive'", {})).stdout == "'alive'\n"


async def test_cancelling_ends_it(sandbox: Sandbox, folders: Path) -> None:
    task = asyncio.create_task(sandbox.run("while True: pass", {}))
    assert await begun(folders)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert living(folders) == []


@pytest.mark.parametrize("namespaces", [True, False])
async def test_it_does_not_outlive_the_engine(
    namespaces: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what it left in the folder is taken away by the next that runs something."""
    runs = tmp_path / "orphans"
    runs.mkdir()
    code = f"""
        import asyncio, sys, tempfile
        sys.path[:0] = {[path for path in sys.path if path]!r}
        tempfile.tempdir = {str(runs)!r}
        from monster.engine.sandbox.sandbox import Sandbox
        run = Sandbox(namespaces={namespaces}).run
        asyncio.run(run("import time; time.sleep(100)", {{}}))
    """
    engine = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(code))
    assert await begun(runs)
    engine.kill()
    await engine.wait()
    assert await gone(runs)
    assert len(list(runs.iterdir())) == 1
    (runs / "monster-run-link").symlink_to(next(runs.iterdir()))
    (runs / "monster-run-other").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(runs))
    await Sandbox().run("", {})
    assert {path.name for path in runs.iterdir()} == {"monster-run-link", "monster-run-other"}


async def test_folders_in_use_are_left_alone(folders: Path) -> None:
    """By a sandbox that begins while another is at work."""
    task = asyncio.create_task(
        Sandbox().run("import time; time.sleep(0.5); open('f').read()", {"f": b"x"})
    )
    assert await begun(folders)
    await Sandbox().run("", {})
    assert (await task).exit == 0


async def test_places_are_limited_and_given_in_order() -> None:
    sandbox = Sandbox(places=1)
    code = "import time; print(time.monotonic()); time.sleep(0.05); print(time.monotonic())"
    runs = await asyncio.gather(*(sandbox.run(code, {}) for _ in range(4)))
    times = [float(moment) for ran in runs for moment in ran.stdout.split()]
    assert times == sorted(times)
    assert len(times) == 8


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_no_pipe_stays_open(loop: str, tmp_path: Path) -> None:
    """In a process of its own, under the loop that the engine has in production, too."""
    code = f"""
        import asyncio, os, sys, uvloop
        sys.path[:0] = {[path for path in sys.path if path]!r}
        from monster.engine.sandbox.sandbox import Sandbox
        from monster.engine.sandbox.types import Limits
        sandbox = Sandbox()
        async def rounds(number):
            for code in ("1", "while True: print('x' * 1000)", "while True: pass") * number:
                await sandbox.run(code, {{}}, Limits(seconds=0.2))
                task = asyncio.create_task(sandbox.run(code, {{}}))
                await asyncio.sleep(0.02)
                task.cancel()
                await asyncio.wait([task])
            return len(os.listdir("/proc/self/fd"))
        async def main():
            print(await rounds(1) == await rounds(3))
        {loop}.run(main())
    """
    assert outside(textwrap.dedent(code), tmp_path) == "True\n"


@pytest.mark.parametrize("number", [272, 165, 155], ids=["unshare", "mount", "pivot_root"])
@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")
async def test_a_kernel_that_gives_some_namespaces_only_is_enough(
    number: int, tmp_path: Path
) -> None:
    code = f"""
        import asyncio, sys
        sys.path[:0] = {[path for path in sys.path if path]!r}
        from monster.engine.sandbox.sandbox import Sandbox
        from tests.sandbox import without
        without({number})
        code = "open('f', 'w').write('written')\\nopen('/etc/passwd').read()"
        ran = asyncio.run(Sandbox().run(code, {{}}))
        print(ran.files["f"].decode(), ran.exit)
    """
    assert outside(textwrap.dedent(code), tmp_path) == "written 1\n"
