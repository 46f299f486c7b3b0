"""What an identity provider, or somebody in its name, can get wrong."""

from typing import Literal, TypeAlias

from monster.kit.errors import AppError

Fault: TypeAlias = Literal[
    "provider_unreachable",
    "provider_blocked",
    "provider_insecure",
    "provider_unsuitable",
    "wrong_issuer",
    "bad_answer",
    "code_refused",
    "bad_id_token",
    "wrong_subject",
]


class ProviderFailed(AppError):
    """`code` is one of `Fault`; the message is for whoever set the provider up."""

    status = 502

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.code = fault
