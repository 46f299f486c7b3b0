"""Speaks OAuth 2.0 with providers: RFC 6749, 7009 (revoking), 7636 (PKCE) and 8628 (devices).

Every request goes through the guarded session, follows no redirect, and holds no more than a
quarter of a megabyte and ten seconds.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

import aiohttp

from monster.engine.oauth import answers
from monster.engine.oauth.errors import ProviderError, Refused, Unreachable
from monster.engine.oauth.schemas import Attempt, Device, Provider, Registration, Tokens
from monster.kit import logs, outbound
from monster.kit.addresses import TooLarge, why_blocked

LARGEST = 1 << 18  # bytes of an answer
TIMEOUT = 10.0  # seconds for an answer, all of it
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_JSON = {"Accept": "application/json"}


def attempt(redirect_uri: str) -> Attempt:
    return Attempt(redirect_uri, secrets.token_urlsafe(32), secrets.token_urlsafe(48))


def authorization_url(registration: Registration, told: Attempt, scopes: tuple[str, ...]) -> str:
    """Where the browser goes. What is peculiar to the provider never displaces what protects us."""
    provider = registration.provider
    asked = dict(provider.params) | {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": told.redirect_uri,
        "state": told.state,
    }
    if scopes:
        asked["scope"] = provider.separator.join(scopes)
    if provider.pkce:
        digest = hashlib.sha256(told.verifier.encode()).digest()
        asked["code_challenge"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        asked["code_challenge_method"] = "S256"
    parts = urlsplit(provider.authorize_url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in asked]
    return urlunsplit(parts._replace(query=urlencode([*query, *asked.items()], quote_via=quote)))


@dataclass(frozen=True, slots=True)
class OAuth:
    """One for each guarded session. What is sent or received and secret is masked in the logs."""

    http: aiohttp.ClientSession = field(repr=False)

    async def exchange(self, registration: Registration, told: Attempt, code: str) -> Tokens:
        """Raises ProviderError."""
        asked = {"grant_type": "authorization_code", "code": code}
        asked["redirect_uri"] = told.redirect_uri
        if registration.provider.pkce:
            asked["code_verifier"] = told.verifier
        for secret in (code, told.verifier):
            logs.hide(secret)
        return await self._tokens(registration, asked)

    async def refresh(self, registration: Registration, refresh_token: str) -> Tokens:
        """Raises Dead if the grant has ended, Unreachable if asking again may help, Refused."""
        asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._tokens(registration, asked)

    async def client_credentials(
        self, registration: Registration, scopes: tuple[str, ...]
    ) -> Tokens:
        """As `refresh` does."""
        asked = {"grant_type": "client_credentials"}
        if scopes:
            asked["scope"] = registration.provider.separator.join(scopes)
        return await self._tokens(registration, asked)

    async def device(self, registration: Registration, scopes: tuple[str, ...]) -> Device:
        """Raises ProviderError."""
        provider = registration.provider
        if not provider.device_url:
            raise Refused(f"{provider.name} knows no codes to type")
        asked = {"scope": provider.separator.join(scopes)} if scopes else {}
        told = await self._post(registration, provider.device_url, asked)
        return answers.read_device(provider, told)

    async def poll(self, registration: Registration, device_code: str) -> Tokens:
        """Raises NotYet until the person has agreed, ProviderError."""
        asked = {"grant_type": _DEVICE, "device_code": device_code}
        return await self._tokens(registration, asked)

    async def account(self, registration: Registration, access_token: str) -> str | None:
        """Who the provider says we are; None if it does not say. Raises ProviderError."""
        provider = registration.provider
        if not provider.userinfo_url:
            return None
        headers = _JSON | dict(provider.headers) | {"Authorization": f"Bearer {access_token}"}
        status, body = await self._send(provider, "GET", provider.userinfo_url, headers=headers)
        return answers.read_account(provider, answers.read_object(provider, status, body))

    async def revoke(
        self, registration: Registration, access_token: str, refresh_token: str | None
    ) -> None:
        """The whole grant. Raises ProviderError; of a provider that cannot, nothing is asked."""
        provider = registration.provider
        if not provider.revoke_url:
            return
        if provider.revoking == "github":
            await self._revoke_github(registration, access_token)
        elif provider.revoking == "bearer":
            headers = _JSON | {"Authorization": f"Bearer {access_token}"}
            await self._checked(provider, "POST", provider.revoke_url, headers=headers)
        else:
            # RFC 7009: with the refresh token, those that were made of it go, too.
            asked = {"token": refresh_token or access_token}
            if provider.revoking == "rfc7009":
                asked["token_type_hint"] = "refresh_token" if refresh_token else "access_token"
            sent = _prove(registration, asked)
            await self._checked(provider, "POST", provider.revoke_url, **sent)

    async def _revoke_github(self, registration: Registration, access_token: str) -> None:
        provider = registration.provider
        url = provider.revoke_url.replace("{client_id}", quote(registration.client_id, safe=""))
        headers = dict(provider.headers) | _basic(registration, as_form=False)
        body = {"access_token": access_token}
        await self._checked(provider, "DELETE", url, headers=headers, json=body)

    async def _tokens(self, registration: Registration, asked: Mapping[str, str]) -> Tokens:
        provider = registration.provider
        asked = {**provider.token_params, **asked}
        return answers.read_tokens(
            provider, await self._post(registration, provider.token_url, asked)
        )

    async def _post(
        self, registration: Registration, url: str, asked: Mapping[str, str]
    ) -> dict[str, Any]:
        provider = registration.provider
        sent = _prove(registration, asked)
        status, body = await self._send(provider, "POST", url, **sent)
        return answers.read_object(provider, status, body)

    async def _checked(self, provider: Provider, method: str, url: str, **sent: Any) -> None:  # noqa: ANN401
        """For what answers with nothing, or with anything, when it is done."""
        status, body = await self._send(provider, method, url, **sent)
        if status >= 300 or body.startswith(b"{"):
            answers.read_object(provider, status, body or b"{}")

    async def _send(
        self,
        provider: Provider,
        method: str,
        url: str,
        **sent: Any,  # noqa: ANN401
    ) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT, sock_connect=5)
        fixed: dict[str, Any] = {"timeout": timeout, "allow_redirects": False}
        try:
            async with self.http.request(method, url, **sent, **fixed) as answer:
                return answer.status, await outbound.read(answer, LARGEST)
        except (aiohttp.ClientError, TimeoutError, TooLarge, OSError, ValueError) as error:
            raise _unreachable(provider, url, error) from error


def _unreachable(provider: Provider, url: str, error: Exception) -> ProviderError:
    if blocked := why_blocked(error):
        return Refused(f"{provider.name} cannot be reached: {blocked}")
    where = urlsplit(url).netloc[:200]
    why = str(error)[:200] or "it did not answer in time"
    return Unreachable(f"{provider.name} cannot be reached at {where}: {why}")


def _prove(registration: Registration, asked: Mapping[str, str]) -> dict[str, Any]:
    """A request in which the client says who it is, in the provider's way."""
    provider, body = registration.provider, dict(asked)
    headers = _JSON | dict(provider.headers)
    if registration.client_secret and provider.client_auth == "basic":
        headers |= _basic(registration, as_form=not provider.as_json)
    else:  # a public client only names itself: PKCE protects its codes
        body["client_id"] = registration.client_id
        if registration.client_secret and provider.client_auth == "post":
            body["client_secret"] = registration.client_secret
    return {"headers": headers, ("json" if provider.as_json else "data"): body}


def _basic(registration: Registration, *, as_form: bool) -> dict[str, str]:
    """RFC 6749, 2.3.1: encoded as in a form, then as a header; not everybody does the first."""
    pair = (registration.client_id, registration.client_secret or "")
    text = ":".join(map(quote_plus, pair) if as_form else pair)
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}
