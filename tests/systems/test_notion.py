from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.formats import notion as blocks
from monster.engine.toolkit.formats import notion_values
from monster.engine.tools.notion import Notion
from monster.kit.ids import new_id
from tests.systems.connect import Grant, connected, do
from tests.systems.notion_server import TOKEN, NotionServer, notion_server, wrong

MARKDOWN = """\
# Title

A **bold** *slanted* ~~old~~ `code` [link](https://acme.example/a) line.

- one
- two
  - deeper
    - deepest
- [ ] to do
- [x] done

1. first
2. second

> Quoted

```python
print("x")
```

---

| a | b |
| --- | --- |
| 1 | 2 |"""


@pytest.fixture
async def server() -> AsyncGenerator[NotionServer]:
    async with notion_server() as served:
        yield served


@pytest.fixture
async def notion(server: NotionServer) -> AsyncGenerator[Notion]:
    async with connected(Notion, server.url, {"notion_token": TOKEN}) as system:
        yield system


async def test_says_who_and_where(notion: Notion) -> None:
    assert await notion.account() == "Monster at Acme"


async def test_a_page_reads_back_as_it_was_written(notion: Notion, server: NotionServer) -> None:
    parent = server.add_page("Handbook")
    made = await do(notion, "create", parent=parent, title="Rules", text=MARKDOWN)
    read = await do(notion, "read_page", page=made["url"])
    assert (read["title"], read["text"]) == ("Rules", MARKDOWN)


async def test_what_is_too_deep_comes_beside(notion: Notion, server: NotionServer) -> None:
    page = server.add_page("Handbook")
    await do(notion, "append", page=page, text="- a\n  - b\n    - c\n      - d")
    read = await do(notion, "read_page", page=page)
    assert read["text"] == "- a\n  - b\n    - c\n    - d"


async def test_long_pages_go_and_come_in_pieces(notion: Notion, server: NotionServer) -> None:
    server.per_page = 40
    page = server.add_page("Handbook")
    text = "\n\n".join(f"paragraph {n}" for n in range(150)) + "\n\n" + "x" * 4_500
    made = await do(notion, "create", parent=page, title="Long", text=text)
    await do(notion, "append", page=made["id"], text=text)
    read = await do(notion, "read_page", page=made["id"])
    assert read["text"] == f"{text}\n\n{text}"


async def test_says_what_is_there_when_the_rest_is_refused(
    notion: Notion, server: NotionServer
) -> None:
    page = server.add_page("Handbook")
    server.at_most = 100
    text = "\n\n".join(f"paragraph {n}" for n in range(150))
    note = {"note": "only the first 100 of 150 blocks are surely there"}
    assert await do(notion, "append", page=page, text=text) == {"page": page} | note
    server.at_most = 0
    with pytest.raises(ToolFailed, match="no more"):
        await do(notion, "append", page=page, text=text)


async def test_searches_by_kind_and_page_by_page(notion: Notion, server: NotionServer) -> None:
    names = [server.add_page(f"Plan {n}") for n in range(3)]
    server.add_database("Plan of plans")
    first = await do(notion, "search", query="plan", kind="page", limit=2)
    rest = await do(notion, "search", query="plan", kind="page", limit=2, page=first["next"])
    assert [one["id"] for one in [*first["found"], *rest["found"]]] == names
    (source,) = (await do(notion, "search", query="plan", kind="database"))["found"]
    assert (source["title"], source["kind"]) == ("Plan of plans", "database")


async def test_databases_are_filled_and_queried(notion: Notion, server: NotionServer) -> None:
    kinds = {
        "Status": "status", "Tags": "multi_select", "Due": "date", "Hours": "number",
        "Done": "checkbox", "Note": "rich_text", "Of": "relation",
    }  # fmt: skip
    database = server.add_database("Tasks", **kinds)
    other = str(new_id())
    columns = {
        "Status": "Open", "Tags": ["a", "b"], "Due": "2026-01-31", "Hours": 3, "Done": True,
        "Note": "soon", "Of": [other],
    }  # fmt: skip
    where = {"parent": database, "kind": "database"}
    await do(notion, "create", **where, title="Paint", columns=columns)
    await do(notion, "create", **where, title="Sand", columns={"Status": "Closed"})
    asked = {"property": "Status", "status": {"equals": "Open"}}
    found = await do(notion, "query_database", database=database, filter=asked)
    assert found["columns"] == {"Name": "title"} | kinds
    (entry,) = found["entries"]
    assert entry["values"] == {"Name": "Paint"} | columns


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"Colour": "red"}, "no column 'Colour'; there are: Name, Sum"),
        ({"Sum": 1}, "'Sum' is of the kind formula, which nobody can write"),
    ],
)
async def test_says_which_columns_there_are(
    notion: Notion, server: NotionServer, columns: dict[str, object], words: str
) -> None:
    database = server.add_database("Tasks", Sum="formula")
    where = {"parent": database, "kind": "database"}
    with pytest.raises(ToolFailed, match=words):
        await do(notion, "create", **where, title="x", columns=columns)


