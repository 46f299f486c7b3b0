"""Headers that others write: which are theirs to write, and that none can hold a second one."""

import base64
import re

from monster.engine.toolkit.effects import ToolFailed

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]{0,8000}")
# What the client says itself, or what tells who asks.
_OURS = {
    *("authorization", "cookie", "connection", "content-length", "expect", "forwarded", "host"),
    *("keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"),
}
_OUR_KINDS = ("proxy-", "sec-", "x-forwarded-")


def is_ours(name: str) -> bool:
    low = name.lower()
    return low in _OURS or low.startswith(_OUR_KINDS)


def is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name))


def is_value(value: str) -> bool:
    return bool(_VALUE.fullmatch(value))


def check(name: str, value: str) -> None:
    """Of a header that a model writes. Raises ToolFailed, which does not quote the value."""
    if not is_name(name):
        raise ToolFailed(f"{name[:50]!r} cannot be the name of a header")
    if is_ours(name):
        raise ToolFailed(f"the header {name!r} is not yours to set")
    if not is_value(value):
        raise ToolFailed(f"the value of the header {name!r} has characters that it cannot have")


def basic(user: str, password: str) -> str:
    """The value of `Authorization`."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
