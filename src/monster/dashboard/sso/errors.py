"""Why somebody who came by single sign-on does not get in."""

from typing import Literal, TypeAlias

from monster.kit.errors import AppError, NotFound

Reason: TypeAlias = Literal[
    "bad_state",
    "provider_error",
    "provider_gone",
    "wrong_issuer",
    "bad_claims",
    "email_missing",
    "email_unverified",
    "not_a_member",
    "inactive",
]


class NoSingleSignOn(NotFound):
    """Also of a workspace that does not exist: the answer tells nothing."""

    code = "no_single_sign_on"


class SignInFailed(AppError):
    """`code` is one of `Reason`."""

    status = 403

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.code = reason
