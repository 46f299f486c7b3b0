"""Key files: made once, by whoever comes first, and readable by nobody else."""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from monster.cli.settings import SettingsWrong


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """Raises SettingsWrong."""
    try:
        if not path.exists():
            _write_first(path, make())
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsWrong(f"Others can read {path}. Change that: chmod 600 {path}")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsWrong(f"{path} cannot be used: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsWrong(f"{path} does not hold a key.") from error


def _write_first(path: Path, text: str) -> None:
    """A link never replaces what is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def put_first(path: Path, text: str) -> None:
    """A new line before the others, for its owner alone: whole and on disk, or not there at all.

    Whoever reads the file meanwhile reads the old one or the new one. Raises SettingsWrong.
    """
    try:
        there, before = path.stat(), path.read_text(encoding="utf-8")
        draft = path.with_suffix(f".{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            if there.st_uid != os.geteuid():
                os.chown(draft, there.st_uid, there.st_gid)
            file.write(f"{text}\n{before.strip()}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SettingsWrong(f"{path} cannot be changed: {error.strerror}.") from error


def public_half(signing_key: str) -> str:
    key = serialization.load_pem_private_key(signing_key.encode(), password=None)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def new_signing_key() -> str:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()
