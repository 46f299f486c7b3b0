"""News: RSS and Atom feeds."""

from collections.abc import Iterator
from typing import Annotated
from xml.etree.ElementTree import Element

from pydantic import Field

from monster.engine.toolkit import fetch, xml
from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool

_LARGEST = 8 << 20  # bytes of a feed
_LONGEST = 1_500  # characters of an entry's text
_ENTRIES = {"item", "entry"}
_TEXTS = ("description", "summary", "content", "encoded")
_DATES = ("pubDate", "published", "updated", "date")

Url = Annotated[str, Field(max_length=2_000)]
Limit = Annotated[int, Field(ge=1, le=50)]


class Rss(ToolFactory):
    system_name = "rss"
    name = "RSS and Atom"
    category = "Web"
    origin = "web"
    description = "The latest entries of any feed"
    logo = "rss"

    @tool(Effect.READ)
    async def latest(self, url: Url, limit: Limit = 10) -> object:
        """The newest entries of a feed, in its own order.

        url: The address of the feed.
        limit: How many.
        """
        title, entries = await self._read(url)
        return {"feed": title, "entries": entries[:limit]}

    @tool(Effect.READ)
    async def search(self, url: Url, words: str, limit: Limit = 10) -> object:
        """The entries of a feed that contain all of these words.

        url: The address of the feed.
        words: With spaces between them.
        limit: How many.
        """
        wanted = words.lower().split()
        title, entries = await self._read(url)
        found = [one for one in entries if all(w in " ".join(one.values()).lower() for w in wanted)]
        return {"feed": title, "entries": found[:limit]}

    async def _read(self, url: str) -> tuple[str, list[dict[str, str]]]:
        got = await fetch.get(self.connection.session, url, _LARGEST)
        root = xml.read(got.body)
        if xml.local(root.tag) not in ("rss", "feed", "RDF"):
            raise ToolFailed(f"{url} is no feed")
        above = next((one for one in root if xml.local(one.tag) == "channel"), root)
        entries = [_entry(one) for one in root.iter() if xml.local(one.tag) in _ENTRIES]
        return _text(above, ("title",)), entries


def _entry(one: Element) -> dict[str, str]:
    return {
        "title": _text(one, ("title",)),
        "url": next(_links(one), ""),
        "date": _text(one, _DATES),
        "text": _text(one, _TEXTS)[:_LONGEST],
    }


def _links(one: Element) -> Iterator[str]:
    for child in one:
        if xml.local(child.tag) == "link" and child.get("rel", "alternate") == "alternate":
            yield (child.get("href") or child.text or "").strip()


def _text(one: Element, names: tuple[str, ...]) -> str:
    """Of the first child that has one of these names, in their order; without markup."""
    children = {xml.local(child.tag): child for child in reversed(one)}
    for name in names:
        if name in children:
            child = children[name]
            return fetch.plain("".join(child.itertext()))
    return ""
