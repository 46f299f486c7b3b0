"""What is sent in the second step of signing in."""

from dataclasses import dataclass

from pydantic import Json

from monster.dashboard.factors.schemas import Code
from monster.dashboard.passkeys.schemas import Assertion, Options, Token
from monster.kit.schemas import Input, Output


class Answer(Input):
    """`code` of an authenticator app, or a recovery code."""

    challenge: Token
    code: Code


class PasskeyAnswer(Input):
    challenge: Token
    credential: Assertion


class PasskeyAnswerForm(Input):
    challenge: Token
    credential: Json[Assertion]


class AskPasskey(Input):
    challenge: Token


class AskedPasskey(Output):
    """`options` go to `navigator.credentials.get()`."""

    options: Options


@dataclass(frozen=True, slots=True)
class Step:
    """What may be done now. `options` for a passkey, if there is one that works here."""

    has_totp: bool
    has_passkey: bool
    options: Options | None
