"""What dashboard and engine say about OAuth: registrations with providers, and how grants begin."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, StringConstraints, TypeAdapter

from monster.kit.schemas import Input, Line, Name, Output

CALLBACK_PATH = "/connections/oauth/callback"  # of the dashboard, after its public address
CUSTOM = "custom"  # the `system_name` of a provider that Monster does not know

ClientAuth: TypeAlias = Literal["basic", "post", "none"]
Scope: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,300}$")]
_Text: TypeAlias = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")]
_HTTP: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)


def _address(value: str) -> str:
    """People are sent there, and a client secret: nothing but http(s), and no password in it."""
    url = _HTTP.validate_python(value)
    if url.username or url.password or url.fragment or any(c.isspace() for c in value):
        raise ValueError("must be an address without password and #")
    return value


Address: TypeAlias = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_address)]
RedirectUri: TypeAlias = Address


class Endpoints(Input):
    """Where a provider answers, and how. Of a provider that Monster knows, only what differs.

    `client_auth` tells how the client proves itself at `token_url`; `params` are sent along with
    the request for authorization. Without PKCE a stolen code can be used by others.
    """

    authorize_url: Address | None = None
    token_url: Address | None = None
    revoke_url: Address | None = None
    userinfo_url: Address | None = None
    device_url: Address | None = None
    issuer: Address | None = None
    pkce: bool | None = None
    client_auth: ClientAuth | None = None
    params: Annotated[dict[Name, _Text], Field(max_length=20)] = Field(default_factory=dict)


class OAuthProviderCreate(Input):
    """A registration that the workspace made: with a provider that Monster knows by that
    `system_name`, or a `custom` one, which needs `authorize_url` or `device_url`, and `token_url`
    (`token_url` alone is enough for client credentials).

    `scopes` are asked for besides those of the system that is connected.
    """

    system_name: Name
    name: Name
    client_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,500}$")]
    client_secret: SecretStr | None = None
    endpoints: Endpoints = Field(default_factory=Endpoints)
    scopes: Annotated[tuple[Scope, ...], Field(max_length=100)] = ()


class OAuthProviderChange(Input):
    """Only what is sent is changed; a secret that is sent empty is forgotten.

    Secret and addresses go together: whoever moves `token_url` or `revoke_url` sends the secret
    again.
    """

    name: Name = ""
    client_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,500}$")] = ""
    client_secret: SecretStr | None = None
    endpoints: Endpoints = Field(default_factory=Endpoints)
    scopes: Annotated[tuple[Scope, ...], Field(max_length=100)] = ()


class OAuthProviderOut(Output):
    id: uuid.UUID
    system_name: str
    name: str
    client_id: str
    has_secret: bool
    endpoints: Endpoints
    scopes: list[str]
    created_at: datetime


class ProviderKindOut(Output):
    """A provider that Monster knows. `available`: the platform is registered with it, so that a
    workspace needs no registration of its own. `help` (Markdown) tells how to register."""

    system_name: str
    name: str
    help: str
    available: bool


class Authorize(Input):
    """`redirect_uri` is the dashboard's public address with `CALLBACK_PATH`."""

    redirect_uri: RedirectUri


class AuthorizeOut(Output):
    """Where the person's browser goes next."""

    url: str


class Callback(Input):
    """What the provider's redirect said, as the same person tells it."""

    state: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
    code: _Text | None = None
    error: Line | None = None
    error_description: _Text | None = None
    iss: _Text | None = None  # RFC 9207: who answers


class DeviceOut(Output):
    """What the person types where; then the credential is asked for every `interval` seconds."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    interval: int
    expires_at: datetime
