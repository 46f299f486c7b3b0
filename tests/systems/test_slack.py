from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.toolkit.formats import mrkdwn
from monster.engine.tools.slack import Slack
from tests.systems.connect import Grant, connected, do
from tests.systems.emulated import Emulators
from tests.systems.served import Refused
from tests.systems.slack_server import TOKEN, USER_TOKEN, SlackServer, slack_server


@pytest.fixture
async def server(emulated: Emulators) -> AsyncGenerator[SlackServer]:
    async with slack_server(emulated) as served:
        yield served


@pytest.fixture
async def slack(server: SlackServer) -> AsyncGenerator[Slack]:
    files = MemoryFiles({"report.csv": (b"a,b\n1,2\n", "text/csv")})
    values = {"slackbot_token": TOKEN, "user_token": USER_TOKEN}
    async with connected(Slack, f"{server.url}/api", values, files=files) as system:
        yield system


async def test_says_who_and_where(slack: Slack) -> None:
    assert await slack.account() == "ada at https://acme.slack.com (Acme)"


async def test_posts_replies_and_reads_back(slack: Slack) -> None:
    made = await do(
        slack, "post", channel="#ops", text="The **printer** <jams> & [smokes](http://x.example)"
    )
    await do(slack, "reply", channel="ops", message=made["message"], text="It's _fixed_")
    read = await do(slack, "read_history", channel="ops")
    (said,) = [one for one in read["messages"] if one["id"] == made["message"]]
    assert said["text"] == "The *printer* <jams> & [smokes](http://x.example)"
    assert (said["author"], said["replies"]) == ("Ada Lovelace", 1)
    thread = await do(slack, "read_history", channel="ops", thread=made["message"])
    assert [one["text"] for one in thread["messages"]][1:] == ["It's _fixed_"]


async def test_names_that_cannot_be_had_are_ids(slack: Slack, server: SlackServer) -> None:
    await do(slack, "post", channel="ops", text="x")
    needed = {"ok": False, "error": "missing_scope", "needed": "users:read"}
    server.refusals["/api/users.info"] = Refused(200, needed)
    (said, *_) = (await do(slack, "read_history", channel="ops"))["messages"]
    assert (said["text"], said["author"][0]) == ("x", "U")


async def test_an_answer_that_nobody_can_read_is_unclear_where_it_acted(
    slack: Slack, server: SlackServer
) -> None:
    for method in ("chat.postMessage", "users.list"):
        server.refusals[f"/api/{method}"] = Refused(200, None)
        server.refusals[f"/api/{method}"].answer.body = b"<html>"
    with pytest.raises(Unclear, match="no JSON"):
        await do(slack, "post", channel="C0123456789", text="x")
    with pytest.raises(ToolFailed, match="no JSON"):
        await do(slack, "list_users")


async def test_history_comes_page_by_page(slack: Slack) -> None:
    for number in range(3):
        await do(slack, "post", channel="ops", text=f"number {number}")
    first = await do(slack, "read_history", channel="ops", limit=2)
    rest = await do(slack, "read_history", channel="ops", limit=2, page=first["next"])
    texts = [one["text"] for one in [*first["messages"], *rest["messages"]]]
    assert texts[:3] == ["number 2", "number 1", "number 0"]


async def test_lists_channels_and_people(slack: Slack) -> None:
    found = await do(slack, "list_channels", query="#op")
    assert [one["name"] for one in found["channels"]] == ["ops"]
    people = await do(slack, "list_users", query="hopper")
    assert [one["real_name"] for one in people["people"]] == ["Grace Hopper"]
    assert people["next"] == ""


async def test_says_that_there_is_no_such_channel(slack: Slack) -> None:
    with pytest.raises(ToolFailed, match="no channel 'nope'"):
        await do(slack, "post", channel="nope", text="x")
    with pytest.raises(ToolFailed, match="no such channel, or it is private"):
        await do(slack, "read_history", channel="C99999999")


async def test_searches_as_a_person(slack: Slack, server: SlackServer) -> None:
    channel = {"id": "C1", "name": "ops"}
    server.found = [
        {"ts": f"{1_700_000_000 + n}.000100", "user": "U1", "username": "grace", "text": f"jam {n}"}
        | {"channel": channel, "permalink": f"https://acme.slack.com/p{n}"}
        for n in range(3)
    ]
    first = await do(slack, "search", query="jam", limit=2)
    assert [one["text"] for one in first["messages"]] == ["jam 0", "jam 1"]
    assert first["messages"][0]["channel"] == "ops"
    assert first["messages"][0]["time"] == "2023-11-14T22:13:20+00:00"
    rest = await do(slack, "search", query="jam", limit=2, page=first["next"])
    assert ([one["text"] for one in rest["messages"]], rest["next"]) == (["jam 2"], None)


