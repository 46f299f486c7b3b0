"""Google: what `emulate` lacks of Gmail, Drive and Calendar.

https://developers.google.com/workspace
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from tests.systems.emulated import Door, Emulators
from tests.systems.served import Refused, reply

TOKEN = "ya29.local-access-token"
USER = "ada@acme.example"


def refused(status: int, reason: str, words: str) -> Refused:
    """As Google says it."""
    errors = [{"domain": "global", "reason": reason, "message": words}]
    return Refused(status, {"error": {"code": status, "message": words, "errors": errors}})


@dataclass
class GoogleServer(Door):
    """`exports` are what documents of Google's own kinds become, by id and type; `changed` is
    what events have become by id, `names` the ids that were asked for: the emulator does neither.
    """

    exports: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])

    changed: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    names: dict[str, str] = field(default_factory=dict[str, str])

    def own_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/gmail/v1/users/me/profile", self._profile),
            web.get("/drive/v3/about", self._about),
            web.get("/drive/v3/files/{id}/export", self._export),
            web.get("/calendar/v3/calendars/{calendar}", self._calendar),
            web.get("/calendar/v3/calendars/{calendar}/events", self._events),
            web.post("/calendar/v3/calendars/{calendar}/events", self._add),
            web.get("/calendar/v3/calendars/{calendar}/events/{id}", self._event),
            web.patch("/calendar/v3/calendars/{calendar}/events/{id}", self._change),
        ]

    def stranger(self) -> Refused:
        return refused(401, "authError", "Request had invalid authentication credentials.")

    def too_many(self) -> Refused:
        return refused(403, "userRateLimitExceeded", "User Rate Limit Exceeded")

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        """As somebody else who has the account open."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=self.behind, headers=headers, trust_env=False) as client:
            answer = client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def _profile(self, _: web.Request) -> web.Response:
        return reply({"emailAddress": USER, "messagesTotal": 1, "threadsTotal": 1})

    async def _about(self, request: web.Request) -> web.Response:
        if not request.query.get("fields"):
            raise refused(400, "required", "The 'fields' parameter is required for this method.")
        return reply({"user": {"displayName": "Ada Lovelace", "emailAddress": USER}})

    async def _export(self, request: web.Request) -> web.Response:
        key = request.match_info["id"], request.query.get("mimeType", "")
        if key not in self.exports:
            words = "The requested conversion is not supported."
            raise refused(400, "badRequest", words)
        return web.Response(body=self.exports[key], content_type=key[1])

    async def _calendar(self, request: web.Request) -> web.Response:
        calendar = request.match_info["calendar"]
        if calendar not in ("primary", USER):
            raise refused(404, "notFound", "Not Found")
        return reply({"id": USER, "summary": USER, "timeZone": "Europe/Berlin"})

    async def _events(self, request: web.Request) -> web.Response:
        found = self.ask("GET", request.raw_path)
        return reply(found | {"items": [self._shown(one) for one in found["items"]]})

    def _shown(self, event: dict[str, Any]) -> dict[str, Any]:
        known = self.names.get(str(event["id"])) or str(event["id"])
        return event | {"id": known} | self.changed.get(known, {})

    async def _add(self, request: web.Request) -> web.Response:
        sent = await request.json()
        wanted = sent.get("id")
        if wanted in self.names.values():
            raise refused(409, "duplicate", "The requested identifier already exists.")
        made = self.ask("POST", request.raw_path, sent)
        if wanted:
            self.names[made["id"]] = wanted
        return reply(self._shown(made))

    async def _event(self, request: web.Request) -> web.Response:
        return reply(self._find(request))

    async def _change(self, request: web.Request) -> web.Response:
        event = self._find(request)
        self.changed[event["id"]] = self.changed.get(event["id"], {}) | await request.json()
        return reply(self._find(request))

    def _find(self, request: web.Request) -> dict[str, Any]:
        calendar, wanted = request.match_info["calendar"], request.match_info["id"]
        found = self.ask("GET", f"/calendar/v3/calendars/{calendar}/events?maxResults=250")
        for one in map(self._shown, found["items"]):
            if one["id"] == wanted:
                return one
        raise refused(404, "notFound", "Not Found")


@asynccontextmanager
async def google_server(
    emulated: Emulators, seed: Mapping[str, Any] | None = None
) -> AsyncGenerator[GoogleServer]:
    """Ada's account, with what `seed` has of messages, events and files."""
    calendar = {"id": "primary", "user_email": USER, "summary": USER, "primary": True}
    google = {
        "users": [{"email": USER, "name": "Ada Lovelace"}],
        "calendars": [calendar | {"selected": True, "time_zone": "UTC"}],
        **(seed or {}),
    }
    tokens: dict[str, Any] = {TOKEN: {"login": USER, "scopes": []}}
    behind = emulated.start("google", {"tokens": tokens, "google": google})
    server = GoogleServer(behind=behind, token=TOKEN)
    async with server.serving():
        yield server
