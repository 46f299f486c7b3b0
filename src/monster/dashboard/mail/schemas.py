"""What mails there are."""

import uuid
from enum import StrEnum
from typing import ClassVar

from monster.kit.jobs import JobArgs


class Letter(StrEnum):
    """Those above the line carry a token of that kind; those below tell a person something."""

    REGISTER = "register"
    RESET = "reset"
    EMAIL = "email"
    INVITE = "invite"

    LOCKED = "locked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a letter's name)
    EMAIL_CHANGED = "email_changed"


class SendMail(JobArgs):
    """Job: write a letter and send it. `about` is a `one_time_token`, or a `user`."""

    name: ClassVar[str] = "mail.send"

    letter: Letter
    about: uuid.UUID
