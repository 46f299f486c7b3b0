"""Attacks from inside the sandbox. Each is first seen to work without it, where that is harmless.

They are made twice: with all walls, and with those alone that every server has, without namespaces.
"""

import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from monster.engine.sandbox.sandbox import Sandbox
from monster.engine.sandbox.types import MIB, BadName, Limits, Ran
from tests.sandbox import GOT, living, outside

ROOM = Limits(disk=8 * MIB, file=4 * MIB, entries=100, seconds=20)
X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")
LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"


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


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Something in the data directory."""
    path = tmp_path / "data" / "key"
    path.parent.mkdir()
    path.write_text(GOT)
    return path


async def refused(sandbox: Sandbox, code: str, folder: Path) -> Ran:
    """The attack succeeds outside and fails inside. Code is what a test has indented."""
    code = textwrap.dedent(code)
    assert GOT in outside(code, folder)
    ran = await sandbox.run(code, {}, ROOM)
    assert GOT not in ran.stdout
    assert ran.exit != 0
    return ran


# Files


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/self/status", "/proc/self/maps", "/etc"]
)
async def test_files_of_the_machine_cannot_be_read(
    sandbox: Sandbox, path: str, tmp_path: Path
) -> None:
    code = f"""
        import os
        found = os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}, "rb").read()
        if found is not None: print({GOT!r})
    """
    await refused(sandbox, code, tmp_path)


async def test_the_environment_of_the_engine_cannot_be_read(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONSTER_MASTER_KEY", GOT)
    code = "import os; print(dict(os.environ)); print(os.environ.get('MONSTER_MASTER_KEY'))"
    assert GOT in outside(code, tmp_path)
    assert "MONSTER" not in (await sandbox.run(code, {})).stdout.replace("monster-run", "")
    code = f"""
        import os
        for pid in (os.getppid(), os.getpid()):
            if open(f"/proc/{{pid}}/environ", "rb").read(1): print({GOT!r})
    """
    await refused(sandbox, code, tmp_path)


async def test_the_data_directory_cannot_be_read(
    sandbox: Sandbox, secret: Path, tmp_path: Path
) -> None:
    await refused(sandbox, f"print(open({str(secret)!r}).read())", tmp_path)


def _works(*command: str) -> bool:
    return not subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603


def _namespaces() -> bool:
    return _works("unshare", "-Urmn", "true")


async def test_other_files_cannot_even_be_seen(secret: Path, tmp_path: Path) -> None:
    code = f"import os; print({GOT!r} if os.path.exists({str(secret)!r}) else 'unseen')"
    assert GOT in outside(code, tmp_path)
    if not _namespaces():
        pytest.skip("this kernel gives us no namespaces")
    assert "unseen" in (await Sandbox().run(code, {})).stdout


async def test_nothing_is_written_elsewhere(sandbox: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "target"
    code = f"open({str(target)!r}, 'w').write('x'); print({GOT!r})"
    assert GOT in outside(code, tmp_path)
    target.unlink()
    assert (await sandbox.run(code, {})).exit == 1
    assert "target" not in os.listdir(tmp_path)  # noqa: PTH208


@pytest.mark.parametrize("call", ["os.remove", "os.rmdir", "os.unlink"])
async def test_nothing_is_removed_elsewhere(sandbox: Sandbox, call: str, secret: Path) -> None:
    assert (await sandbox.run(f"import os; {call}({str(secret)!r})", {})).exit == 1
    assert GOT in outside(f"print(open({str(secret)!r}).read())", secret.parent)


async def test_libraries_cannot_be_changed(sandbox: Sandbox, tmp_path: Path) -> None:
    """They are readable, and belong to the same user."""
    code = f"""
        import os, sys
        path = os.path.join(os.path.dirname(os.__file__), "this-is-an-attack.py")
        open(path, "w").close(); os.remove(path)
        print({GOT!r})
    """
    await refused(sandbox, code, tmp_path)


async def test_a_file_opened_for_reading_is_not_emptied(sandbox: Sandbox, tmp_path: Path) -> None:
    """Landlock before version 3 lets a reader truncate: the filter does not."""
    (tmp_path / "own").write_text("full")
    code = f"""
        import os
        open("own", "a").write("full")
        os.open("own", os.O_RDONLY | os.O_TRUNC)
        print({GOT!r} if os.path.getsize("own") == 0 else "")
    """
    await refused(sandbox, code, tmp_path)


async def test_modes_owners_and_times_stay(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
        import os
        open("own", "w").close()
        before = os.stat("own")
        os.chmod("own", 0); os.utime("own", (0, 0))
        after = os.stat("own")
        print((before.st_mode, before.st_mtime) != (after.st_mode, after.st_mtime))
    """
    code = textwrap.dedent(code)
    assert "True" in outside(code, tmp_path)
    assert "False" in (await sandbox.run(code, {})).stdout


