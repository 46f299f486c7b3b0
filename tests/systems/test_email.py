"""Mail: sent to aiosmtpd, read from a small IMAP server."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.tools.email import Email
from tests.systems.connect import connected, do
from tests.systems.imap_server import PASSWORD, USER, ImapServer, imap_server

# It is this very machine.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

LETTER = """\
From: Grace Hopper <grace@example.com>\r
To: ada@example.com\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r
Date: Sat, 21 Nov 2026 08:00:00 +0000\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=x\r
\r
--x\r
Content-Type: text/html; charset=utf-8\r
\r
<p>The <b>printer</b> is fixed</p>\r
--x\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename=bill.pdf\r
\r
%PDF\r
--x--\r
"""
PLAIN = "From: Bob <bob@example.com>\r\nSubject: Lunch\r\n\r\nAt noon?\r\n"


@dataclass
class Inbox:
    """What an SMTP server took."""

    port: int = 0
    taken: list[Envelope] = field(default_factory=list[Envelope])
    refuse: str = ""

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:  # noqa: ANN401, N802 (theirs)
        if self.refuse:
            return self.refuse
        self.taken.append(envelope)
        return "250 taken"


def _let_in(*arguments: Any) -> AuthResult:  # noqa: ANN401 (theirs)
    data = arguments[-1]
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
async def smtp() -> AsyncGenerator[Inbox]:
    inbox = Inbox()

    loop = asyncio.get_running_loop()
    auth: dict[str, Any] = {"authenticator": _let_in, "auth_require_tls": False}

    def serve() -> SMTP:
        return SMTP(inbox, hostname="localhost", loop=loop, auth_required=True, **auth)

    server = await loop.create_server(serve, "127.0.0.1", 0)
    inbox.port = server.sockets[0].getsockname()[1]
    yield inbox
    server.close()


def values(**more: object) -> dict[str, str]:
    given = {"username": USER, "password": PASSWORD, **{k: str(v) for k, v in more.items()}}
    return Email.auth().strategy(None).check(given)


def by_smtp(inbox: Inbox) -> dict[str, str]:
    return values(smtp_host="127.0.0.1", smtp_port=inbox.port, smtp_security="none")


def by_imap(server: ImapServer) -> dict[str, str]:
    return values(imap_host="127.0.0.1", imap_port=server.port, imap_security="none")


async def test_sends(smtp: Inbox) -> None:
    async with connected(Email, None, by_smtp(smtp)) as email:
        assert await email.account() == USER
        assert smtp.taken == []
        asked: dict[str, Any] = {"to": ["grace@example.com"], "cc": ["bob@example.com"]}
        sent = await do(email, "send_mail", **asked, subject="Grüße\r\nBcc: x@y.z", text="Hé")
    (envelope,) = smtp.taken
    assert envelope.rcpt_tos == ["grace@example.com", "bob@example.com"]
    assert envelope.mail_from == USER
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == "Grüße Bcc: x@y.z"
    assert message["Bcc"] is None
    assert message["Message-ID"] == sent["message_id"]
    assert message.get_content().strip() == "Hé"


@pytest.mark.parametrize("address", ["grace", "a@b\r\nRCPT TO:<x@y.z>", "a b@c.d", ""])
async def test_an_address_that_is_none(smtp: Inbox, address: str) -> None:
    async with connected(Email, None, by_smtp(smtp)) as email:
        with pytest.raises(ToolFailed):
            await do(email, "send_mail", to=[address], subject="x", text="x")
    assert smtp.taken == []


async def test_a_letter_that_is_refused(smtp: Inbox) -> None:
    smtp.refuse = "554 looks like spam"
    async with connected(Email, None, by_smtp(smtp)) as email:
        with pytest.raises(ToolFailed, match="looks like spam"):
            await do(email, "send_mail", to=["a@b.example"], subject="x", text="x")


async def test_searches_and_reads() -> None:
    async with imap_server() as server:
        server.mails = [LETTER.encode(), PLAIN.encode()]
        server.seen = {2}
        async with connected(Email, None, by_imap(server)) as email:
            assert await email.account() == USER
            assert await do(email, "list_folders") == ["INBOX", "Sent mail"]
            everything = await do(email, "search_mail")
            assert [one["uid"] for one in everything] == [2, 1]
            assert everything[1]["subject"] == "Grüße"
            assert [one["unread"] for one in everything] == [False, True]
            asked: dict[str, Any] = {"words": 'the "printer', "since": "2026-11-01"}
            assert await do(email, "search_mail", **asked, unread=True) == []
            found = await do(email, "search_mail", words="printer", sender="grace", unread=True)
            assert [one["uid"] for one in found] == [1]
            letter = await do(email, "read_mail", uid=1)
            assert letter["text"] == "The printer is fixed"
            assert letter["attachments"] == ["bill.pdf"]
            assert (await do(email, "read_mail", uid=2))["text"].strip() == "At noon?"
            with pytest.raises(ToolFailed, match="no mail 9"):
                await do(email, "read_mail", uid=9)
            with pytest.raises(ToolFailed, match="no such mailbox"):
                await do(email, "search_mail", folder="Secrets")


@pytest.mark.parametrize("text", ["x\r\nA1 DELETE INBOX", "x\n", "\0"])
async def test_no_word_becomes_a_command(text: str) -> None:
    async with imap_server() as server, connected(Email, None, by_imap(server)) as email:
        for field_name in ("words", "sender", "folder"):
            with pytest.raises(ToolFailed):
                await do(email, "search_mail", **{field_name: text})
        assert not any("DELETE" in line for line in server.commands)


async def test_a_wrong_password(smtp: Inbox) -> None:
    async with connected(Email, None, by_smtp(smtp) | {"password": "wrong"}) as email:
        with pytest.raises(ConnectionRefused):
            await email.account()
    async with imap_server() as server:
        assert server.commands == []
        wrong = by_imap(server) | {"password": "wrong"}
        async with connected(Email, None, wrong) as email:
            with pytest.raises(ConnectionRefused, match="Invalid credentials"):
                await email.account()


async def test_a_server_without_tls_gets_no_password(smtp: Inbox) -> None:
    async with imap_server() as server:
        for security in ("tls", "starttls"):
            both = by_imap(server) | {"imap_security": security}
            async with connected(Email, None, both) as email:
                with pytest.raises(ToolFailed):
                    await email.account()
            async with connected(Email, None, by_smtp(smtp) | {"smtp_security": security}) as email:
                with pytest.raises(ToolFailed):
                    await email.account()
        assert not any(PASSWORD in line for line in server.commands)


async def test_what_a_connection_does_not_name() -> None:
    async with connected(Email, None, values()) as email:
        with pytest.raises(ToolFailed, match="no IMAP server"):
            await do(email, "list_folders")
        with pytest.raises(ToolFailed, match="name an SMTP server"):
            await email.account()
