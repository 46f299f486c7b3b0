"""What goes in and out of the settings of second factors."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import Secret, StringConstraints

from monster.dashboard.identity.models import Passkey
from monster.dashboard.identity.schemas import Typed
from monster.dashboard.passkeys.schemas import PasskeyOut
from monster.kit.schemas import Input, Output

# Of an app or a recovery code, as people write them: with spaces, dashes, in any case.
Code: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00]*$"),
]


class Confirm(Input):
    code: Code


class Password(Input):
    password: Secret[Typed]


class TotpOut(Output):
    """`secret` in base32; `uri` is what the QR code says."""

    secret: str
    uri: str


class RecoveryCodesOut(Output):
    """Shown here and never again. Empty if there were some already."""

    recovery_codes: Sequence[str]


class PasskeyAdded(PasskeyOut):
    """With the recovery codes, if this is the first factor."""

    recovery_codes: Sequence[str]


class FactorsOut(Output):
    """`totp_since` is when the authenticator app was confirmed."""

    totp_since: datetime | None
    passkeys: Sequence[PasskeyOut]
    recovery_codes_left: int


@dataclass(frozen=True, slots=True)
class Factors:
    user_id: uuid.UUID
    totp_since: datetime | None
    passkeys: Sequence[Passkey]
    recovery_codes_left: int

    @property
    def any(self) -> bool:
        return self.has_totp or bool(self.passkeys)

    @property
    def has_totp(self) -> bool:
        return self.totp_since is not None


@dataclass(frozen=True, slots=True)
class Setup:
    """Of an authenticator app: the secret in base32, and what a QR code says."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something goes, which takes the password."""

    title: str
    losses: Sequence[str]
    action: str
    verb: str


HOME = "/settings/security"
_LAST = "If it is your last second factor, your recovery codes go with it."

OF_APP = Question(
    "Remove the authenticator app?",
    ("Its codes sign you in no longer. Delete the entry in the app, too.", _LAST),
    f"{HOME}/totp/remove",
    "Remove the app",
)
OF_CODES = Question(
    "Make new recovery codes?",
    ("The codes that you have now are worth nothing from then on.",),
    f"{HOME}/recovery-codes",
    "Make new codes",
)


def of_passkey(passkey: Passkey) -> Question:
    return Question(
        f"Remove “{passkey.name}”?",
        ("It signs you in no longer. The device keeps its half: delete it there, too.", _LAST),
        f"{HOME}/passkeys/{passkey.id}/remove",
        "Remove the passkey",
    )
