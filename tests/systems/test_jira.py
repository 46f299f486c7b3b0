import base64
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, Effect, ToolFailed, Unclear
from monster.engine.toolkit.formats import adf
from monster.engine.tools.jira import Jira
from tests.systems.connect import Grant, connected, do
from tests.systems.jira_server import ACCESS_TOKEN, TOKEN, USERNAME, JiraServer, jira_server


@pytest.fixture
async def server() -> AsyncGenerator[JiraServer]:
    async with jira_server() as served:
        yield served


@pytest.fixture
async def jira(server: JiraServer) -> AsyncGenerator[Jira]:
    values = {"jira_url": server.url, "jira_username": USERNAME, "jira_token": TOKEN}
    async with connected(Jira, None, values) as system:
        yield system


async def test_says_who_and_where(jira: Jira, server: JiraServer) -> None:
    assert await jira.account() == f"Ada Lovelace at {server.url}"
    pair = base64.b64encode(f"{USERNAME}:{TOKEN}".encode()).decode()
    assert server.last.headers["Authorization"] == f"Basic {pair}"


async def test_searches_page_by_page(jira: Jira, server: JiraServer) -> None:
    for number in range(5):
        server.add("OPS", f"Printer {number} jams")
    server.add("WEB", "Printer page is blank")
    asked: dict[str, Any] = {
        "jql": 'project = OPS AND summary ~ "printer" ORDER BY created',
        "limit": 3,
    }
    first = await do(jira, "search", **asked)
    assert [issue["key"] for issue in first["issues"]] == ["OPS-1", "OPS-2", "OPS-3"]
    assert first["issues"][0] == {
        "key": "OPS-1",
        "summary": "Printer 0 jams",
        "status": "To Do",
        "type": "Task",
        "priority": "Medium",
        "assignee": None,
        "updated": server.issues["OPS-1"]["fields"]["updated"],
        "url": f"{server.url}/browse/OPS-1",
    }
    rest = await do(jira, "search", **asked, page=first["next"])
    assert [issue["key"] for issue in rest["issues"]] == ["OPS-4", "OPS-5"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("jql", "words"),
    [
        ("ORDER BY created", "Unbounded"),
        ("colour = red", "colour"),
        ("project ==", "not understood"),
    ],
)
async def test_says_what_is_wrong_with_a_query(jira: Jira, jql: str, words: str) -> None:
    with pytest.raises(ToolFailed, match=words):
        await do(jira, "search", jql=jql)


async def test_creates_an_issue_that_reads_back_as_it_was_written(
    jira: Jira, server: JiraServer
) -> None:
    text = "# Why\n\nThe **printer** on floor `3` jams:\n\n- paper\n- toner"
    fields = {"project": "OPS", "summary": "It jams", "description": text, "type": "Bug"}
    made = await do(jira, "create", **fields, labels=["printer"])
    assert made == {"key": "OPS-1", "url": f"{server.url}/browse/OPS-1"}
    assert server.issues["OPS-1"]["fields"]["description"]["type"] == "doc"
    read = await do(jira, "read", key="OPS-1")
    assert read["description"] == text
    assert (read["type"], read["labels"]) == ("Bug", ["printer"])
    assert read["can_move_to"] == ["In Progress", "Done"]


async def test_says_which_field_is_wrong(jira: Jira) -> None:
    with pytest.raises(ToolFailed, match=r"project.*valid project is required"):
        await do(jira, "create", project="NO", summary="x")
    with pytest.raises(ToolFailed, match="'summary'"):
        await do(jira, "create", project="OPS", summary="")


async def test_comments(jira: Jira, server: JiraServer) -> None:
    key = server.add("OPS", "It jams")
    made = await do(jira, "comment", key=key, text="Seen by *me*.")
    assert made == {"id": "10100", "url": f"{server.url}/browse/{key}?focusedCommentId=10100"}
    read = await do(jira, "read", key=key)
    said = [(one["author"], one["text"]) for one in read["comments"]]
    assert said == [("Ada Lovelace", "Seen by *me*.")]


