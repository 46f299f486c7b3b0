"""Reads web pages and documents as Markdown."""

import asyncio
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from monster.engine.parsing.errors import ParseError
from monster.engine.parsing.extract import Extracted, extract
from monster.engine.toolkit import fetch
from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool

_LARGEST = 20 << 20  # bytes
_PIECE = 20_000  # characters of one answer
_SUFFIXES = {"text/html": ".html", "application/xhtml+xml": ".html", "application/pdf": ".pdf"}


class WebPage(ToolFactory):
    system_name = "web_page"
    name = "Web page reader"
    category = "Web"
    origin = "web"
    description = "Reads a page or a PDF as Markdown"
    logo = "world"

    @tool(Effect.READ, seconds=120)
    async def read_page(
        self,
        url: Annotated[str, Field(max_length=2_000)],
        start: Annotated[int, Field(ge=0)] = 0,
    ) -> object:
        """Read a web page, PDF or office document as Markdown.

        url: Its address.
        start: From which character on; `next` of the piece before.
        """
        got = await fetch.get(self.connection.session, url, _LARGEST)
        found = await _extract(got)
        end = start + _PIECE
        return {
            "url": got.url,
            "title": found.title,
            "text": found.text[start:end],
            "characters": len(found.text),
            "next": end if end < len(found.text) else None,
        }


async def _extract(got: fetch.Fetched) -> Extracted:
    suffix = _SUFFIXES.get(got.mime_type, "")
    name = urlsplit(got.url).path.rpartition("/")[2] or "page"
    if suffix and not name.endswith(suffix):
        name += suffix
    body = (
        fetch.as_utf8(got) if got.mime_type.startswith(("text/", "application/xhtml")) else got.body
    )
    try:
        return await asyncio.to_thread(extract, body, name)
    except ParseError as error:
        raise ToolFailed(f"{got.url} cannot be read: {error}") from error
