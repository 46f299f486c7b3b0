"""Where master keys come from, as the engine is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from monster.cli.settings import Platform
from monster.engine.settings import Kms, Vault


def source(settings: Platform) -> Literal["setting", "file", "vault", "aws-kms"]:
    """Of the key that seals."""
    if settings.master_key_from:
        return settings.master_key_from
    if settings.vault_address:
        return "vault"
    if settings.kms_key:
        return "aws-kms"
    return "setting" if settings.master_key else "file"


def of_engine(settings: Platform, file: Path, make: Callable[[], None]) -> dict[str, Any]:
    """All that are there: a key that no longer seals goes on opening. `make` makes the file."""
    first = source(settings)
    if first == "file" or (file.exists() and not settings.master_key):
        make()  # or complain
    return {
        "master_key": settings.master_key,
        "master_key_file": file if file.exists() else None,
        "master_key_from": first,
        "vault": _vault(settings),
        "kms": _kms(settings),
    }


def _vault(settings: Platform) -> Vault | None:
    if not settings.vault_address:
        return None
    return Vault(
        address=settings.vault_address,
        token=settings.vault_token,
        token_file=settings.vault_token_file,
        mount=settings.vault_mount.strip("/"),
        key=settings.vault_key,
    )


def _kms(settings: Platform) -> Kms | None:
    if not settings.kms_key:
        return None
    assert settings.aws_region  # the settings see to it
    assert settings.aws_access_key_id
    assert settings.aws_secret_access_key
    return Kms(
        key=settings.kms_key,
        region=settings.aws_region,
        access_key_id=settings.aws_access_key_id,
        secret_access_key=settings.aws_secret_access_key,
        session_token=settings.aws_session_token,
        endpoint=settings.kms_endpoint,
    )
