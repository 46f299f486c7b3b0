"""What goes in and out at the door."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Secret, StringConstraints

from monster.kit.jobs import JobArgs
from monster.kit.schemas import Input, Output

# Whether it exists, only a message to it can tell.
EMAIL = r"^[^@\x00-\x20\x7f-\xa0]+@[^@\x00-\x20\x7f-\xa0]+$"
Email: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=EMAIL)
]
Typed: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")
]


class SignIn(Input):
    email: Email
    password: Secret[Typed]


class SessionOut(Output):
    """`token` is shown once; it goes into `Authorization: Bearer`."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """From where someone signs in, as far as one can tell."""

    ip_address: str | None
    user_agent: str | None
    old_token: str | None  # of the session that this one replaces


NOWHERE = Device(None, None, None)


class TellLocked(JobArgs):
    """Job: a letter to somebody whose account was just locked."""

    name: ClassVar[str] = "accounts.tell_locked"

    user_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Lifetime:
    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session just begun. Only here its token can be read."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a session, and what they are in the tenant they work in, if they are in one."""

    session_id: uuid.UUID
    tenant_id: uuid.UUID | None
    tenant_name: str
    suspended: bool
    user_id: uuid.UUID
    user_name: str
    user_email: str
    is_admin: bool
    role: str | None
    csrf: str
    impersonator_id: uuid.UUID | None
    impersonator_name: str | None
    identity_provider_id: uuid.UUID | None  # of the tenant whose single sign-on let them in