@pytest.mark.parametrize("to", ["done", "Resolve"])
async def test_moves_by_status_or_transition(jira: Jira, server: JiraServer, to: str) -> None:
    key = server.add("OPS", "It jams")
    assert await do(jira, "transition", key=key, to=to) == {"key": key, "status": to}
    assert server.issues[key]["fields"]["status"] == {"name": "Done"}


async def test_moving_twice_is_moving_once(jira: Jira, server: JiraServer) -> None:
    key = server.add("OPS", "It jams")
    await do(jira, "transition", key=key, to="Done")
    again = await do(jira, "transition", key=key, to="Done")
    assert again == {"key": key, "status": "Done", "note": "it was there already"}
    moves = [one for one in server.requests if one.method == "POST"]
    assert len(moves) == 1


async def test_says_where_an_issue_can_be_moved(jira: Jira, server: JiraServer) -> None:
    key = server.add("OPS", "It jams")
    with pytest.raises(ToolFailed, match="to 'Lost'; it can be moved to: In Progress, Done"):
        await do(jira, "transition", key=key, to="Lost")


async def test_assigns_by_name_and_takes_away(jira: Jira, server: JiraServer) -> None:
    key = server.add("OPS", "It jams")
    given = await do(jira, "assign", key=key, person="grace hopper")
    assert given == {"key": key, "assignee": "Grace Hopper"}
    assert server.issues[key]["fields"]["assignee"]["displayName"] == "Grace Hopper"
    await do(jira, "assign", key=key, person="")
    assert server.issues[key]["fields"]["assignee"] is None


@pytest.mark.parametrize(
    ("person", "words"), [("grace", "Grace Hopper, Grace Murray"), ("nemo", "nobody is found")]
)
async def test_assigns_nobody_by_guessing(
    jira: Jira, server: JiraServer, person: str, words: str
) -> None:
    key = server.add("OPS", "It jams")
    with pytest.raises(ToolFailed, match=words):
        await do(jira, "assign", key=key, person=person)
    assert server.issues[key]["fields"]["assignee"] is None


async def test_lists_projects(jira: Jira) -> None:
    types = ["Task", "Bug", "Story"]
    found = await do(jira, "list_projects", query="oper")
    assert found == [{"key": "OPS", "name": "Operations", "types": types}]


@pytest.mark.parametrize("key", ["OPS-99", "../../myself", "OPS-1/../../myself", "..", ".", ""])
async def test_what_is_not_there_is_said(jira: Jira, server: JiraServer, key: str) -> None:
    server.add("OPS", "It jams")
    with pytest.raises(ToolFailed, match=r"404|cannot be the name"):
        await do(jira, "read", key=key)


async def test_a_wrong_token_is_refused_and_not_repeated(server: JiraServer) -> None:
    values = {"jira_url": server.url, "jira_username": USERNAME, "jira_token": "wrong-token-1234"}
    async with connected(Jira, None, values) as jira:
        with pytest.raises(ConnectionRefused) as error:
            await jira.account()
    assert "wrong-token-1234" not in str(error.value)


async def test_waits_when_it_is_told_to_and_says_so_when_that_is_long(
    jira: Jira, server: JiraServer
) -> None:
    server.busy = 1
    assert await jira.account()
    server.busy, server.wait = 1, "90"
    with pytest.raises(ToolFailed, match="wait 90 s"):
        await jira.account()


async def test_an_answer_that_never_came_is_unclear_only_where_it_acted(
    server: JiraServer,
) -> None:
    values = {"jira_url": server.url, "jira_username": USERNAME, "jira_token": TOKEN}
    async with connected(Jira, None, values) as jira:
        server.broken = True
        with pytest.raises(Unclear, match="may have acted"):
            await do(jira, "create", project="OPS", summary="x")
        with pytest.raises(ToolFailed, match="503"):
            await do(jira, "search", jql="project = OPS")


