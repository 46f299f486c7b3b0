"""Mail servers that others chose: the socket goes to an address that was checked."""

import asyncio
import socket
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import NamedTuple

import aiosmtplib
from aiosmtplib.errors import SMTPAuthenticationError, SMTPException, SMTPServerDisconnected

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear
from monster.kit import clock, outbound_sockets
from monster.kit.addresses import Guard
from monster.kit.smtp import one_line

ANSWER = 20  # seconds for one answer
WHOLE = 60  # seconds for all of it


class Account(NamedTuple):
    user: str
    password: str
    address: str


@dataclass(frozen=True, slots=True)
class Place:
    """`security`: tls, starttls or none. The certificate is that of `host`."""

    guard: Guard
    host: str
    port: int
    security: str

    async def connect(self) -> socket.socket:
        """Raises ToolFailed."""
        try:
            return await outbound_sockets.connect(self.guard, self.host, self.port)
        except OSError as error:  # also Blocked, TimeoutError
            raise ToolFailed(f"{self.host} cannot be reached: {error or 'silent'}") from error


class Letter(NamedTuple):
    to: list[str]
    cc: list[str]
    subject: str
    text: str

    def message(self, sender: str) -> EmailMessage:
        """Raises ToolFailed if an address is none."""
        made = EmailMessage(policy=policy.SMTP)
        try:
            made["From"] = Address(addr_spec=sender)
            made["To"] = [Address(addr_spec=one) for one in self.to]
            if self.cc:
                made["Cc"] = [Address(addr_spec=one) for one in self.cc]
            made["Subject"] = one_line(self.subject)
        except (ValueError, IndexError) as error:  # what the parser raises for oddities
            raise ToolFailed(f"an address cannot be written down: {error}") from error
        made["Date"] = format_datetime(clock.now())
        made["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
        made.set_content(self.text)
        return made


async def send(account: Account, place: Place, letter: Letter | None) -> str:
    """Its message id; without a letter, only signs in. Raises what `effects` has."""
    message = letter.message(account.address) if letter else None
    sock = await place.connect()
    client = aiosmtplib.SMTP(
        hostname=place.host,
        sock=sock,
        timeout=ANSWER,
        use_tls=place.security == "tls",
        start_tls=place.security == "starttls",
    )
    sent = False
    try:
        async with asyncio.timeout(WHOLE), client:
            await client.login(account.user, account.password)
            if message and letter:
                recipients = [*letter.to, *letter.cc]
                sent = True
                await client.send_message(message, sender=account.address, recipients=recipients)
    except SMTPAuthenticationError as error:
        raise ConnectionRefused(f"{place.host} refuses the password: {error.message}") from error
    except (SMTPException, OSError, ValueError) as error:  # also TimeoutError
        lost = isinstance(error, SMTPServerDisconnected | TimeoutError)
        kind = Unclear if sent and lost else ToolFailed
        raise kind(f"{place.host} did not take it: {one_line(str(error))[:300]}") from error
    finally:
        sock.close()
    return str(message["Message-ID"]) if message else ""