async def test_says_what_searching_needs(server: SlackServer) -> None:
    async with connected(Slack, f"{server.url}/api", {"slackbot_token": TOKEN}) as slack:
        with pytest.raises(ToolFailed, match="add a user token"):
            await do(slack, "search", query="jam")


async def test_shares_a_file_of_the_conversation(slack: Slack, server: SlackServer) -> None:
    made = await do(slack, "upload_file", channel="ops", file="report.csv", comment="Here")
    (sent,) = [one for one in server.requests if one.path.startswith("/upload/")]
    assert sent.body == b"a,b\n1,2\n"
    assert "Authorization" not in sent.headers
    read = await do(slack, "read_history", channel="ops")
    assert [one["files"] for one in read["messages"] if one["files"]] == [["report.csv"]]
    assert made["id"].startswith("F")
    with pytest.raises(ToolFailed, match="no file 'other'"):
        await do(slack, "upload_file", channel="ops", file="other")


async def test_reacting_twice_is_reacting_once(slack: Slack) -> None:
    made = await do(slack, "post", channel="ops", text="x")
    for _ in range(2):
        await do(slack, "react", channel="ops", message=made["message"], emoji=":eyes:")
    read = await do(slack, "read_history", channel="ops")
    (said,) = [one for one in read["messages"] if one["id"] == made["message"]]
    assert said["reactions"] == {"eyes": 1}


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"error": "missing_scope", "needed": "chat:write"}, ToolFailed, "the scope chat:write"),
        ({"error": "not_in_channel"}, ToolFailed, "a person must invite it"),
        ({"error": "token_revoked"}, ConnectionRefused, "token_revoked"),
        ({"error": "internal_error"}, Unclear, "may have acted"),
        (
            {"error": "invalid_arguments", "response_metadata": {"messages": ["text: too long"]}},
            ToolFailed,
            "text: too long",
        ),
    ],
)
async def test_refusals_say_what_to_do(
    slack: Slack,
    server: SlackServer,
    error: dict[str, object],
    kind: type[Exception],
    words: str,
) -> None:
    server.refusals["/api/chat.postMessage"] = Refused(200, {"ok": False} | error)
    with pytest.raises(kind, match=words):
        await do(slack, "post", channel="ops", text="x")


async def test_a_wrong_token_is_refused(server: SlackServer) -> None:
    values = {"slackbot_token": "xoxb-wrong-token"}
    async with connected(Slack, f"{server.url}/api", values) as slack:
        with pytest.raises(ConnectionRefused) as error:
            await slack.account()
    assert "xoxb-wrong-token" not in str(error.value)


async def test_an_old_oauth_token_is_renewed_though_the_answer_is_200(server: SlackServer) -> None:
    async with connected(Slack, f"{server.url}/api", token=Grant(["xoxe-old", TOKEN])) as slack:
        assert await slack.account()


async def test_waits_when_it_is_told_to(slack: Slack, server: SlackServer) -> None:
    server.busy = 1
    assert await slack.account()
    server.busy, server.wait = 1, "30"
    with pytest.raises(ToolFailed, match="wait 30 s"):
        await slack.account()


@pytest.mark.parametrize(
    ("markdown", "there"),
    [
        ("# Head\n\n**b** *i* ~~s~~ `c<`", "*Head*\n\n*b* _i_ ~s~ `c&lt;`"),
        ("- a\n- b\n  1. c", "• a\n• b\n   1. c"),
        ("> said\n> so", "> said so"),
        ("```py\na < b\n```", "```\na &lt; b\n```"),
        ("[t|x](http://x.example/|y)", "<http://x.example/%7Cy|t|x>"),
        ("<@U0123ABC> and <!channel>", "<@U0123ABC> and &lt;!channel&gt;"),
        ("| a |\n| - |\n| 1 |", "```\n| a |\n| --- |\n| 1 |\n```"),
        ("***both***", "*_both_*"),
    ],
)
def test_markdown_becomes_what_slack_shows(markdown: str, there: str) -> None:
    assert mrkdwn.from_markdown(markdown) == there
