"""Web search: Tavily, Brave, or a SearXNG of one's own."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool

_LONGEST = 2_000  # characters of what is quoted of a page
_KEY = r"[\x21-\x7e]{1,500}"  # it is sent as a header, as it stands


def _key(description: str) -> dict[str, Any]:
    return {"description": description, "type": "secret", "pattern": _KEY}


class _Search(ToolFactory):
    category = "Web"
    origin = "web"
    logo = "search"

    async def account(self) -> str | None:
        await self._find("monster", 1)
        return None

    @tool(Effect.READ)
    async def search(self, query: str, limit: Annotated[int, Field(ge=1, le=20)] = 5) -> object:
        """Search the web. Returns title, address and an excerpt of each page that was found.

        query: What to look for, in a few words.
        limit: How many pages.
        """
        return (await self._find(query, limit))[:limit]

    async def _find(self, query: str, limit: int) -> list[dict[str, str]]:
        raise NotImplementedError


class Tavily(_Search):
    system_name = "tavily"
    name = "Tavily"
    description = "Web search for agents"
    base_url = "https://api.tavily.com"
    help = "Make an API key at tavily.com and paste it here."
    auth_config: ClassVar = {"strategy_token": {"1. api_key": _key("API key (tvly-…)")}}

    def authorization(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.values['api_key']}"}

    async def _find(self, query: str, limit: int) -> list[dict[str, str]]:
        found = await self.http.query("/search", json={"query": query, "max_results": limit})
        return [_hit(one, "content") for one in _list(found, "results")]


class Brave(_Search):
    system_name = "brave_search"
    name = "Brave Search"
    description = "Web search with an index of its own"
    base_url = "https://api.search.brave.com"
    help = "Make a key for the Brave Search API and paste it here."
    auth_config: ClassVar = {"strategy_token": {"1. api_key": _key("Subscription token")}}

    def authorization(self) -> Mapping[str, str]:
        return {"X-Subscription-Token": self.values["api_key"], "Accept": "application/json"}

    async def _find(self, query: str, limit: int) -> list[dict[str, str]]:
        asked = {"q": query, "count": limit}
        found = await self.http.get("/res/v1/web/search", params=asked)
        return [_hit(one, "description") for one in _list(_inside(found), "results")]


class SearXNG(_Search):
    system_name = "searxng"
    name = "SearXNG"
    description = "Web search by a server of your own"
    help = """\
The server must allow the format `json` (`search.formats` in its settings). A private address must
be allowed with `MONSTER_OUTBOUND_ALLOW`.
"""
    auth_config: ClassVar = {
        "strategy_url": {"1. base_url": {"description": "Where the server is", "type": "url"}}
    }

    @property
    def url(self) -> str:
        return self.values["base_url"]

    async def _find(self, query: str, limit: int) -> list[dict[str, str]]:  # noqa: ARG002 (it has none)
        found = await self.http.get("/search", params={"q": query, "format": "json"})
        return [_hit(one, "content") for one in _list(found, "results")]


def _inside(found: object) -> object:
    """Without hits, there is no `web` at all."""
    return found.get("web", {}) if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _list(found: object, name: str) -> list[dict[str, Any]]:
    inner: object = found.get(name, []) if isinstance(found, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(inner, list) or not all(isinstance(one, dict) for one in inner):  # pyright: ignore[reportUnknownVariableType]
        raise ToolFailed("the answer is not what a search answers")
    return inner  # pyright: ignore[reportUnknownVariableType]


def _hit(one: Mapping[str, Any], text: str) -> dict[str, str]:
    return {
        "title": str(one.get("title") or ""),
        "url": str(one.get("url") or ""),
        "text": str(one.get(text) or "")[:_LONGEST],
    }