async def test_links_lead_nowhere(sandbox: Sandbox, secret: Path, tmp_path: Path) -> None:
    code = f"""
        import os
        os.symlink({str(secret)!r}, "link"); os.symlink({str(secret.parent)!r}, "folder")
        open("kept", "w").write("kept")
        print(open("link").read())
    """
    ran = await refused(sandbox, code, tmp_path)
    assert ran.files == {"kept": b"kept"}
    hard = f"import os; os.link({str(secret)!r}, 'hard')"
    assert (await sandbox.run(hard, {})).files == {}
    of_library = "import os; os.link(os.__file__, 'hard')"
    assert (await sandbox.run(of_library, {})).files == {}


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "", ".", "a\0b"])
async def test_files_given_to_a_run_stay_in_its_folder(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(BadName):
        await sandbox.run("", {name: b"x"})


# The network


@pytest.mark.parametrize("kind", ["tcp", "udp", "unix", "abstract", "datagrams"])
async def test_no_socket_reaches_anything(sandbox: Sandbox, kind: str, tmp_path: Path) -> None:
    family, type_ = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
        "abstract": (socket.AF_UNIX, socket.SOCK_STREAM),
        "datagrams": (socket.AF_UNIX, socket.SOCK_DGRAM),
    }[kind]
    names = {
        "unix": str(tmp_path / "s"),
        "abstract": f"\0{tmp_path}",
        "datagrams": str(tmp_path / "d"),
    }
    with socket.socket(family, type_) as server:
        server.bind(names.get(kind, ("127.0.0.1", 0)))
        if type_ == socket.SOCK_STREAM:
            server.listen()
        at = server.getsockname()
        at = at.decode() if isinstance(at, bytes) else at
        code = f"""
            import socket
            s = socket.socket({int(family)}, {int(type_)})
            s.connect({at!r}); s.send(b"x")
            print({GOT!r})
        """
        await refused(sandbox, code, tmp_path)


async def test_a_pair_of_datagram_sockets_cannot_send_to_a_third(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What an event loop needs, a pair of sockets, is not a way out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path := str(tmp_path / "log"))
        code = f"""
            import socket
            one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            one.sendto(b"x", {path!r})
            print({GOT!r})
        """
        await refused(sandbox, code, tmp_path)
    await refused(
        sandbox,
        f"""
            import socket
            one, other = socket.socketpair()
            one.sendmsg([b"x"])
            print({GOT!r} if other.recv(1) else "")
        """,
        tmp_path,
    )
    fine = "import asyncio; asyncio.run(asyncio.sleep(0, 'fine'))"
    assert "fine" in (await sandbox.run(fine, {})).stdout


# Processes


async def test_no_process_is_started(sandbox: Sandbox, tmp_path: Path) -> None:
    for code in (
        f"import subprocess; print(subprocess.run(['echo', {GOT!r}], capture_output=True).stdout)",
        f"import os; os.fork() or os._exit(0); os.wait(); print({GOT!r})",
        f"import os; os.posix_spawn('/bin/echo', ['echo', {GOT!r}], {{}}); os.wait()",
        f"import os; os.execv('/bin/echo', ['echo', {GOT!r}])",
        f"import threading as t; t.Thread(target=print, args=({GOT!r},)).start()",
    ):
        await refused(sandbox, code, tmp_path)


async def test_a_fork_bomb_does_not_go_off(sandbox: Sandbox) -> None:
    code = """
        import os
        failed = 0
        for _ in range(1000):
            try: os.fork()
            except PermissionError: failed += 1
        print(failed)
    """
    assert (await sandbox.run(textwrap.dedent(code), {})).stdout == "1000\n"


