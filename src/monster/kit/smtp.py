"""Sends mail through somebody's SMTP server, and tells what is worth trying again."""

import asyncio
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, make_msgid, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from monster.kit import clock, logs

_STEP = 20  # seconds that one answer of the server may take
_WHOLE = 90  # seconds for all of it
_PORTS = {"smtp": 587, "smtps": 465}


class BadSmtpUrl(ValueError):
    """Says what is wrong, without the password."""


class MailDelayed(Exception):
    """It was not taken; later it may be."""


class MailRefused(Exception):
    """It will never be taken."""


@dataclass(frozen=True, slots=True)
class Mail:
    recipient: str
    subject: str
    text: str
    html: str


class SmtpServer:
    """Where mails go. The password is sent in the clear to this very machine only."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise BadSmtpUrl("it must look like smtp://user:password@host:587 or smtps://…")
        self._host = parts.hostname
        try:
            self._port = parts.port or _PORTS[parts.scheme]
        except ValueError as error:
            raise BadSmtpUrl("its port is not a number") from error
        self._tls = parts.scheme == "smtps"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        if self._password:
            logs.hide(self._password)
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Raises MailDelayed or MailRefused."""
        message = make_message(mail, self._sender)
        _, sender = parseaddr(self._sender)
        try:
            async with asyncio.timeout(_WHOLE):
                await self._hand_over(message, sender, mail.recipient)
        except (SMTPException, OSError) as error:
            raise _judge(error) from error
        except ValueError as error:  # of an address that the protocol has no way to say
            raise MailRefused(one_line(str(error))[:200]) from error

    async def _hand_over(self, message: EmailMessage, sender: str, recipient: str) -> None:
        here = _is_here(self._host)
        opportunistic = None  # TLS if it is offered
        await aiosmtplib.send(
            message,
            sender=sender,
            recipients=[recipient],
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            timeout=_STEP,
            use_tls=self._tls,
            start_tls=False if self._tls else (opportunistic if here or not self._user else True),
            validate_certs=not here,
        )


def make_message(mail: Mail, sender: str) -> EmailMessage:
    """Raises MailRefused if the recipient's address is none that mail can be sent to."""
    message = EmailMessage(policy=WIRE)
    name, address = parseaddr(sender)
    try:
        local, _, domain = mail.recipient.rpartition("@")
        message["To"] = Address(username=local, domain=domain)
        message["From"] = Address(name, addr_spec=address)
        message["Subject"] = one_line(mail.subject)
    except (ValueError, IndexError) as error:  # what the parser raises for oddities
        raise MailRefused("the address cannot be written down") from error
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def one_line(text: str) -> str:
    """A name may have anything in it; a header ends at the end of its line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _judge(error: Exception) -> MailDelayed | MailRefused:
    """5xx about this mail is for good. Who we are, the admin may mend; all else may pass."""
    if isinstance(error, SMTPRecipientsRefused):
        codes = [refusal.code for refusal in error.recipients]
        final = all(code >= 500 for code in codes)
        return _said(final=final, text=f"the recipient was refused ({codes})")
    ours = SMTPAuthenticationError | SMTPConnectResponseError
    if isinstance(error, SMTPResponseException) and not isinstance(error, ours):
        return _said(final=error.code >= 500, text=f"{error.code} {one_line(error.message)[:200]}")
    return MailDelayed(f"{type(error).__name__}: {one_line(str(error))[:200]}")


def _said(*, final: bool, text: str) -> MailDelayed | MailRefused:
    return MailRefused(text) if final else MailDelayed(text)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
