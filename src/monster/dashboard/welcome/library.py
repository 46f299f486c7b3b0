"""This project's own documentation, wherever it is installed."""

from pathlib import Path

import monster

_INSTALLED = Path(monster.__file__).parent / "documentation"
_CHECKOUT = Path(monster.__file__).parents[2] / "docs"
_NOT_FOR_USERS = {"decisions", "pictures"}


def pages() -> list[Path]:
    """Markdown files for people who use Monster, in a steady order."""
    folder = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    files = sorted(folder.rglob("*.md"))
    return [file for file in files if not _NOT_FOR_USERS & set(file.relative_to(folder).parts)]
