"""The part of the settings that says where master keys are."""

from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

PREFIX = "MONSTER_"


def _also(name: str, *others: str) -> AliasChoices:
    """Our own name first, then those that other programs read, too."""
    return AliasChoices(f"{PREFIX}{name}", name.lower(), name, *others)


class MasterKeys(BaseSettings):
    """Of several places one seals, and all open."""

    master_key: SecretStr | None = Field(
        default=None,
        description="32 bytes in base64 that protect every secret; without it, a key file is made. "
        "Of several, separated by commas, the first seals and all open.",
    )
    master_key_from: Literal["setting", "file", "vault", "aws-kms"] | None = Field(
        default=None,
        description="Where the master key is that seals: `setting`, `file`, `vault` or `aws-kms`; "
        "the others only open. By default Vault or AWS KMS if set, else `MONSTER_MASTER_KEY`, else "
        "the file.",
    )
    vault_address: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#@]+$",
        description="HashiCorp Vault whose transit engine has the master key, such as "
        "`https://vault.example:8200`.",
    )
    vault_token: SecretStr | None = Field(default=None, description="Token for Vault.")
    vault_token_file: Path | None = Field(
        default=None,
        description="File with the token for Vault, read each time: Vault's agent may renew it.",
    )
    vault_mount: str = Field(
        default="transit", pattern=r"^[\w./-]+$", description="Where the transit engine is mounted."
    )
    vault_key: str = Field(
        default="monster", pattern=r"^[\w.-]+$", description="The key in the transit engine."
    )
    kms_key: str | None = Field(
        default=None,
        pattern=r"^[\w:/-]+$",
        description="Id, ARN or alias of the key in AWS KMS that is the master key.",
    )
    kms_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#@]+$",
        description="Address of AWS KMS, if it is not the public one of the region.",
    )
    aws_region: str | None = Field(
        default=None,
        pattern=r"^[\w-]+$",
        validation_alias=_also("AWS_REGION", "AWS_DEFAULT_REGION"),
        description="Region of AWS KMS; also as `AWS_REGION`.",
    )
    aws_access_key_id: str | None = Field(
        default=None,
        validation_alias=_also("AWS_ACCESS_KEY_ID"),
        description="Who asks AWS KMS; also as `AWS_ACCESS_KEY_ID`.",
    )
    aws_secret_access_key: SecretStr | None = Field(
        default=None,
        validation_alias=_also("AWS_SECRET_ACCESS_KEY"),
        description="The secret that belongs to it; also as `AWS_SECRET_ACCESS_KEY`.",
    )
    aws_session_token: SecretStr | None = Field(
        default=None,
        validation_alias=_also("AWS_SESSION_TOKEN"),
        description="Of temporary credentials; also as `AWS_SESSION_TOKEN`.",
    )

    @model_validator(mode="after")
    def _master_keys_are_whole(self) -> Self:
        if self.vault_address and not (self.vault_token or self.vault_token_file):
            raise ValueError("vault_address: set vault_token or vault_token_file, too")
        who = (self.aws_region, self.aws_access_key_id, self.aws_secret_access_key)
        if self.kms_key and not all(who):
            raise ValueError(
                "kms_key: set aws_region, aws_access_key_id and aws_secret_access_key, too"
            )
        there = {
            "setting": self.master_key,
            "file": True,
            "vault": self.vault_address,
            "aws-kms": self.kms_key,
        }
        if self.master_key_from and not there[self.master_key_from]:
            raise ValueError(f"master_key_from: there is no key from {self.master_key_from}")
        return self
