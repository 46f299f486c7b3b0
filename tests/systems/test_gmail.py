import email
import email.policy
from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.toolkit.formats import html, mail
from monster.engine.tools.gmail import Gmail
from tests.systems.connect import Grant, connected, do
from tests.systems.emulated import Emulators
from tests.systems.google_server import TOKEN, USER, GoogleServer, google_server, refused

LETTER = {
    "id": "letter",
    "user_email": USER,
    "from": "Grace Hopper <grace@acme.example>",
    "to": USER,
    "subject": "The printer",
    "body_text": "It jams.",
    "label_ids": ["INBOX", "UNREAD"],
}


@pytest.fixture
async def server(emulated: Emulators) -> AsyncGenerator[GoogleServer]:
    label = {"id": "Label_ops", "user_email": USER, "name": "Ops/Review"}
    async with google_server(emulated, {"messages": [LETTER], "labels": [label]}) as served:
        yield served


@pytest.fixture
async def gmail(server: GoogleServer) -> AsyncGenerator[Gmail]:
    report = (b"a,b\n1,2\n", "text/csv")
    files = MemoryFiles({"räport.csv": report, "report.csv": report})
    async with connected(Gmail, server.url, files=files, token=Grant([TOKEN])) as system:
        yield system


async def test_says_who_and_where(gmail: Gmail) -> None:
    assert await gmail.account() == "ada@acme.example at Gmail"


async def test_finds_and_reads(gmail: Gmail) -> None:
    found = await do(gmail, "search", query="from:grace printer")
    (one,) = found["messages"]
    assert (one["id"], one["subject"], one["snippet"]) == ("letter", "The printer", "It jams.")
    assert (one["from"], one["labels"]) == (LETTER["from"], ["INBOX", "UNREAD"])
    read = await do(gmail, "read", message="letter")
    assert (read["text"], read["attachments"]) == ("It jams.", [])
    assert (await do(gmail, "search", query="from:nobody"))["messages"] == []


async def test_finds_page_by_page(gmail: Gmail) -> None:
    for number in range(2):
        await do(gmail, "send", to=USER, subject=f"number {number}", text="x")
    first = await do(gmail, "search", limit=2)
    rest = await do(gmail, "search", limit=2, page=first["next"])
    subjects = {one["subject"] for one in [*first["messages"], *rest["messages"]]}
    assert subjects == {"number 0", "number 1", "The printer"}
    assert rest["next"] is None


async def test_sends_what_arrives_whole(gmail: Gmail, server: GoogleServer) -> None:
    fields = {"to": "Grace <grace@acme.example>", "subject": "Größe", "text": "Ünder\nlines\n"}
    made = await do(gmail, "send", **fields, attachments=["räport.csv"])
    raw = mail.decode(server.last.json["raw"])
    letter = email.message_from_bytes(raw, policy=email.policy.default)
    assert (letter["To"], letter["Subject"]) == (fields["to"], "Größe")
    body, attached = letter.iter_parts()
    assert body.get_content() == "Ünder\nlines\n"
    assert (attached.get_filename(), attached.get_content()) == ("räport.csv", "a,b\n1,2\n")
    assert (await do(gmail, "read", message=made["message"]))["text"] == "Ünder\nlines"


async def test_saves_an_attachment(gmail: Gmail) -> None:
    made = await do(gmail, "send", to=USER, subject="x", text="y", attachments=["report.csv"])
    read = await do(gmail, "read", message=made["message"])
    (attached,) = read["attachments"]
    assert (attached["name"], attached["size"]) == ("report.csv", 8)
    files = gmail.connection.files
    assert isinstance(files, MemoryFiles)
    files.files.clear()
    saved = await do(gmail, "save_attachment", message=made["message"], name="report.csv")
    assert saved == {"saved_as": "report.csv", "size": 8}
    assert files.files == {"report.csv": (b"a,b\n1,2\n", "text/csv")}
    with pytest.raises(ToolFailed, match="no attachment 'other'"):
        await do(gmail, "save_attachment", message=made["message"], name="other")


