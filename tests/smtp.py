"""A mail server that keeps what it is given, and refuses what it is told to."""

import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """`answers`: what to say to a recipient instead of taking the mail."""

    answers: dict[str, str] = field(default_factory=dict[str, str])
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list[tuple[str, EmailMessage]])
    senders: list[str] = field(default_factory=list[str])
    over_tls: list[bool] = field(default_factory=list[bool])
    url: str = ""

    async def handle_RCPT(  # noqa: N802, PLR0913, PLR0917 (aiosmtpd asks for it)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if refusal := self.answers.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd asks for it)
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken += [(address, message) for address in envelope.rcpt_tos]
        self.senders.append(envelope.mail_from or "")
        self.over_tls.append(session.ssl is not None)
        return "250 OK"


def _check(_server: object, _session: object, _envelope: object, _how: str, data: Any) -> AuthResult:
    right = LoginPassword(b"monster", b"s:cret/@1")
    return AuthResult(success=data == right)


def certificate(folder: Path) -> ssl.SSLContext:
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    files = ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=localhost"]
    subprocess.run([*command, *files], check=True, capture_output=True)  # noqa: S603
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


@asynccontextmanager
async def serving(
    tls: ssl.SSLContext | None = None, *, auth: bool = False
) -> AsyncGenerator[Mailbox]:
    """On a port of its own. With `tls`, STARTTLS is offered; with `auth`, a password demanded."""
    mailbox = Mailbox()
    more: dict[str, Any] = {"tls_context": tls} if tls else {}
    if auth:
        more |= {"authenticator": _check, "auth_required": True, "auth_require_tls": bool(tls)}
    controller = Controller(mailbox, hostname="127.0.0.1", port=0, **more)
    controller.start()
    port = controller.server.sockets[0].getsockname()[1]
    mailbox.url = f"127.0.0.1:{port}"
    try:
        yield mailbox
    finally:
        controller.stop()
