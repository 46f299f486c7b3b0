"""What a provider says about itself, and whether that is good enough (OpenID Connect Discovery)."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from monster.dashboard.oidc.errors import ProviderFailed
from monster.kit.addresses import Guard

# What an ID token may be signed with: never "none", never a secret that both sides know.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519",
)  # fmt: skip
_S256 = "S256"


class Metadata(BaseModel):
    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    response_types_supported: tuple[str, ...]
    # Some that check PKCE do not say so; one that says what it checks must check this.
    code_challenge_methods_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> list[str]:
        return [one for one in ALGORITHMS if one in self.id_token_signing_alg_values_supported]


def read(told: object, issuer: str, guard: Guard) -> Metadata:
    """Raises ProviderFailed if `issuer` is not who speaks, or cannot do what we need."""
    try:
        metadata = Metadata.model_validate(told)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ProviderFailed("bad_answer", f"its metadata is not complete: {place}") from error
    if metadata.issuer != issuer:
        said = metadata.issuer[:200]
        raise ProviderFailed("wrong_issuer", f"it calls itself {said}: enter exactly that")
    endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
    for url in (*endpoints, metadata.userinfo_endpoint):
        if url is not None:
            check_url(url, guard)
    _check_abilities(metadata)
    return metadata


def _check_abilities(metadata: Metadata) -> None:
    challenges = metadata.code_challenge_methods_supported
    lacks = {
        "the authorization code flow": "code" not in metadata.response_types_supported,
        "PKCE with S256": challenges is not None and _S256 not in challenges,
        "ID tokens with a signature we accept": not metadata.algorithms,
    }
    for what, missing in lacks.items():
        if missing:
            raise ProviderFailed("provider_unsuitable", f"it does not support {what}")


def check_url(url: str, guard: Guard) -> None:
    """HTTPS; plain HTTP only at an address that an admin has allowed. Raises ProviderFailed."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or parts.fragment or not url.isascii() or not url.isprintable():
        raise ProviderFailed("bad_answer", f"{url[:200]} is not an address")
    if parts.scheme == "https" or (parts.scheme == "http" and _allowed(parts.hostname, guard)):
        return
    raise ProviderFailed("provider_insecure", f"{url[:200]} does not begin with https")


def _allowed(host: str | None, guard: Guard) -> bool:
    try:
        address = ip_address(host or "")
    except ValueError:
        return False
    return any(address in net for net in guard.allowed if net.version == address.version)