async def test_answers_in_the_thread(gmail: Gmail, server: GoogleServer) -> None:
    made = await do(gmail, "send", to="grace@acme.example", text="Fixed.", reply_to="letter")
    letter = email.message_from_bytes(mail.decode(server.last.json["raw"]))
    assert letter["Subject"] == "Re: The printer"
    assert letter["In-Reply-To"] == letter["References"] == "<letter@emulate.google.local>"
    threads = [await do(gmail, "read", message=one) for one in ("letter", made["message"])]
    assert threads[0]["thread"] == threads[1]["thread"]


async def test_drafts_are_not_sent(gmail: Gmail, server: GoogleServer) -> None:
    made = await do(gmail, "draft", to="grace@acme.example", subject="Later", text="Soon.")
    kept = server.ask("GET", f"/gmail/v1/users/me/drafts/{made['draft']}")
    assert kept["message"]["labelIds"] == ["DRAFT"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"to": ""}, "whom it is to"),
        ({"to": "grüße@a.example"}, "'grüße@a.example' is no e-mail address"),
        ({"to": "grace"}, "'grace' is no e-mail address"),
        ({"to": "g@a.example", "cc": "nobody"}, "'nobody' is no e-mail address"),
        ({"to": "g@a.example", "subject": "x\nBcc: spy@evil.example"}, "Subject has characters"),
        ({"to": "g@a.example\nBcc: spy@evil.example"}, "To has characters"),
        ({"to": "g@a.example", "attachments": ["none"]}, "no file 'none'"),
    ],
)
async def test_what_cannot_be_sent_is_not_sent(
    gmail: Gmail, server: GoogleServer, fields: dict[str, object], words: str
) -> None:
    with pytest.raises(ToolFailed, match=words):
        await do(gmail, "send", text="x", **fields)
    assert not [one for one in server.requests if one.method == "POST"]


async def test_labels_by_name(gmail: Gmail) -> None:
    assert "Ops/Review" in await do(gmail, "list_labels")
    for _ in range(2):
        await do(gmail, "label", message="letter", add=["ops/review"], remove=["INBOX", "UNREAD"])
        read = await do(gmail, "read", message="letter")
        assert read["labels"] == ["Label_ops"]
    with pytest.raises(ToolFailed, match="no label 'Lost'"):
        await do(gmail, "label", message="letter", add=["Lost"])


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("insufficientPermissions", r"agree to https://www\.googleapis\.com/auth/gmail\.modify"),
        ("accessNotConfigured", "this API is off"),
        ("domainPolicy", "refused it: words of Google"),
    ],
)
async def test_refusals_say_what_to_do(
    gmail: Gmail, server: GoogleServer, reason: str, words: str
) -> None:
    server.refusals["/gmail/v1/users/me/profile"] = refused(403, reason, "words of Google")
    with pytest.raises(ToolFailed, match=words) as error:
        await gmail.account()
    assert not isinstance(error.value, ConnectionRefused)


async def test_says_what_is_not_there_and_what_is_too_often(
    gmail: Gmail, server: GoogleServer
) -> None:
    with pytest.raises(ToolFailed, match="no such thing"):
        await do(gmail, "read", message="none")
    server.busy = 1
    with pytest.raises(ToolFailed, match="too often"):
        await gmail.account()


async def test_a_dead_grant_is_refused(server: GoogleServer) -> None:
    async with connected(Gmail, server.url, token=Grant(["ya29.wrong"])) as gmail:
        with pytest.raises(ConnectionRefused) as error:
            await gmail.account()
    assert "ya29.wrong" not in str(error.value)


def test_letters_in_html_are_read_as_text() -> None:
    said = """<html><head><title>t</title><style>p {}</style></head><body><p>Hello&nbsp;<b>you</b>
    <a href="https://acme.example/x">here</a></p><ul><li>one</li><li>two</li></ul>
    <script>alert(1)</script><a href="javascript:x">bad</a><br>end</body></html>"""
    assert html.to_text(said) == (
        "Hello you [here](https://acme.example/x)\n\n- one\n- two\nbad\nend"
    )


def test_html_is_read_where_there_is_no_text() -> None:
    data = mail.encode(b"<p>Hi</p>")
    part = {"mimeType": "text/html", "body": {"data": data}}
    inner: dict[str, object] = {"mimeType": "multipart/alternative", "body": {}, "parts": [part]}
    assert mail.text({"payload": {"mimeType": "multipart/mixed", "parts": [inner]}}) == "Hi"
