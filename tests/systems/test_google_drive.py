from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.google_drive import GoogleDrive
from tests.systems.connect import Grant, connected, do
from tests.systems.emulated import Emulators
from tests.systems.google_server import TOKEN, USER, GoogleServer, google_server, refused

OWN = "application/vnd.google-apps."


def item(number: str, name: str, kind: str, parent: str = "root") -> dict[str, object]:
    known: dict[str, object] = {"id": number, "user_email": USER, "name": name, "mime_type": kind}
    return known | {"parent_ids": [parent]}


ITEMS = [
    item("folder", "Plans", f"{OWN}folder"),
    item("doc", "Charter", f"{OWN}document", "folder"),
    item("sheet", "Costs", f"{OWN}spreadsheet", "folder"),
    item("drawing", "Sketch", f"{OWN}drawing"),
]


@pytest.fixture
async def server(emulated: Emulators) -> AsyncGenerator[GoogleServer]:
    async with google_server(emulated, {"drive_items": ITEMS}) as served:
        yield served


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles({"logo.png": (b"\x89PNG\xff", "image/png")})


@pytest.fixture
async def drive(server: GoogleServer, files: MemoryFiles) -> AsyncGenerator[GoogleDrive]:
    async with connected(GoogleDrive, server.url, files=files, token=Grant([TOKEN])) as system:
        yield system


async def test_says_who_and_where(drive: GoogleDrive) -> None:
    assert await drive.account() == "Ada Lovelace (ada@acme.example) at Google Drive"


async def test_lists_folders_page_by_page(drive: GoogleDrive) -> None:
    first = await do(drive, "list_files", folder="folder", limit=1)
    rest = await do(drive, "list_files", folder="folder", limit=1, page=first["next"])
    found = [(one["name"], one["type"]) for one in [*first["files"], *rest["files"]]]
    assert found == [("Charter", "document"), ("Costs", "spreadsheet")]
    assert rest["next"] is None


async def test_reads_googles_own_kinds_as_text(drive: GoogleDrive, server: GoogleServer) -> None:
    server.exports = {
        ("doc", "text/markdown"): b"\xef\xbb\xbf# Charter",
        ("sheet", "text/csv"): b"a,b\n1,2",
        ("drawing", "application/pdf"): b"%PDF",
    }
    assert (await do(drive, "read", file="doc"))["text"] == "# Charter"
    assert (await do(drive, "read", file="sheet"))["text"] == "a,b\n1,2"


async def test_saves_what_is_no_text(
    drive: GoogleDrive, server: GoogleServer, files: MemoryFiles
) -> None:
    server.exports[("drawing", "application/pdf")] = b"%PDF"
    assert (await do(drive, "read", file="drawing"))["saved_as"] == "Sketch.pdf"
    assert files.files["Sketch.pdf"] == (b"%PDF", "application/pdf")


async def test_uploads_a_file_byte_by_byte(drive: GoogleDrive, files: MemoryFiles) -> None:
    made = await do(drive, "upload", file="logo.png", folder="folder")
    files.files.clear()
    read = await do(drive, "read", file=made["id"])
    assert (read["name"], read["size"], read["saved_as"]) == ("logo.png", 5, "logo.png")
    assert await files.read("logo.png") == b"\x89PNG\xff"


async def test_creates_documents_of_markdown(drive: GoogleDrive, server: GoogleServer) -> None:
    made = await do(drive, "create", name="Minutes", text="# Ünder", folder="folder")
    sent = server.last
    assert sent.query["uploadType"] == "multipart"
    assert sent.headers["Content-Type"].startswith("multipart/related; boundary=")
    listed = await do(drive, "list_files", folder="folder")
    found = {one["id"]: one["type"] for one in listed["files"]}
    assert found[made["id"]] == "document"
    assert b"Content-Type: text/markdown" in sent.body


async def test_creates_plain_text(drive: GoogleDrive) -> None:
    made = await do(drive, "create", name="a.txt", text="Ünder", type="text")
    assert (await do(drive, "read", file=made["id"]))["text"] == "Ünder"


async def test_words_cannot_leave_their_quotes(drive: GoogleDrive, server: GoogleServer) -> None:
    await do(drive, "search", text="it's \\ here")
    said = "it\\'s \\\\ here"
    assert server.last.query["q"] == (
        f"(name contains '{said}' or fullText contains '{said}') and trashed = false"
    )


async def test_says_what_cannot_be_read(drive: GoogleDrive, server: GoogleServer) -> None:
    with pytest.raises(ToolFailed, match="is a folder: use list_files"):
        await do(drive, "read", file="folder")
    with pytest.raises(ToolFailed, match="no such thing"):
        await do(drive, "read", file="none")
    with pytest.raises(ToolFailed, match="conversion is not supported"):
        await do(drive, "read", file="doc")
    words = "Request had insufficient authentication scopes."
    server.refusals["/drive/v3/about"] = refused(403, "insufficientPermissions", words)
    with pytest.raises(ToolFailed, match="auth/drive"):
        await drive.account()


async def test_a_dead_grant_is_refused(server: GoogleServer) -> None:
    async with connected(GoogleDrive, server.url, token=Grant(["ya29.wrong"])) as drive:
        with pytest.raises(ConnectionRefused):
            await drive.account()
