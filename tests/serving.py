"""The whole platform as people start it: `monster serve`, in a folder and on ports of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

READY = "Ctrl-C stops it."


def free_ports() -> tuple[int, int]:
    with closing(socket.socket()) as one, closing(socket.socket()) as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@dataclass
class Platform:
    """`folder` is the data directory; `settings` are named as in `monster.toml`."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict[str, str])
    greeting: str = ""  # of the first start
    output: str = ""  # of the latest
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        port, engine_port = free_ports()
        self.settings = {
            "port": str(port),
            "engine_port": str(engine_port),
            "data_dir": str(self.folder),
            **self.settings,
        }

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings['port']}"

    @property
    def environment(self) -> dict[str, str]:
        bare = {name: text for name, text in os.environ.items() if not name.startswith("MONSTER_")}  # noqa: TID251
        return bare | {f"MONSTER_{name.upper()}": text for name, text in self.settings.items()}

    @property
    def password(self) -> str:
        """As it was shown at the first start."""
        found = re.search(r"Password\s+(\S+)", self.greeting)
        assert found, self.greeting
        return found[1]

    def start(self) -> None:
        """Until it is ready, or has ended."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monster.cli", "serve"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder.parent,
        )
        self.output = "".join(_until_ready(self.process.stdout))
        self.greeting = self.greeting or self.output

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the same installation."""
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", "monster.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            cwd=self.folder.parent,
            timeout=120,
            check=False,
        )

    def children(self) -> list[psutil.Process]:
        """Those that live: one that was just killed waits for its parent to notice."""
        children = psutil.Process(self.process.pid).children()
        alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return [child for child in alive if "monster.cli" in child.cmdline()]

    def child(self, name: str) -> psutil.Process:
        """One of the three processes, by a word of its command."""
        for child in self.children():
            if name in child.cmdline():
                return child
        raise AssertionError(f"no {name} runs")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has one."""
        rest, _ = self.process.communicate(timeout=40)
        self.output += rest
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def _until_ready(stream: IO[str] | None) -> Generator[str]:
    assert stream
    for line in stream:
        yield line
        if READY in line:
            return


@contextmanager
def serving(**settings: str) -> Generator[Platform]:
    """In an empty folder, until the block ends; then nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="monster-"))
    folder.chmod(0o755)  # as root, the database runs as another user
    platform = Platform(folder / "data", settings)
    platform.start()
    try:
        assert READY in platform.output, platform.output
        yield platform
    finally:
        if platform.process.poll() is None:
            platform.stop()
        shutil.rmtree(folder)
