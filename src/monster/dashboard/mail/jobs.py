"""Sends letters. One that is sent twice says the same, and only its last link works."""

import logging
from dataclasses import dataclass

from monster.dashboard.mail import service
from monster.dashboard.mail.schemas import SendMail
from monster.dashboard.settings import Settings
from monster.kit import tenancy
from monster.kit.db import SessionMaker
from monster.kit.smtp import Mail, MailRefused, SmtpServer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """How letters leave this installation."""

    public_url: str
    server: SmtpServer | None
    shows: bool  # at `/dev/mail` and in the log

    @classmethod
    def of(cls, settings: Settings) -> "Office":
        url = settings.smtp_url
        server = SmtpServer(url.get_secret_value(), settings.mail_from) if url else None
        return cls(settings.public_url, server, settings.dev_mail and server is None)


async def send(sessions: SessionMaker, office: Office, args: SendMail) -> None:
    """Raises MailDelayed: then it is tried again."""
    async with tenancy.outside(sessions) as session:
        mail = await service.write(session, args, office.public_url)
        if mail and office.shows:
            await service.keep(session, mail)
    if mail:
        await _leave(office, args, mail)


async def _leave(office: Office, args: SendMail, mail: Mail) -> None:
    if office.server is None:
        _show(office, args, mail)
        return
    try:
        await office.server.send(mail)
    except MailRefused as refusal:
        logger.warning("the letter %r to %s was refused: %s", args.letter, mail.recipient, refusal)


def _show(office: Office, args: SendMail, mail: Mail) -> None:
    """Whoever reads a link in the log can use it: only where mails are shown anyhow."""
    if office.shows:
        logger.info("mail to %s: %s\n%s", mail.recipient, mail.subject, mail.text)
    else:
        logger.warning("the letter %r was not sent: no SMTP server is set", args.letter)
