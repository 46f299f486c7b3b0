from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.github import GitHub
from tests.systems.connect import Grant, connected, do
from tests.systems.emulated import Emulators
from tests.systems.github_server import REPOSITORY, TOKEN, GitHubServer, github_server
from tests.systems.served import Refused


@pytest.fixture
async def server(emulated: Emulators) -> AsyncGenerator[GitHubServer]:
    async with github_server(emulated) as served:
        yield served


@pytest.fixture
async def github(server: GitHubServer) -> AsyncGenerator[GitHub]:
    async with connected(GitHub, server.url, {"github_token": TOKEN}) as system:
        yield system


async def test_says_who_and_where(github: GitHub, server: GitHubServer) -> None:
    assert await github.account() == f"Ada Lovelace (ada) at {server.url}"
    assert server.last.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert server.last.headers["User-Agent"]


async def test_writes_issues_and_comments_and_reads_them(github: GitHub) -> None:
    fields = {"title": "It jams", "body": "The *printer*.", "assignees": ["ada"]}
    made = await do(github, "create_issue", repository=REPOSITORY, **fields)
    assert made["url"].endswith(f"/ada/engine/issues/{made['number']}")
    where = {"repository": REPOSITORY, "number": made["number"]}
    said = await do(github, "comment", **where, text="Seen")
    assert said["url"].startswith(made["url"])
    read = await do(github, "read_issue", **where)
    assert (read["title"], read["text"], read["state"]) == ("It jams", "The *printer*.", "open")
    assert (read["kind"], read["author"], read["assignees"]) == ("issue", "ada", ["ada"])
    assert [(one["author"], one["text"]) for one in read["comments"]] == [("ada", "Seen")]


async def test_searches_issues_page_by_page(github: GitHub) -> None:
    for number in range(3):
        await do(github, "create_issue", repository=REPOSITORY, title=f"printer {number}")
    query = f"printer repo:{REPOSITORY} is:issue"
    first = await do(github, "search_issues", query=query, limit=2)
    rest = await do(github, "search_issues", query=query, limit=2, page=first["next"])
    found = [one["title"] for one in [*first["issues"], *rest["issues"]]]
    assert sorted(found) == ["printer 0", "printer 1", "printer 2"]
    assert (first["total"], rest["next"]) == (3, None)


async def test_finds_and_reads_code(github: GitHub, server: GitHubServer) -> None:
    server.put("src/dates of/parse.py", b"def parse_date(text): ...\n")
    found = await do(github, "search_code", query=f"parse_date repo:{REPOSITORY}")
    assert [one["path"] for one in found["files"]] == ["src/dates of/parse.py"]
    file = found["files"][0]["path"]
    read = await do(github, "read_file", repository=REPOSITORY, file=file)
    assert read["text"] == "def parse_date(text): ...\n"
    folder = await do(github, "read_file", repository=REPOSITORY, file="src/dates of")
    assert [one["path"] for one in folder["entries"]] == [file]
    top = await do(github, "read_file", repository=REPOSITORY)
    assert {"README.md", "src"} <= {one["path"] for one in top["entries"]}


async def test_says_where_a_long_file_is_cut(github: GitHub, server: GitHubServer) -> None:
    server.put("long.txt", b"x" * 70_000)
    read = await do(github, "read_file", repository=REPOSITORY, file="long.txt")
    assert read["text"].endswith("x\n\n[The file goes on: 10000 more characters.]")


async def test_saves_what_is_no_text(server: GitHubServer) -> None:
    server.put("logo.png", b"\x89PNG\xff")
    files = MemoryFiles()
    values = {"github_token": TOKEN}
    async with connected(GitHub, server.url, values, files=files) as github:
        read = await do(github, "read_file", repository=REPOSITORY, file="logo.png")
    assert read["saved_as"] == "logo.png"
    assert await files.read("logo.png") == b"\x89PNG\xff"


async def test_opens_a_pull_request(github: GitHub, server: GitHubServer) -> None:
    server.branch("fix")
    server.put("fix.txt", b"fixed", "fix")
    fields = {"title": "Fix it", "head": "fix", "base": "main", "draft": True}
    made = await do(github, "open_pull_request", repository=REPOSITORY, **fields)
    found = await do(github, "search_issues", query=f"repo:{REPOSITORY} is:pr")
    (one,) = found["issues"]
    assert (one["number"], one["title"], one["kind"]) == (made["number"], "Fix it", "pull request")
    wrong = {"message": "Validation Failed", "errors": [{"field": "head", "code": "invalid"}]}
    server.refusals[f"/repos/{REPOSITORY}/pulls"] = Refused(422, wrong)
    with pytest.raises(ToolFailed, match=r"422.*head.*invalid"):
        await do(github, "open_pull_request", repository=REPOSITORY, **fields | {"head": "none"})


@pytest.mark.parametrize("file", ["none.txt", "../../../user"])
async def test_says_what_is_not_there(github: GitHub, file: str) -> None:
    with pytest.raises(ToolFailed, match=r"no such thing|cannot be the name"):
        await do(github, "read_file", repository=REPOSITORY, file=file)


@pytest.mark.parametrize("repository", ["engine", "ada/..", "/"])
async def test_wants_owner_and_name(github: GitHub, repository: str) -> None:
    with pytest.raises(ToolFailed, match="cannot be the name"):
        await do(github, "read_issue", repository=repository, number=1)


async def test_says_when_a_limit_ends(github: GitHub, server: GitHubServer) -> None:
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767225600"}
    server.refusals["/user"] = Refused(403, {"message": "API rate limit exceeded"}, spent)
    with pytest.raises(ToolFailed, match=r"used up until 2026-01-01T00:00:00\+00:00"):
        await github.account()
    server.busy, server.wait = 1, "60"
    with pytest.raises(ToolFailed, match="asked too often; wait 60 s"):
        await github.account()


async def test_names_the_permission_that_is_missing(github: GitHub, server: GitHubServer) -> None:
    place = f"/repos/{REPOSITORY}/issues"
    words = {"message": "Resource not accessible by personal access token"}
    needs = {"X-Accepted-GitHub-Permissions": "issues=write"}
    server.refusals[place] = Refused(403, words, needs)
    with pytest.raises(ToolFailed, match="it needs issues=write") as error:
        await do(github, "create_issue", repository=REPOSITORY, title="x")
    assert not isinstance(error.value, ConnectionRefused)


async def test_a_wrong_token_is_refused(server: GitHubServer) -> None:
    async with connected(GitHub, server.url, {"github_token": "ghp_wrong_token"}) as github:
        with pytest.raises(ConnectionRefused) as error:
            await github.account()
    assert "ghp_wrong_token" not in str(error.value)


async def test_oauth_and_enterprise(server: GitHubServer) -> None:
    async with connected(GitHub, server.url, token=Grant(["old", TOKEN])) as github:
        assert await github.account()
    values = {"github_token": TOKEN, "github_url": server.url}
    async with connected(GitHub, None, values) as github:
        assert await github.account()