async def test_oauth_leads_to_the_site_that_was_chosen(server: JiraServer) -> None:
    key = server.add("OPS", "It jams")
    async with connected(Jira, server.url, token=Grant(["stale", ACCESS_TOKEN])) as jira:
        assert await jira.account() == "Ada Lovelace at https://acme.atlassian.net"
        read = await do(jira, "read", key=key)
        assert read["url"] == f"https://acme.atlassian.net/browse/{key}"


async def test_oauth_says_which_sites_there_are(server: JiraServer) -> None:
    values = {"jira_url": "https://other.atlassian.net"}
    async with connected(Jira, server.url, values, token=Grant([ACCESS_TOKEN])) as jira:
        with pytest.raises(ToolFailed, match=r"it has: https://acme\.atlassian\.net"):
            await jira.account()


async def test_a_missing_scope_is_named(server: JiraServer) -> None:
    server.scopes = ("read:jira-work",)
    async with connected(Jira, server.url, token=Grant([ACCESS_TOKEN, ACCESS_TOKEN])) as jira:
        with pytest.raises(ToolFailed, match=r"needs the scopes .*write:jira-work") as error:
            await do(jira, "create", project="OPS", summary="x")
        assert not isinstance(error.value, ConnectionRefused)


def test_what_acts_is_marked() -> None:
    effects = {name: one.mark.effect for name, one in Jira.functions().items()}
    assert effects == {
        "search": Effect.READ,
        "read": Effect.READ,
        "list_projects": Effect.READ,
        "create": Effect.WRITE,
        "comment": Effect.WRITE,
        "transition": Effect.IDEMPOTENT,
        "assign": Effect.IDEMPOTENT,
    }


MARKDOWN = """\
# Title

A **bold** *slanted* ~~old~~ `code` [link](https://acme.example/a) line.

- one
- two
  - deeper

3. three
4. four

> Quoted **words**

```python
print("x")
```

---

| a | b |
| --- | --- |
| 1 | 2 |"""


def test_documents_survive_the_way_there_and_back() -> None:
    assert adf.to_markdown(adf.from_markdown(MARKDOWN)) == MARKDOWN


def test_documents_hold_no_empty_text_and_nest_only_what_may_be_nested() -> None:
    made = adf.from_markdown("> > deep\n>\n> # head\n\n- - inner\n\n- # head\n\n**\\***\n\n[](x)")

    def check(node: dict[str, Any], parent: str) -> None:
        kind = str(node["type"])
        assert kind != "text" or node["text"]
        if parent in ("blockquote", "listItem"):
            assert kind in ("paragraph", "bulletList", "orderedList", "codeBlock")
        children = node.get("content", [])
        if kind == "listItem":
            assert children[0]["type"] == "paragraph"
        for child in children:
            check(child, kind)

    check(made, "")


def test_reads_what_people_write_there() -> None:
    words = [
        {"type": "mention", "attrs": {"id": "1", "text": "@Grace"}},
        {"type": "text", "text": " by "},
        {"type": "date", "attrs": {"timestamp": "1767225600000"}},
        {"type": "text", "text": " see "},
        {"type": "inlineCard", "attrs": {"url": "https://acme.example"}},
        {"type": "emoji", "attrs": {"shortName": ":smile:"}},
    ]
    tasks = {"type": "taskItem", "attrs": {"state": "DONE"}, "content": words[:1]}
    picture = {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"alt": "a.png"}}]}
    panel = {"type": "panel", "content": [{"type": "paragraph", "content": words[1:2]}]}
    whole = [
        {"type": "paragraph", "content": words},
        {"type": "taskList", "content": [tasks]},
        picture,
        panel,
        {"type": "of the future", "content": [{"type": "text", "text": "kept"}]},
    ]
    assert adf.to_markdown({"type": "doc", "content": whole}) == (
        "@Grace by 2026-01-01 see https://acme.example:smile:\n\n- [x] @Grace\n\n"
        "[file: a.png]\n\n>  by \n\nkept"
    )
