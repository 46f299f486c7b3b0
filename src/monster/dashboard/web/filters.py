"""How templates write times, sizes, counts and models."""

import re
from datetime import datetime

from monster.contracts.agents import QUOTING
from monster.kit import clock

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def ago(moment: datetime) -> str:
    """`just now`, `4 min ago`, `3 h ago`, `yesterday`, `5 days ago`, then the date (UTC)."""
    now = clock.now()
    seconds = (now - moment).total_seconds()
    days = (now.date() - moment.astimezone(now.tzinfo).date()).days
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min ago"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h ago"
    if days < 7:
        return "yesterday" if days == 1 else f"{days} days ago"
    return f"{moment.day} {moment:%b %Y}"


def size(count: int) -> str:
    """Bytes for people: `812 B`, `14 kB`, `3.2 MB`."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def counted(count: int, noun: str) -> str:
    """`1 passage`, `1,234 passages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def model_name(model: str) -> str:
    """Of `provider:name` the name; what is no language model is called what it does."""
    return "Quotes its knowledge" if model == QUOTING else model.partition(":")[2] or model


def literally(text: str) -> str:
    """As a pattern of a form field that only this text fits."""
    return re.sub(r"[\\^$.*+?()\[\]{}|/]", r"\\\g<0>", text)
