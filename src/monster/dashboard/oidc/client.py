"""Speaks with identity providers: metadata, keys, tokens. Every request is guarded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol, cast
from urllib.parse import quote_plus

import anyio
import httpx2
import orjson
from authlib.oauth2 import ClientAuth
from authlib.oauth2.rfc6749 import parameters
from authlib.oauth2.rfc7636 import challenge
from authlib.oidc.discovery import get_well_known_url

from monster.dashboard.oidc import id_token
from monster.dashboard.oidc import metadata as rules
from monster.dashboard.oidc.errors import ProviderFailed
from monster.dashboard.oidc.metadata import Metadata
from monster.kit.addresses import Guard, TooLarge, why_blocked

LARGEST = 1 << 18  # bytes of one answer
_SECONDS = 10  # for one answer, all of it
_REMEMBER = 300  # seconds
_MANY = 200  # addresses whose answers are remembered
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Client:
    """As whom a workspace is known to its provider."""

    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    scopes: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one sign-in keeps for itself until the provider has answered."""

    state: str
    nonce: str
    verifier: str


def authorization_url(metadata: Metadata, client: Client, attempt: Attempt) -> str:
    """Where the browser goes: authorization code flow with PKCE."""
    return cast(Any, parameters).prepare_grant_uri(
        metadata.authorization_endpoint,
        client.client_id,
        "code",
        client.redirect_uri,
        client.scopes,
        attempt.state,
        nonce=attempt.nonce,
        code_challenge=cast(Any, challenge).create_s256_code_challenge(attempt.verifier),
        code_challenge_method="S256",
    )


class _Authentication(Protocol):
    """As Authlib's, which has no types."""

    def prepare(
        self, method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]: ...


class Oidc:
    """One for the process. What providers publish is remembered for a few minutes."""

    def __init__(self, http: httpx2.AsyncClient, guard: Guard) -> None:
        self._http = http
        self._guard = guard
        self._known: dict[str, tuple[float, object]] = {}

    def check_issuer(self, issuer: str) -> None:
        """As far as one can tell without asking it. Raises ProviderFailed."""
        rules.check_url(issuer, self._guard)

    async def discover(self, issuer: str, *, fresh: bool = False) -> Metadata:
        """Raises ProviderFailed."""
        self.check_issuer(issuer)
        url: str = cast(Any, get_well_known_url)(issuer, external=True)
        return rules.read(await self._published(url, fresh=fresh), issuer, self._guard)

    async def sign_in(
        self, metadata: Metadata, client: Client, attempt: Attempt, code: str, wanted: set[str]
    ) -> Mapping[str, Any]:
        """What the provider says about who signed in; it is asked again about what is `wanted`
        and not in the ID token. Raises ProviderFailed."""
        tokens = await self._exchange(metadata, client, attempt, code)
        access_token = tokens.get("access_token")
        expected = {"client_id": client.client_id, "nonce": attempt.nonce}
        if isinstance(access_token, str):
            expected["access_token"] = access_token
        claims = await self._verify(str(tokens.get("id_token")), metadata, expected)
        if wanted <= claims.keys() or not metadata.userinfo_endpoint or len(expected) < 3:
            return claims
        more = await self._userinfo(metadata.userinfo_endpoint, expected["access_token"])
        if more.get("sub") != claims["sub"]:
            raise ProviderFailed("wrong_subject", "its userinfo is about somebody else")
        if "email" in claims:  # whether an address is verified is said where the address is
            more = {name: value for name, value in more.items() if name != "email_verified"}
        return {**more, **claims}

    async def _verify(
        self, token: str, metadata: Metadata, expected: Mapping[str, str]
    ) -> Mapping[str, Any]:
        try:
            keys = id_token.read_keys(await self._published(metadata.jwks_uri))
            return id_token.verify(token, keys, metadata, expected)
        except id_token.UnknownKey:
            keys = id_token.read_keys(await self._published(metadata.jwks_uri, fresh=True))
        try:
            return id_token.verify(token, keys, metadata, expected)
        except id_token.UnknownKey as error:
            raise ProviderFailed(
                "bad_id_token", "its ID token names a key it does not publish"
            ) from error

    async def _exchange(
        self, metadata: Metadata, client: Client, attempt: Attempt, code: str
    ) -> Mapping[str, Any]:
        body: str = cast(Any, parameters).prepare_token_request(
            "authorization_code",
            redirect_uri=client.redirect_uri,
            code=code,
            code_verifier=attempt.verifier,
        )
        how = _authentication(metadata, client)
        url, headers, body = how.prepare("POST", metadata.token_endpoint, dict(_FORM), body)
        answer = await self._ask("POST", url, headers=headers, content=body)
        tokens = _object(answer)
        if answer.status_code != 200:
            said = str(tokens.get("error", answer.status_code))[:100]
            raise ProviderFailed("code_refused", f"it refused the code it gave: {said}")
        return tokens

    async def _userinfo(self, url: str, access_token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        return _object(_good(await self._ask("GET", url, headers=headers)))

    async def _published(self, url: str, *, fresh: bool = False) -> object:
        until, told = self._known.get(url, (0.0, None))
        if fresh or until < monotonic():
            told = _object(
                _good(await self._ask("GET", url, headers={"Accept": "application/json"}))
            )
            if len(self._known) >= _MANY:
                self._known.clear()
            self._known[url] = (monotonic() + _REMEMBER, told)
        return told

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str], content: str | None = None
    ) -> httpx2.Response:
        try:
            with anyio.fail_after(_SECONDS):
                return await self._http.request(method, url, headers=headers, content=content)
        except (httpx2.HTTPError, httpx2.InvalidURL, TooLarge, OSError, ValueError) as error:
            if blocked := why_blocked(error):
                raise ProviderFailed("provider_blocked", str(blocked)) from error
            why = str(error) or "it did not answer in time"
            raise ProviderFailed("provider_unreachable", f"{url[:200]}: {why[:200]}") from error


def _authentication(metadata: Metadata, client: Client) -> _Authentication:
    """How the client says who it is; a public one does not, PKCE protects its code."""
    if client.client_secret is None:
        return ClientAuth(client.client_id, None, "none")
    offered = metadata.token_endpoint_auth_methods_supported
    if "client_secret_basic" not in offered and "client_secret_post" in offered:
        return ClientAuth(client.client_id, client.client_secret, "client_secret_post")
    # As in a form, then as a header: RFC 6749, 2.3.1. Authlib leaves the first to its callers.
    return ClientAuth(*map(quote_plus, (client.client_id, client.client_secret)))


def _good(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code != 200:
        said = f"{str(answer.url)[:200]} answers {answer.status_code}"
        raise ProviderFailed("bad_answer", said)
    return answer


def _object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        told: object = orjson.loads(answer.content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise ProviderFailed("bad_answer", f"{str(answer.url)[:200]} does not answer with JSON")
    return cast(dict[str, Any], told)
