"""What the parts of the feature hand to each other, and to who keeps grants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from monster.contracts.oauth import ClientAuth

Json: TypeAlias = Mapping[str, Any]

# How a token is given back: as RFC 7009 says, or as the provider will have it.
Revoking: TypeAlias = Literal["rfc7009", "bearer", "github", "notion"]


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider answers, and what is peculiar to it.

    `params` go along with the request for authorization, `token_params` with each for tokens;
    `who` are paths in its userinfo or token answer that name the account; `facts` are names in
    the token answer that systems need later.
    """

    system_name: str
    name: str
    authorize_url: str = ""
    token_url: str = ""
    revoke_url: str = ""
    userinfo_url: str = ""
    device_url: str = ""
    issuer: str = ""
    pkce: bool = True
    client_auth: ClientAuth = "post"
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    token_params: Mapping[str, str] = field(default_factory=dict[str, str])
    separator: str = " "
    as_json: bool = False  # requests to `token_url`
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    revoking: Revoking = "rfc7009"
    who: tuple[str, ...] = ("email", "preferred_username", "name", "sub")
    facts: tuple[str, ...] = ()
    base_scopes: tuple[str, ...] = ()  # without which it gives no refresh token, or no name
    help: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """As whom we are known there."""

    provider: Provider
    client_id: str
    client_secret: str | None = field(repr=False)
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_in` in seconds; None: until it is revoked."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int | None
    account: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt to connect keeps for itself until the provider has answered."""

    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Device:
    """RFC 8628: what a person types where, and what we ask with meanwhile. Times in seconds."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    interval: int
    expires_in: int
