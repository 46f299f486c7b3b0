"""Notion, by its API of version 2026-03-11, which knows databases as data sources.

https://developers.notion.com/reference
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed, Unclear
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.formats import notion as blocks
from monster.engine.toolkit.formats import notion_values as values
from monster.engine.toolkit.formats.records import Record, cut, dig, several
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, path, words_of

_LONGEST = 60_000  # characters of a page
_MOST_BLOCKS = 1_000  # that are read of a page
_DEEPEST = 5
_AT_ONCE = 100  # blocks that one request may bring
_SHARE = (
    "Notion has no such thing, or it is not shared with the connection: a person opens the page in"
    " Notion, chooses ••• and Connections, and adds it"
)

Count = Annotated[int, Field(ge=1, le=100)]


class Notion(ToolFactory):
    system_name = "notion"
    name = "Notion"
    category = "Issues and docs"
    description = "Search, read and write pages; query databases"
    logo = "brand-notion"
    help = """\
It sees the pages that are shared with it: open a page in Notion, choose **•••** and
**Connections**, and add it. What is below that page is shared, too.
"""
    auth_config: ClassVar = {
        "strategy_token": {
            "1. notion_token": "Secret of an internal integration",
            "help": """\
1. Open [integrations](https://www.notion.so/profile/integrations) and make an internal one.
2. Give it the capabilities to read, update and insert content.
3. Paste its secret here, and share pages with it.
""",
        },
        "strategy_oauth": {"help": "You are sent to Notion and choose the pages."},
    }
    oauth = ("notion",)
    base_url = "https://api.notion.com"
    headers: ClassVar = {"Notion-Version": "2026-03-11"}

    def authorization(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.values['notion_token']}"}

    def explain(self, answer: Answer) -> ToolFailed | None:
        if answer.status == 404:
            return ToolFailed(_SHARE)
        if answer.status == 403:
            return ToolFailed(f"the integration lacks a capability: {words_of(answer)}")
        if answer.status == 409:
            return ToolFailed("somebody else changed it at this moment; try again")
        return None

    async def account(self) -> str:
        found = await self.http.get("/v1/users/me")
        return f"{found['name']} at {dig(found, 'bot', 'workspace_name') or 'Notion'}"

    @tool(Effect.READ)
    async def search(
        self,
        query: str = "",
        kind: Literal["any", "page", "database"] = "any",
        limit: Count = 20,
        page: str = "",
    ) -> object:
        """Find pages and databases by their titles, the latest edited first.

        query: Words of the title; all that is shared without it.
        kind: What to look for.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked: Record = {"query": query, **_page(limit, page)}
        if kind != "any":
            value = "data_source" if kind == "database" else "page"
            asked["filter"] = {"property": "object", "value": value}
        found = await self.http.query("/v1/search", json=asked)
        return {"found": [values.entry(one) for one in found["results"]], "next": _next(found)}

    @tool(Effect.READ)
    async def read_page(self, page: str) -> object:
        """A page as Markdown, with the values of its columns if it is of a database.

        page: Its id or address.
        """
        known = values.identity(page)
        found = await self.http.get(path("v1", "pages", known))
        read = await self._children(known, _DEEPEST, [_MOST_BLOCKS])
        text = cut(blocks.to_markdown(read), _LONGEST, what="page")
        return values.entry(found) | {"values": values.values(found), "text": text}

    @tool(Effect.READ)
    async def query_database(
        self,
        database: str,
        filter: dict[str, Any] | None = None,
        sorts: tuple[dict[str, Any], ...] = (),
        limit: Count = 20,
        page: str = "",
    ) -> object:
        """The entries of a database, with the values of their columns.

        database: Its id or address.
        filter: As in Notion's API, such as {"property": "Status", "status": {"equals": "Done"}}.
        sorts: As there, such as {"property": "Due", "direction": "ascending"}.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        source = await self._source(database)
        asked = _page(limit, page) | {"sorts": sorts} | ({"filter": filter} if filter else {})
        place = path("v1", "data_sources", source["id"], "query")
        found = await self.http.query(place, json=asked)
        entries = [
            {"id": one["id"], "url": one.get("url"), "values": values.values(one)}
            for one in found["results"]
        ]
        columns = {name: one["type"] for name, one in source["properties"].items()}
        return {"columns": columns, "entries": entries, "next": _next(found)}

    @tool(Effect.WRITE, trusted=True)
    async def append(self, page: str, text: Annotated[str, Field(min_length=1)]) -> object:
        """Write at the end of a page.

        page: Its id or address.
        text: In Markdown.
        """
        known = values.identity(page)
        return {"page": known} | await self._append(known, blocks.from_markdown(text))

    @tool(Effect.WRITE, trusted=True)
    async def create(
        self,
        parent: str,
        title: Annotated[str, Field(min_length=1, max_length=2000)],
        text: str = "",
        columns: dict[str, Any] | None = None,
        kind: Literal["page", "database"] = "page",
    ) -> object:
        """Make a page below another, or an entry of a database.

        parent: The id or address of the page or the database.
        title: One line.
        text: In Markdown.
        columns: Values of an entry's columns by their names, as `query_database` shows them.
        kind: What the parent is.
        """
        if kind == "page":
            place = {"page_id": values.identity(parent)}
            given: Record = {"title": {"title": blocks.text(title)}}
        else:
            source = await self._source(parent)
            place = {"data_source_id": source["id"]}
            given = _entry(source["properties"], title, columns or {})
        made_of = blocks.from_markdown(text)
        data = {"parent": place, "properties": given, "children": made_of[:_AT_ONCE]}
        made = await self.http.post("/v1/pages", json=data)
        rest = await self._append(made["id"], made_of, _AT_ONCE)
        return {"id": made["id"], "url": made["url"]} | rest

    async def _append(self, page: str, made: list[Record], done: int = 0) -> Record:
        """`done` are there already: then it is too late to say that nothing was written."""
        for start in range(done, len(made), _AT_ONCE):
            children = {"children": made[start : start + _AT_ONCE]}
            try:
                await self.http.patch(path("v1", "blocks", page, "children"), json=children)
            except (ToolFailed, Unclear):
                if start == 0:
                    raise
                return {"note": f"only the first {start} of {len(made)} blocks are surely there"}
        return {}

    async def _children(self, block: str, depth: int, left: list[int]) -> list[Record]:
        """`left` is how many blocks may still be read."""
        read: list[Record] = []
        page = ""
        while left[0] > 0:
            asked = {name: str(value) for name, value in _page(_AT_ONCE, page).items()}
            found = await self.http.get(path("v1", "blocks", block, "children"), params=asked)
            read += found["results"]
            left[0] -= len(found["results"])
            page = _next(found)
            if not page:
                break
        for one in read:
            if one.get("has_children") and depth and not one["type"].startswith("child_"):
                one["children"] = await self._children(one["id"], depth - 1, left)
        return read

    async def _source(self, text: str) -> Record:
        """The data source of this id, or the only one of the database of this id."""
        known = values.identity(text)
        answer = await self.http.request("GET", path("v1", "data_sources", known), fine=(404,))
        if answer.status != 404:
            return answer.json()
        database = await self.http.get(path("v1", "databases", known))
        sources = several(database, "data_sources")
        if len(sources) != 1:
            names = ", ".join(f"{one['name']} ({one['id']})" for one in sources)
            raise ToolFailed(f"the database has several sources, name one: {names}")
        return await self.http.get(path("v1", "data_sources", sources[0]["id"]))


def _entry(schema: Mapping[str, Record], title: str, columns: Mapping[str, Any]) -> Record:
    named = next(name for name, one in schema.items() if one["type"] == "title")
    return values.properties(schema, {**columns, named: title})


def _page(limit: int, page: str) -> Record:
    return {"page_size": limit} | ({"start_cursor": page} if page else {})


def _next(found: Record) -> str:
    return found.get("next_cursor") or ""
