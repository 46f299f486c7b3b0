"""Notion as it answers, of version 2026-03-11: https://developers.notion.com/reference"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from monster.engine.toolkit.formats.records import dig
from monster.kit.ids import new_id
from tests.systems.served import Refused, Served, reply

TOKEN = "ntn_local_integration_secret"
_KINDS = {
    "paragraph", "heading_1", "heading_2", "heading_3", "bulleted_list_item",
    "numbered_list_item", "to_do", "quote", "code", "divider", "table", "table_row",
}  # fmt: skip
_DEEPEST = 2


def wrong(status: int, code: str, words: str) -> Refused:
    return Refused(status, {"object": "error", "status": status, "code": code, "message": words})


def titled(words: str) -> dict[str, Any]:
    return {"type": "title", "title": [{"plain_text": words, "text": {"content": words}}]}


@dataclass
class NotionServer(Served):
    """What is not in `pages` or `databases` is not shared with the integration."""

    pages: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    databases: dict[str, list[str]] = field(default_factory=dict[str, list[str]])  # their sources
    sources: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    blocks: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    per_page: int = 100
    at_most: int = 10_000  # blocks of a page

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/users/me", self._me),
            web.post("/v1/search", self._search),
            web.get("/v1/pages/{id}", self._page),
            web.post("/v1/pages", self._create),
            web.get("/v1/databases/{id}", self._database),
            web.get("/v1/data_sources/{id}", self._source),
            web.post("/v1/data_sources/{id}/query", self._query),
            web.get("/v1/blocks/{id}/children", self._children),
            web.patch("/v1/blocks/{id}/children", self._append),
        ]

    def authenticate(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise wrong(401, "unauthorized", "API token is invalid.")
        if request.headers.get("Notion-Version") != "2026-03-11":
            raise wrong(400, "missing_version", "Notion-Version header should be a version.")

    def too_many(self) -> Refused:
        body = {"object": "error", "status": 429, "code": "rate_limited", "message": "Slow down."}
        return Refused(429, body, {"Retry-After": self.wait})

    def unknown(self, _: web.Request) -> Refused:
        return wrong(400, "invalid_request_url", "Invalid request URL.")

    def add_page(self, title: str, **values: dict[str, Any]) -> str:
        page = str(new_id())
        properties = {"title": titled(title)} | values
        self.pages[page] = {"object": "page", "id": page, "properties": properties}
        self.pages[page]["url"] = f"https://www.notion.so/{page.replace('-', '')}"
        self.blocks[page] = []
        return page

    def add_database(self, *titles: str, **columns: str) -> str:
        """With a data source for each title; `columns` are kinds by name."""
        database = str(new_id())
        self.databases[database] = []
        schema: dict[str, Any] = {name: {"type": kind, kind: {}} for name, kind in columns.items()}
        for title in titles:
            source = str(new_id())
            known = {"object": "data_source", "id": source, "title": titled(title)["title"]}
            self.sources[source] = known | {"properties": {"Name": {"type": "title"}} | schema}
            self.databases[database].append(source)
        return database

    async def _me(self, _: web.Request) -> web.Response:
        bot = {"workspace_name": "Acme", "owner": {"type": "workspace", "workspace": True}}
        return reply({"object": "user", "type": "bot", "name": "Monster", "bot": bot})

    async def _search(self, request: web.Request) -> web.Response:
        asked = await request.json()
        kind = asked.get("filter", {}).get("value")
        if kind not in (None, "page", "data_source"):
            raise wrong(400, "validation_error", "body failed validation: filter.value")
        everything = [*self.pages.values(), *self.sources.values()]
        found = [one for one in everything if kind in (None, one["object"])]
        wanted = asked.get("query", "").lower()
        return self._list([one for one in found if wanted in str(one).lower()], asked)

    def _list(self, found: Sequence[Any], asked: Any) -> web.Response:  # noqa: ANN401
        start = int(asked.get("start_cursor") or 0)
        end = start + min(int(asked.get("page_size", 100)), self.per_page)
        more = end < len(found)
        answer = {"object": "list", "results": found[start:end], "has_more": more}
        return reply(answer | {"next_cursor": str(end) if more else None})

    def _known(self, what: dict[str, Any], request: web.Request) -> Any:  # noqa: ANN401
        return self._shared(what, request.match_info["id"])

    def _shared(self, what: dict[str, Any], known: str) -> Any:  # noqa: ANN401
        if known not in what:
            words = f"Could not find object with ID: {known}. Make sure it is shared."
            raise wrong(404, "object_not_found", words)
        return what[known]

    async def _page(self, request: web.Request) -> web.Response:
        return reply(self._known(self.pages, request))

    async def _database(self, request: web.Request) -> web.Response:
        sources = [self.sources[one] for one in self._known(self.databases, request)]
        named = [{"id": one["id"], "name": one["title"][0]["plain_text"]} for one in sources]
        return reply({"object": "database", "data_sources": named})

    async def _source(self, request: web.Request) -> web.Response:
        return reply(self._known(self.sources, request))

    async def _query(self, request: web.Request) -> web.Response:
        source, asked = self._known(self.sources, request), await request.json()
        found = [
            page
            for page in self.pages.values()
            if page.get("parent", {}).get("data_source_id") == source["id"]
        ]
        if "filter" in asked:
            wanted = asked["filter"].get("property")
            if wanted not in source["properties"]:
                words = f"Could not find property with name or id: {wanted}"
                raise wrong(400, "validation_error", words)
            found = [one for one in found if _fits(one["properties"].get(wanted), asked["filter"])]
        return self._list(found, asked)

    async def _create(self, request: web.Request) -> web.Response:
        sent = await request.json()
        parent = sent["parent"]
        if "data_source_id" in parent:
            schema = self._shared(self.sources, parent["data_source_id"])["properties"]
        else:
            self._shared(self.pages, parent["page_id"])
            schema = {"title": {"type": "title"}}
        properties: dict[str, Any] = {}
        for name, value in sent["properties"].items():
            kind = schema.get(name, {}).get("type")
            if kind is None or kind not in value:
                raise wrong(400, "validation_error", f"{name} is not a property that exists.")
            properties[name] = {"type": kind} | value
        page = self.add_page("")
        self.pages[page] |= {"properties": properties, "parent": parent}
        self._store(page, sent.get("children", []), 0)
        return reply(self.pages[page])

    async def _append(self, request: web.Request) -> web.Response:
        self._known(self.blocks, request)
        sent = await request.json()
        if "after" in sent:
            raise wrong(400, "validation_error", "body.after is not known: use position")
        page = request.match_info["id"]
        if len(self.blocks[page]) + len(sent["children"]) > self.at_most:
            raise wrong(400, "validation_error", "no more blocks fit")
        self._store(page, sent["children"], 0)
        return reply({"object": "list", "results": []})

    async def _children(self, request: web.Request) -> web.Response:
        return self._list(self._known(self.blocks, request), request.query)

    def _store(self, parent: str, blocks: list[dict[str, Any]], depth: int) -> None:
        if len(blocks) > 100 or (blocks and depth > _DEEPEST):
            raise wrong(400, "validation_error", "body.children: too many, or too deep")
        for block in blocks:
            kind, known = block["type"], str(new_id())
            own = dict(block[kind])
            if kind not in _KINDS:
                raise wrong(400, "validation_error", f"body.children: {kind} is not known")
            _check_text(own.get("rich_text", []))
            children = own.pop("children", [])
            stored = {"object": "block", "id": known, "type": kind, kind: own}
            self.blocks[parent].append(stored | {"has_children": bool(children)})
            self.blocks[known] = []
            self._store(known, children, depth + 1)


def _check_text(pieces: list[dict[str, Any]]) -> None:
    for piece in pieces:
        words = piece["text"]["content"]
        if not 0 < len(words) <= 2000:
            raise wrong(400, "validation_error", "text.content.length should be ≤ 2000")
        piece["plain_text"] = words
        piece["href"] = dig(piece, "text", "link", "url")


def _fits(value: dict[str, Any] | None, wanted: dict[str, Any]) -> bool:
    kind = next(name for name in wanted if name != "property")
    held = dig(value, kind)
    return (dig(held, "name") or held) == wanted[kind].get("equals")


@asynccontextmanager
async def notion_server() -> AsyncGenerator[NotionServer]:
    server = NotionServer()
    async with server.serving():
        yield server
