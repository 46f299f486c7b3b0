"""What goes in and out at the door."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, NamedTuple, Self, TypeAlias

from pydantic import Secret, StringConstraints

from monster.kit.http_errors import ErrorOut
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


Method: TypeAlias = Literal["totp", "passkey"]


class SessionOut(Output):
    """`token` is shown once; it goes into `Authorization: Bearer`."""

    token: str
    expires_at: datetime


class ChallengeOut(Output):
    """The password was right. `challenge` and one of `methods` make a session, within 5 minutes."""

    error: ErrorOut
    challenge: str
    methods: list[Method]


@dataclass(frozen=True, slots=True)
class Device:
    """From where someone signs in, as far as one can tell."""

    ip_address: str | None
    user_agent: str | None
    old_token: str | None  # of the session that this one replaces

    @property
    def place(self) -> tuple[str | None, str | None]:
        return self.ip_address, self.user_agent


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
class Challenge:
    """The password was right, but it is not enough: `token` stands for that, for five minutes."""

    token: str
    methods: Sequence[Method]
    expires_at: datetime


class Found(NamedTuple):
    """What the database knows of a session and of where it works."""

    id: uuid.UUID
    tenant_id: uuid.UUID | None
    tenant_name: str
    suspended: bool
    demands_factor: bool
    user_id: uuid.UUID
    user_name: str
    user_email: str
    is_admin: bool
    csrf: str
    impersonator_id: uuid.UUID | None
    impersonator_name: str | None
    identity_provider_id: uuid.UUID | None
    seen_long_ago: bool


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
    lacks_factor: bool  # which the tenant demands

    @classmethod
    def of(cls, found: Found, role: str | None, *, lacks_factor: bool) -> Self:
        return cls(
            session_id=found.id,
            tenant_id=found.tenant_id,
            tenant_name=found.tenant_name,
            suspended=found.suspended,
            user_id=found.user_id,
            user_name=found.user_name,
            user_email=found.user_email,
            is_admin=found.is_admin,
            role=role,
            csrf=found.csrf,
            impersonator_id=found.impersonator_id,
            impersonator_name=found.impersonator_name,
            identity_provider_id=found.identity_provider_id,
            lacks_factor=lacks_factor,
        )
