"""Providers with ways of their own, as their documentation has them, on loopback: Google, Slack,
GitHub, Notion, Atlassian, Dropbox, Salesforce, HubSpot and Linear behind one address each."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson
from aiohttp import web

from monster.contracts.oauth import PlatformApp
from tests.systems.served import Asked, Served, reply

CLIENT, SECRET = "client-of-monster", "secret of +monster"


@dataclass
class Quirks(Served):
    """`sent` are bodies of requests for tokens, read in the provider's format, with the client
    that proved itself; `says` replaces the next answers."""

    sent: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    says: list[tuple[int, object]] = field(default_factory=list[tuple[int, object]])
    revoked: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    before_answer: Callable[[], None] | None = None
    given: int = 0
    hold: asyncio.Event | None = None  # what requests for tokens wait for, if they come now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/{provider}/token", self._token),
            web.post("/{provider}/device", self._device),
            web.get("/{provider}/userinfo", self._userinfo),
            web.post("/{provider}/revoke", self._revoke),
            web.delete("/{provider}/applications/{client}/grant", self._revoke),
        ]

    def authenticate(self, request: web.Request) -> None:
        """Each request proves itself in its own way."""

    def app(self, name: str) -> PlatformApp:
        """The platform's registration there."""
        at = f"{self.url}/{name}"
        revoke = f"{at}/applications/{{client_id}}/grant" if name == "github" else f"{at}/revoke"
        known = ("google", "atlassian", "github", "salesforce", "microsoft")
        said: dict[str, Any] = {
            "token_url": f"{at}/token",
            "revoke_url": revoke,
            "device_url": f"{at}/device",
            **({"userinfo_url": f"{at}/userinfo"} if name in known else {}),
        }
        return PlatformApp(client_id=CLIENT, client_secret=SECRET, **said)  # pyright: ignore[reportArgumentType]

    async def _token(self, request: web.Request) -> web.Response:
        name = request.match_info["provider"]
        self.sent.append(self._read(name, request, await request.read()))
        self.given += 1
        number, hold = self.given, self.hold
        if self.before_answer:
            self.before_answer()
        if hold:
            await hold.wait()
        if self.says:
            status, body = self.says.pop(0)
            return reply(body, status)
        return reply(_ANSWERS[name](number))

    def _read(self, name: str, request: web.Request, body: bytes) -> dict[str, Any]:
        """Raises KeyError, AssertionError if it is not as the provider wants it."""
        if name in ("notion", "atlassian"):
            assert request.content_type == "application/json"
            found: dict[str, Any] = orjson.loads(body)
        else:
            assert request.content_type == "application/x-www-form-urlencoded"
            found = dict(parse_qsl(body.decode(), strict_parsing=True))
        if name == "github":
            assert request.headers["Accept"] == "application/json"
        if name == "notion":
            assert request.headers["Notion-Version"]
        if name in ("notion", "slack"):
            assert "client_secret" not in found
            pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
            found["client_id"], found["client_secret"] = pair.decode().split(":")
        if name == "slack":
            found["client_secret"] = unquote_plus(found["client_secret"])
        return found

    async def _device(self, _: web.Request) -> web.Response:
        told = {"device_code": "device-123", "user_code": "ABCD-EFGH", "expires_in": 1800}
        return reply(told | {"verification_url": "https://www.google.com/device", "interval": 5})

    async def _userinfo(self, request: web.Request) -> web.Response:
        who = {"email": "ada@acme.example", "login": "ada", "sub": "1", "name": "Ada"}
        assert request.headers["Authorization"].startswith("Bearer ")
        return reply(who)

    async def _revoke(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        proof = request.headers.get("Authorization", "")
        self.revoked.append((request.method, proof, body))
        return reply(None if request.method == "DELETE" else {"ok": True})

    @property
    def asked(self) -> list[Asked]:
        return self.requests


def _plain(number: int, **more: object) -> dict[str, object]:
    return {"access_token": f"access-token-{number}", "token_type": "Bearer", **more}


_ANSWERS: dict[str, Callable[[int], object]] = {
    "google": lambda n: _plain(
        n, expires_in=3599, scope="openid", **({"refresh_token": "1//refresh"} if n == 1 else {})
    ),
    "microsoft": lambda n: _plain(n, expires_in="3600", refresh_token=f"refresh-{n}"),
    "slack": lambda n: {
        "ok": True,
        "access_token": f"xoxe.xoxb-token-{n}",
        "token_type": "bot",
        "expires_in": 43200,
        "refresh_token": f"xoxe-refresh-{n}",
        "bot_user_id": "U0KRQLJ9H",
        "team": {"name": "Acme Team", "id": "T9TK3CUKW"},
        "enterprise": None,
        "authed_user": {"id": "U1234"},
    },
    "github": lambda n: {"access_token": f"gho-token-{n}", "token_type": "bearer", "scope": "repo"},
    "notion": lambda n: _plain(
        n,
        token_type="bearer",
        workspace_name="Acme Notes",
        owner={"type": "user", "user": {"person": {"email": "ada@acme.example"}}},
        refresh_token=None,
    ),
    "atlassian": lambda n: _plain(n, expires_in=3600, refresh_token=f"rotated-refresh-{n}"),
    "dropbox": lambda n: _plain(
        n, token_type="bearer", expires_in=14400, refresh_token="lasting-refresh", account_id="dbid"
    ),
    "salesforce": lambda n: _plain(
        n, refresh_token="lasting-refresh", instance_url="https://acme.my.salesforce.com", id="x"
    ),
    "hubspot": lambda n: _plain(n, token_type="bearer", expires_in=1800, refresh_token="lasting"),
    "linear": lambda n: _plain(n, expires_in=86399, refresh_token=f"rotated-refresh-{n}"),
}
