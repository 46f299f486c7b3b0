"""Pages and feeds that anybody may read: no header of a connection goes there."""

import codecs
import html
import re
from typing import NamedTuple

import aiohttp

from monster.engine.toolkit.effects import ToolFailed
from monster.kit import outbound
from monster.kit.addresses import TooLarge, why_blocked

_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_REDIRECTS = 5  # each is judged like the first request
_HEADERS = {"User-Agent": "Monster/0.1 (reads pages for people)", "Accept": "*/*"}
_MARKUP = re.compile(r"<[^<>]*>")
_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{1,40})", re.IGNORECASE)


class Fetched(NamedTuple):
    """`url` is where it was found in the end."""

    url: str
    mime_type: str
    charset: str | None
    body: bytes


async def get(session: aiohttp.ClientSession, url: str, largest: int) -> Fetched:
    """Raises ToolFailed."""
    if not url.lower().startswith(("http://", "https://")):
        raise ToolFailed("an address begins with https:// or http://")
    try:
        async with session.get(
            url, timeout=_TIMEOUT, headers=_HEADERS, max_redirects=_REDIRECTS
        ) as response:
            if response.status >= 400:
                raise ToolFailed(f"{url} is not there ({response.status})")
            body = await outbound.read(response, largest)
            return Fetched(str(response.url), response.content_type, response.charset, body)
    except (aiohttp.ClientError, TimeoutError, TooLarge, ValueError) as error:
        why = why_blocked(error) or error or "it is silent"
        raise ToolFailed(f"{url} cannot be read: {why}") from error


def as_utf8(got: Fetched) -> bytes:
    """By what the answer says, or the page; a page that says nothing is UTF-8 if it can be."""
    meta = _META.search(got.body[:4096])
    for name in (got.charset, meta[1].decode() if meta else None):
        if name and _known(name):
            return _META.sub(b"<meta", got.body.decode(name, errors="replace").encode(), count=1)
    return got.body


def plain(text: str) -> str:
    """Without markup and doubled blanks."""
    return " ".join(html.unescape(_MARKUP.sub(" ", text)).split())


def _known(name: str) -> bool:
    """Among those that are text; Python has others, such as zlib."""
    try:
        return codecs.lookup(name)._is_text_encoding  # noqa: SLF001
    except LookupError:
        return False
