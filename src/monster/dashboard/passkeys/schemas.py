"""What browsers and passkeys tell each other, as far as Monster reads it.

Names and shapes are those of Web Authentication Level 3, with its JSON forms.
"""

import ipaddress
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, Json, JsonValue, StringConstraints

from monster.kit.schemas import Input, Name, Output

Base64Url: TypeAlias = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=100_000,
        pattern=r"^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$",  # of no other length
    ),
]
Token: TypeAlias = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
Options: TypeAlias = dict[str, JsonValue]


class _Told(BaseModel):
    """Browsers say more than is asked, and each release something else."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Attested(_Told):
    client_data: Base64Url = Field(alias="clientDataJSON")
    attestation: Base64Url = Field(alias="attestationObject")


class _Asserted(_Told):
    client_data: Base64Url = Field(alias="clientDataJSON")
    authenticator_data: Base64Url = Field(alias="authenticatorData")
    signature: Base64Url


class _Credential(_Told):
    id: Base64Url
    raw_id: Base64Url = Field(alias="rawId")
    type: Literal["public-key"]


class Attestation(_Credential):
    """Of `navigator.credentials.create()`."""

    response: _Attested


class Assertion(_Credential):
    """Of `navigator.credentials.get()`."""

    response: _Asserted


class NewPasskey(Input):
    """`challenge` as it came with the options."""

    name: Name
    challenge: Token
    credential: Attestation


class NewPasskeyForm(Input):
    name: Name
    challenge: Token
    credential: Json[Attestation]


class PasskeyOptions(Output):
    """`options` go to `navigator.credentials.create()`."""

    challenge: str
    options: Options


class PasskeyOut(Output):
    id: uuid.UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """To whom a passkey belongs: a domain name, and the origins that may ask for it."""

    id: str
    origins: tuple[str, ...]

    @classmethod
    def at(cls, public_url: str, asked: str) -> "RelyingParty | None":
        """`asked` is the address of the request; its origin counts on the same host only.

        None if people come by an IP address, which no passkey takes. That of this machine has a
        name, though.
        """
        host = _name(public_url)
        if host is None:
            return None
        named = _origin(public_url, host)
        same = urlsplit(asked).hostname == host
        return cls(host, (named, _origin(asked, host)) if same else (named,))

    @property
    def url(self) -> str:
        return self.origins[0]


def _name(url: str) -> str | None:
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host or None
    return "localhost" if address.is_loopback else None


def _origin(url: str, host: str) -> str:
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
