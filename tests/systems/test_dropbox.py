from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.dropbox import Dropbox
from tests.systems.connect import Grant, connected, do
from tests.systems.dropbox_server import TOKEN, DropboxServer, conflict, dropbox_server


@pytest.fixture
async def server() -> AsyncGenerator[DropboxServer]:
    async with dropbox_server() as served:
        yield served


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles({"räport.csv": (b"a,b\n1,2\n", "text/csv")})


@pytest.fixture
async def dropbox(server: DropboxServer, files: MemoryFiles) -> AsyncGenerator[Dropbox]:
    values = {"dropbox_token": TOKEN}
    async with connected(Dropbox, server.url, values, files=files) as system:
        yield system


async def test_says_who_and_where(dropbox: Dropbox) -> None:
    assert await dropbox.account() == "Ada Lovelace (ada@acme.example) at Dropbox"


async def test_lists_page_by_page(dropbox: Dropbox, server: DropboxServer) -> None:
    server.files = {f"/Plans/{n}.md": b"x" for n in range(4)} | {"/Plans/old/a.md": b"x"}
    (top,) = (await do(dropbox, "list_files", folder="/"))["files"]
    assert (top["path"], top["type"]) == ("/Plans", "folder")
    first = await do(dropbox, "list_files", folder="Plans", limit=3)
    rest = await do(dropbox, "list_files", folder="Plans", page=first["next"])
    found = [(one["path"], one["type"]) for one in [*first["files"], *rest["files"]]]
    files = [(f"/Plans/{n}.md", "file") for n in range(4)]
    assert found == [*files, ("/Plans/old", "folder")]
    assert rest["next"] == ""


async def test_searches_names_and_contents(dropbox: Dropbox, server: DropboxServer) -> None:
    names = [f"/Plans/jam {n}.md" for n in range(2)] + ["/Plans/z.md"]
    server.files = dict.fromkeys(names, b"The jam") | {"/b.md": b"jam", "/Plans/c.md": b"no"}
    first = await do(dropbox, "search", query="JAM", folder="/Plans/", limit=2)
    rest = await do(dropbox, "search", query="JAM", folder="/Plans/", page=first["next"])
    assert [one["path"] for one in [*first["files"], *rest["files"]]] == names


async def test_reads_text_and_saves_the_rest(
    dropbox: Dropbox, server: DropboxServer, files: MemoryFiles
) -> None:
    server.files = {"/Größe.md": b"# Plan", "/logo.png": b"\x89PNG\xff"}
    read = await do(dropbox, "read", file="Größe.md")
    assert (read["name"], read["text"], read["size"]) == ("Größe.md", "# Plan", 6)
    assert (await do(dropbox, "read", file="id:/logo.png"))["saved_as"] == "logo.png"
    assert await files.read("logo.png") == b"\x89PNG\xff"


async def test_reads_what_can_only_be_exported(dropbox: Dropbox, server: DropboxServer) -> None:
    server.exports["/Minutes.paper"] = ("Minutes.md", b"# Minutes")
    read = await do(dropbox, "read", file="/Minutes.paper")
    assert (read["name"], read["text"]) == ("Minutes.md", "# Minutes")


async def test_uploading_twice_is_uploading_once(dropbox: Dropbox, server: DropboxServer) -> None:
    for _ in range(2):
        made = await do(dropbox, "upload", file="räport.csv", folder="/Plans")
        assert made == {"id": "id:/Plans/räport.csv", "path": "/Plans/räport.csv"}
    assert server.files == {"/Plans/räport.csv": b"a,b\n1,2\n"}


async def test_replaces_only_when_told_to(dropbox: Dropbox, server: DropboxServer) -> None:
    server.files["/räport.csv"] = b"old"
    with pytest.raises(ToolFailed, match="another file is there already"):
        await do(dropbox, "upload", file="räport.csv")
    assert server.files["/räport.csv"] == b"old"
    await do(dropbox, "upload", file="räport.csv", replace=True)
    assert server.files["/räport.csv"] == b"a,b\n1,2\n"


async def test_refusals_say_what_to_do(dropbox: Dropbox, server: DropboxServer) -> None:
    with pytest.raises(ToolFailed, match="no such file or folder"):
        await do(dropbox, "read", file="/none.md")
    with pytest.raises(ToolFailed, match="no such file or folder"):
        await do(dropbox, "list_files", folder="/none")
    with pytest.raises(ToolFailed, match="list the folder again"):
        await do(dropbox, "list_files", page="cursor-none")
    server.refusals["/2/files/list_folder"] = conflict("path/restricted_content")
    with pytest.raises(ToolFailed, match="refused it: path/restricted_content"):
        await do(dropbox, "list_files")
    server.busy, server.wait = 1, "300"
    with pytest.raises(ToolFailed, match="wait 300 s"):
        await dropbox.account()


async def test_a_missing_permission_is_named_and_no_dead_connection(
    dropbox: Dropbox, server: DropboxServer
) -> None:
    server.scopes = set()
    with pytest.raises(ToolFailed, match=r"lacks the permission files\.content\.write") as error:
        await do(dropbox, "upload", file="räport.csv")
    assert not isinstance(error.value, ConnectionRefused)


async def test_a_wrong_token_is_refused(server: DropboxServer) -> None:
    async with connected(Dropbox, server.url, {"dropbox_token": "sl.wrong-token"}) as dropbox:
        with pytest.raises(ConnectionRefused) as error:
            await dropbox.account()
    assert "sl.wrong-token" not in str(error.value)


async def test_oauth(server: DropboxServer) -> None:
    async with connected(Dropbox, server.url, token=Grant(["sl.old", TOKEN])) as dropbox:
        assert await dropbox.account()