async def test_wants_one_source_of_several(notion: Notion, server: NotionServer) -> None:
    database = server.add_database("Mine", "Yours")
    with pytest.raises(ToolFailed, match=r"name one: Mine \(.*\), Yours \("):
        await do(notion, "query_database", database=database)
    source = server.databases[database][1]
    assert (await do(notion, "query_database", database=source))["entries"] == []


async def test_says_that_a_page_must_be_shared(notion: Notion) -> None:
    with pytest.raises(ToolFailed, match="a person opens the page in Notion"):
        await do(notion, "read_page", page=str(new_id()))
    with pytest.raises(ToolFailed, match="neither an id nor an address"):
        await do(notion, "read_page", page="../users/me")


async def test_refusals_say_what_to_do(notion: Notion, server: NotionServer) -> None:
    page = server.add_page("Handbook")
    place = f"/v1/blocks/{page}/children"
    server.refusals[place] = wrong(403, "restricted_resource", "Insufficient permissions.")
    with pytest.raises(ToolFailed, match="lacks a capability: Insufficient permissions"):
        await do(notion, "append", page=page, text="x")
    server.refusals[place] = wrong(409, "conflict_error", "Conflict occurred while saving.")
    with pytest.raises(ToolFailed, match="try again"):
        await do(notion, "append", page=page, text="x")
    server.busy, server.wait = 1, "30"
    with pytest.raises(ToolFailed, match="wait 30 s"):
        await notion.account()


async def test_a_wrong_token_is_refused(server: NotionServer) -> None:
    async with connected(Notion, server.url, {"notion_token": "ntn_wrong_token"}) as notion:
        with pytest.raises(ConnectionRefused) as error:
            await notion.account()
    assert "ntn_wrong_token" not in str(error.value)


async def test_oauth(server: NotionServer) -> None:
    async with connected(Notion, server.url, token=Grant([TOKEN])) as notion:
        assert await notion.account() == "Monster at Acme"


def test_reads_blocks_that_it_never_writes() -> None:
    words = [{"plain_text": "words", "annotations": {"bold": True}, "href": None}]
    said = blocks.to_markdown(
        [
            {"type": "callout", "callout": {"rich_text": words}},
            {"type": "child_page", "child_page": {"title": "Below"}},
            {"type": "bookmark", "bookmark": {"url": "https://acme.example", "caption": []}},
            {"type": "image", "image": {"file": {"url": "https://acme.example/a.png"}}},
            {"type": "equation", "equation": {"expression": "e=mc^2"}},
            {"type": "unsupported", "unsupported": {}},
        ]
    )
    assert said == (
        "> **words**\n\n[page: Below]\n\n[bookmark](https://acme.example)\n\n"
        "[image](https://acme.example/a.png)\n\n$$e=mc^2$$"
    )


def test_reads_columns_that_it_never_writes() -> None:
    found = {
        "properties": {
            "Sum": {"type": "formula", "formula": {"type": "number", "number": 3}},
            "When": {"type": "date", "date": {"start": "2026-01-01", "end": "2026-01-03"}},
            "Who": {"type": "people", "people": [{"id": "1", "name": "Ada"}, {"id": "2"}]},
            "By": {"type": "created_by", "created_by": {"id": "1", "name": "Ada"}},
            "Empty": {"type": "select", "select": None},
            "No": {"type": "unique_id", "unique_id": {"prefix": "T", "number": 1}},
        }
    }
    assert notion_values.values(found) == {
        "Sum": 3,
        "When": ["2026-01-01", "2026-01-03"],
        "Who": ["Ada", "2"],
        "By": "Ada",
        "Empty": None,
        "No": {"prefix": "T", "number": 1},
    }
