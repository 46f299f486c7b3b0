"""What goes in and out where people get an account, or back into one."""

import uuid
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import Secret, StringConstraints

from monster.dashboard.identity.schemas import Email, Typed
from monster.kit.schemas import Input, Name, Output

Token: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")
]

SHORTEST = 10  # characters of a password
LONGEST = 1000

# Of those that are long enough, what people choose most, and so what is tried first.
COMMONEST = frozenset({
    "0000000000", "0123456789", "0987654321", "1111111111", "1231231234", "1234512345",
    "1234567890", "1234567890q", "1234567891", "12345678910", "1234567899", "123456789a",
    "123456789q", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx3edc", "a123456789", "aa12345678",
    "abc1234567", "abcd123456", "abcdefghij", "admin12345", "administrator", "asdfghjkl1",
    "baseball123", "basketball", "changeme123", "computer123", "dragon1234", "football123",
    "iloveyou12", "iloveyou123", "letmein123", "liverpool1", "michelle123", "monkey1234",
    "monster123", "p@ssw0rd123", "passw0rd123", "password01", "password10", "password12",
    "password123", "password1234", "password12345", "password123456", "princess123", "q1w2e3r4t5",
    "q1w2e3r4t5y6", "qazwsxedcrfv", "qwerty1234", "qwerty12345", "qwerty123456", "qwertyuiop",
    "qwertyuiop1", "sunshine123", "superman123", "test123456", "welcome123", "welcome1234",
    "zaq12wsxcde3", "zxcvbnm123",
})  # fmt: skip


class Register(Input):
    """A person, and the workspace that they will own."""

    name: Name
    company: Name
    email: Email
    password: Secret[Typed]


class VerifyAddress(Input):
    token: Token


class AskForReset(Input):
    email: Email


class Reset(Input):
    token: Token
    password: Secret[Typed]


class Account(NamedTuple):
    """Somebody who may come in."""

    id: uuid.UUID
    email: str
    name: str
    tenant_id: uuid.UUID | None
    has_password: bool


class Mailed(Output):
    """The same for every address: whether anything comes, its owner will see."""

    message: str


def weakness(password: str, email: str) -> str:
    """Why it is refused, as a sentence; empty if it is not."""
    plain = password.casefold()
    if len(password) < SHORTEST:
        return f"At least {SHORTEST} characters. A few words are easy to remember."
    if plain in COMMONEST or len(set(plain)) < 3:
        return "This is one of the passwords that are tried first. Choose another."
    if plain == email.casefold():
        return "Your e-mail address is no secret. Choose another."
    return ""
