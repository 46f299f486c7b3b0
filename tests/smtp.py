"""A mail server that keeps what it is given, and refuses what it is told to."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monster.kit import clock


@dataclass
class Mailbox:
    """`answers`: what to say to a recipient instead of taking the mail."""

    answers: dict[str, str] = field(default_factory=dict[str, str])
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list[tuple[str, EmailMessage]])
    senders: list[str] = field(default_factory=list[str])
    over_tls: list[bool] = field(default_factory=list[bool])
    host: str = ""

    async def handle_RCPT(  # noqa: N802 (aiosmtpd asks for it)
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


def _check(
    _server: object, _session: object, _envelope: object, _how: str, data: object
) -> AuthResult:
    right = LoginPassword(b"monster", b"s:cret/@1")
    return AuthResult(success=data == right, handled=False)


def certificate(folder: Path) -> ssl.SSLContext:
    """Of a server that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = clock.now()
    cert = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, plain))
    (folder / "cert.pem").write_bytes(cert.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@asynccontextmanager
async def serving(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, auth: bool = False
) -> AsyncGenerator[Mailbox]:
    """On a port of its own. With `starttls` it is offered, with `tls` all is encrypted from the
    first byte, and with `auth` a password is demanded."""
    mailbox = Mailbox()
    more: dict[str, Any] = {"tls_context": starttls} if starttls else {}
    if auth:
        more |= {"authenticator": _check, "auth_required": True}
        more |= {"auth_require_tls": starttls is not None}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", loop=loop, **more), "127.0.0.1", 0, ssl=tls
    )
    mailbox.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield mailbox
    finally:
        server.close()
