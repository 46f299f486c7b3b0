"""The folder of a run: filled before, measured while, read after, and taken away at last."""

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from monster.engine.sandbox.types import BadName, Limits

_PREFIX = "monster-run-"
_LOCK = "lock"
_BLOCK = 512  # st_blocks


class Folder:
    """`work` is the run's own; `scratch` is for what it needs beside; `root` stays empty.

    As long as whoever made it lives, its `lock` is held.
    """

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix=_PREFIX))
        for path in (self.work, self.scratch, self.root):
            path.mkdir()
        made = self.base / "made"
        self._lock = made.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        made.rename(self.base / _LOCK)  # nobody sees it who could take it before us

    @property
    def work(self) -> Path:
        return self.base / "work"

    @property
    def scratch(self) -> Path:
        return self.base / "scratch"

    @property
    def root(self) -> Path:
        return self.base / "root"

    def fill(self, files: Mapping[str, bytes]) -> None:
        """Raises BadName."""
        for name, content in files.items():
            path = self.work / safe(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def over(self, limits: Limits, pid: int | None = None) -> bool:
        """Whether the files hold too much, with those that the process `pid` has open and removed.

        A folder that cannot be read is one that hides something.
        """
        total = sum(_unnamed(pid)) if pid else 0
        number = 0
        try:
            for entry in _below(self.work, self.scratch):
                total += _size(entry.stat(follow_symlinks=False))
                number += 1
                if total > limits.disk or number > limits.entries:
                    return True
        except FileNotFoundError:  # removed while we looked: the next look will tell
            return False
        except OSError:
            return True
        return total > limits.disk

    def written(self, before: Mapping[str, bytes]) -> dict[str, bytes]:
        """What is new or changed. Links are not followed, and what is no file is left out.

        Only for when the process is gone, and after `over` has said no.
        """
        known = {str(safe(name)): content for name, content in before.items()}
        found: dict[str, bytes] = {}
        for entry in _below(self.work):
            if entry.is_file(follow_symlinks=False):
                name = os.fsencode(os.path.relpath(entry.path, self.work)).decode(errors="replace")
                path = Path(entry.path)
                path.chmod(0o600)  # whatever mode it was made with
                content = path.read_bytes()
                if known.get(name) != content:
                    found[name] = content
        return dict(sorted(found.items()))

    def remove(self) -> None:
        _remove(self.base)
        self._lock.close()


def sweep() -> None:
    """Takes away what processes left that died in the middle of a run."""
    for base in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # it is in use, or somebody else's
            if _ours(base):
                with (base / _LOCK).open("r+") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(base)


def _ours(base: Path) -> bool:
    """Everybody may put something where folders are made: a link is not followed."""
    found = base.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _remove(base: Path) -> None:
    """However deep it is: a folder in it is first moved up, so no path gets long."""
    waiting = [folder for folder in base.iterdir() if folder.is_dir()]
    while waiting:
        folder = waiting.pop()
        folder.chmod(0o700)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    Path(entry.path).chmod(0o700)  # one's own mode says if it may be moved
                    waiting.append(Path(entry.path).rename(base / secrets.token_hex(8)))
                else:
                    Path(entry.path).unlink()
        folder.rmdir()
    shutil.rmtree(base)


def safe(name: str) -> PurePosixPath:
    """The name as a path that stays in the folder. Raises BadName."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise BadName(f"{name!r} is not the name of a file")
    return path


def _below(*folders: Path) -> Iterator[os.DirEntry[str]]:
    waiting: list[str | os.PathLike[str]] = list(folders)
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _size(found: os.stat_result) -> int:
    """What it takes on disk, or would take if its holes were filled: that is how it is read."""
    return max(found.st_size, found.st_blocks * _BLOCK)


def _unnamed(pid: int) -> Iterator[int]:
    """Sizes of files that the process holds open and that are in no folder any more."""
    seen: set[int] = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            found = descriptor.stat()
            if stat.S_ISREG(found.st_mode) and not found.st_nlink and found.st_ino not in seen:
                seen.add(found.st_ino)
                yield _size(found)