async def test_nothing_stays_behind_as_a_daemon(sandbox: Sandbox, tmp_path: Path) -> None:
    code = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if (second := os.fork()):
                print(second, flush=True)
                os._exit(0)
            os.closerange(0, 3)
            time.sleep(60)
    """
    daemon = int(outside(textwrap.dedent(code), tmp_path))
    os.kill(daemon, signal.SIGKILL)  # it was still there
    ran = await sandbox.run(textwrap.dedent(code), {})
    assert (ran.stdout, ran.exit) == ("", 1)
    assert (await sandbox.run("import os; os.setsid()", {})).exit == 1


async def test_other_processes_cannot_be_signalled(sandbox: Sandbox, tmp_path: Path) -> None:
    for act in (
        "os.kill(os.getppid(), 0)",
        "os.kill(-1, 0)",
        "os.killpg(os.getpgid(os.getppid()), 0)",
        # The kernel would send a signal of our choice for us when the pipe gets readable.
        "fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 0)",
        "resource.prlimit(os.getppid(), resource.RLIMIT_CORE)",
    ):
        code = f"import os, fcntl, resource; {act}; print({GOT!r})"
        await refused(sandbox, code, tmp_path)


async def test_the_engines_memory_cannot_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    """With the numbers of another architecture these are other calls, refused as well."""
    secret = b"a key of the engine"
    code = f"""
        import ctypes, os, sys
        libc = ctypes.CDLL(None, use_errno=True)
        class V(ctypes.Structure): _fields_ = [("at", ctypes.c_void_p), ("n", ctypes.c_size_t)]
        into = ctypes.create_string_buffer(32)
        here, there = V(ctypes.addressof(into), 19), V({_address(secret)}, 19)
        libc.process_vm_readv(os.getppid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        if into.value == {secret!r}: print({GOT!r})
        else: sys.exit(1)
    """
    if sys.platform == "linux" and _may_trace():
        assert GOT in outside(textwrap.dedent(code), tmp_path)
    ran = await sandbox.run(textwrap.dedent(code), {})
    assert (ran.exit, GOT in ran.stdout) == (1, False)


def _address(content: bytes) -> int:
    """Of the first byte of a bytes object, in CPython."""
    return id(content) + bytes.__basicsize__ - 1


def _may_trace() -> bool:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return os.geteuid() == 0 or not scope.exists() or scope.read_text().strip() == "0"


async def test_descriptors_of_the_engine_are_not_there(sandbox: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "log"
    with target.open("w") as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003
        code = textwrap.dedent("""
            import os
            for descriptor in range(3, 1000):
                try: os.write(descriptor, b"written")
                except OSError: pass
        """)
        outside(code, tmp_path, descriptors=(file.fileno(),))
        assert target.read_text() == "written"
        file.truncate(0)
        await sandbox.run(code, {})
    assert target.read_text() == ""


# The kernel


@X86
@pytest.mark.parametrize(
    ("name", "number", "arguments"),
    [
        ("socket", 41, "2, 1, 0"),
        ("connect", 42, "-1, 0, 0"),
        ("sendmsg", 46, "-1, 0, 0"),
        ("fork", 57, ""),
        ("ptrace", 101, "0, 0, 0, 0"),
        ("mount", 165, "0, 0, 0, 0, 0"),
        ("pivot_root", 155, "0, 0"),
        ("keyctl", 250, "0, -3, 0"),
        ("unshare", 272, "0x10000000"),
        ("perf_event_open", 298, "0, 0, -1, -1, 0"),
        ("open_by_handle_at", 304, "-1, 0, 0"),
        ("setns", 308, "0, 0"),
        ("memfd_create", 319, "b'x', 0"),
        ("bpf", 321, "0, 0, 0"),
        ("userfaultfd", 323, "0"),
        ("io_uring_setup", 425, "1, 0"),
        ("pidfd_open", 434, "os.getppid(), 0"),
        ("a call that is not made yet", 999, ""),
    ],
)
async def test_raw_system_calls_are_refused(
    sandbox: Sandbox, name: str, number: int, arguments: str
) -> None:
    code = f"{LIBC}libc.syscall({number}, {arguments}), ctypes.get_errno()"
    assert (await sandbox.run(code, {})).stdout == "(-1, 1)\n", name


@X86
async def test_raw_calls_open_no_other_files(
    sandbox: Sandbox, secret: Path, tmp_path: Path
) -> None:
    code = f"""
        import ctypes, os, sys
        libc = ctypes.CDLL(None, use_errno=True)
        opened = libc.syscall(2, {str(secret).encode()!r}, 0)
        if opened < 0: sys.exit(1)
        print(os.read(opened, 100).decode())
    """
    await refused(sandbox, code, tmp_path)


@X86
@pytest.mark.parametrize(
    ("way", "machine_code"),
    [
        ("32 bit", b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"),  # mov eax, 20 (getpid); int 0x80; ret
        ("x32", b"\xb8\x27\x00\x00\x40\x0f\x05\xc3"),  # mov eax, x32 | 39 (getpid); syscall; ret
    ],
)
async def test_the_other_doors_of_the_kernel_are_closed(
    sandbox: Sandbox, way: str, machine_code: bytes
) -> None:
    code = f"""
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
        page.write({machine_code!r})
        call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
        print("called", call())
    """
    ran = await sandbox.run(textwrap.dedent(code), {})
    assert (ran.stdout, ran.exit) == ("", -signal.SIGSYS), way


@X86
async def test_a_library_of_ones_own_can_do_no_more(sandbox: Sandbox, tmp_path: Path) -> None:
    """Native code may be loaded (numpy is some); the walls are in the kernel, not in Python."""
    source = tmp_path / "attack.c"
    source.write_text(
        "#include <sys/socket.h>\n#include <unistd.h>\n"
        "int attack(void) { return socket(2, 1, 0) >= 0 || fork() >= 0; }\n"
    )
    built = ["cc", "-shared", "-fPIC", "-o", str(tmp_path / "attack.so"), str(source)]
    if not _works(*built):
        pytest.skip("no C compiler")
    code = "import ctypes; print('did', ctypes.CDLL('./attack.so').attack())"
    assert "did 1" in outside(code, tmp_path)
    ran = await sandbox.run(code, {"attack.so": (tmp_path / "attack.so").read_bytes()})
    assert ran.stdout == "did 0\n"


async def test_walls_and_limits_cannot_be_taken_down(sandbox: Sandbox) -> None:
    code = LIBC + textwrap.dedent("""
        import resource
        for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
            try: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            except (ValueError, PermissionError): print("kept")
        print([libc.prctl(option, 0, 0, 0, 0) for option in (1, 4, 22, 38)])
        print(os.getresuid() == (os.getuid(),) * 3, libc.setuid(0) or libc.setgid(0))
    """)
    said = (await sandbox.run(code, {})).stdout
    assert said == "kept\nkept\nkept\n[-1, -1, -1, -1]\nTrue -1\n"


@X86
@pytest.mark.parametrize(("missing", "number"), [("Landlock", 444), ("filter", 317)])
def test_without_walls_nothing_runs(missing: str, number: int, tmp_path: Path) -> None:
    """In a process that is denied the call: to it, the kernel does not have it."""
    code = f"""
        import asyncio, sys
        sys.path[:0] = {[path for path in sys.path if path]!r}
        from monster.engine.sandbox.sandbox import Sandbox
        from monster.engine.sandbox.types import SandboxUnavailable
        from monster.engine.toolkit.catalogue import Catalogue
        from tests.sandbox import without
        systems = Catalogue.load("monster.engine.tools").systems
        print({{name for name, system in systems.items() if system.missing()}})
        without({number})
        print(sorted(name for name, system in systems.items() if system.missing()))
        try: asyncio.run(Sandbox().run("open('{tmp_path}/ran', 'w')", {{}}))
        except SandboxUnavailable as error: print(error)
    """
    before, after, reason = outside(textwrap.dedent(code), tmp_path).splitlines()
    assert before == "set()"
    assert after == "['charts', 'code_interpreter', 'tables']"
    assert missing in reason
    assert not (tmp_path / "ran").exists()
