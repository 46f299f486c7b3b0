"""`monster serve`: everything in one process tree, started in order, watched, stopped cleanly."""

import fcntl
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

import psycopg
from rich.console import Console
from rich.panel import Panel

from monster.cli import preparation
from monster.cli.installation import Installation
from monster.cli.preparation import FirstAdmin, NotReady
from monster.cli.settings import Platform
from monster.kit.embedded import Embedded, NotStarted

_COMMANDS = {
    "engine": ("serve", "engine"),
    "dashboard": ("serve", "dashboard"),
    "worker": ("worker",),
}
_PATIENCE = 10.0  # seconds that a process has to stop by itself
_START = 60.0  # seconds that the services have to answer
_RESTARTS = 5  # of one process within a minute; one more, and all of it stops

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


class _Stop(Exception):
    """SIGINT or SIGTERM."""


@dataclass
class Falls:
    """How often a process ended of late."""

    name: str
    times: list[float] = field(default_factory=list[float])

    def count(self, how: str) -> None:
        """Waits a little longer each time. Raises NotReady when it is no use any more."""
        now = time.monotonic()
        self.times = [fall for fall in self.times if now - fall < 60] + [now]
        if len(self.times) > _RESTARTS:
            raise NotReady(f"The {self.name} keeps ending ({how}); its last lines say why.")
        complaints.print(f"The {self.name} ended ({how}); it is started again.")
        time.sleep(0.5 * (len(self.times) - 1))


@dataclass
class Child:
    """A process of ours. It waits for `go`, and ends when its standard input does."""

    name: str
    process: subprocess.Popen[bytes] = field(init=False)
    falls: Falls = field(init=False)

    def __post_init__(self) -> None:
        self.falls = Falls(self.name)

    def start(self) -> None:
        command = [sys.executable, "-m", "monster.cli", *_COMMANDS[self.name], "--leashed"]
        # A session of its own: Ctrl-C in the terminal is for us, and we stop the others in order.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603

    def go(self) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.write(b"go\n")
            self.process.stdin.flush()

    @property
    def runs(self) -> bool:
        return hasattr(self, "process") and self.process.poll() is None

    def gone(self, deadline: float) -> None:
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            complaints.print(f"The {self.name} did not stop by itself; it is killed.")
            self.process.kill()
            self.process.wait()
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.close()


def run(settings: Platform) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)
    installation = Installation(settings)
    installation.check()
    try:
        with ExitStack() as stack:
            stack.enter_context(_alone(installation))
            _refuse_taken_ports(installation)
            _serve(installation, stack)
    except (NotReady, psycopg.Error) as problem:
        complaints.print(str(problem), style="red", markup=False)
        return 1
    except _Stop:
        console.print("Stopped.")
        return 0
    return 1


def _on_signal(_: int, __: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # once is enough; stopping takes its time
    raise _Stop


def _serve(installation: Installation, stack: ExitStack) -> None:
    children = [Child(name) for name in _COMMANDS]
    stack.callback(_stop, children)
    for child in children:
        child.start()  # they read their code while the database starts
    with console.status("Starting …"):
        server = stack.enter_context(preparation.database(installation))
        stack.callback(_stop, children)  # again: before the database, not after it
        first = preparation.prepare(installation)
        engine, dashboard, worker = children
        engine.go()
        dashboard.go()
        _wait_until_answering(installation, children)
        worker.go()  # its first job is for an engine that answers
        if first:
            preparation.wait_for_guide(installation)
    _greet(installation, first)
    falls = Falls("database")
    while True:
        time.sleep(0.5)
        if server and not server.runs:
            _revive(server, falls)
        for child in children:
            if child.process.poll() is not None:
                _restart(child)


def _greet(installation: Installation, first: FirstAdmin | None) -> None:
    lines = [f"[bold]{installation.address}[/bold]"]
    if first:
        lines += ["", f"E-mail    {first.email}"]
    if first and first.password:
        lines.append(f"Password  [bold]{first.password}[/bold]  (shown this once)")
    console.print(Panel("\n".join(lines), title="Monster is ready", expand=False, padding=(1, 3)))
    console.print("Ctrl-C stops it.")


def _restart(child: Child) -> None:
    child.falls.count(f"exit code {child.process.returncode}")
    child.start()
    child.go()


def _revive(server: Embedded, falls: Falls) -> None:
    falls.count("not by us")
    try:
        server.again()
    except NotStarted as error:
        raise NotReady(f"The database does not start again: {error}.") from error


def _stop(children: list[Child]) -> None:
    started = [child for child in children if child.runs]
    for child in started:
        child.process.terminate()
    deadline = time.monotonic() + _PATIENCE
    for child in started:
        child.gone(deadline)


@contextmanager
def _alone(installation: Installation) -> Generator[None]:
    """One process tree per data directory: the lock goes with the process, however it ends."""
    preparation.settle(installation)
    with (installation.folder / "serve.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotReady(f"Monster is running already on {installation.folder}.") from error
        yield


def _refuse_taken_ports(installation: Installation) -> None:
    settings = installation.settings
    for host, port, name in (
        (settings.host, settings.port, "MONSTER_PORT"),
        (settings.engine_host, installation.engine_port, "MONSTER_ENGINE_PORT"),
    ):
        with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise NotReady(
                    f"Port {port} on {host} cannot be used: {error.strerror}. "
                    f"Stop what uses it, or set {name}."
                ) from error


def _wait_until_answering(installation: Installation, children: list[Child]) -> None:
    waiting = [f"{installation.address}/health", f"{installation.engine_url}/health"]
    deadline = time.monotonic() + _START
    while waiting:
        waiting = [url for url in waiting if not answers(url)]
        for child in children:
            if (code := child.process.poll()) is not None:
                raise NotReady(f"The {child.name} did not start (exit code {code}).")
        if time.monotonic() > deadline:
            raise NotReady(f"{waiting[0]} did not answer within {_START:.0f} seconds.")
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (our own address)
            return True
    except (urllib.error.URLError, OSError):
        return False
