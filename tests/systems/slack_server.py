"""Slack: what `emulate` lacks. https://docs.slack.dev/reference/methods"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.systems.emulated import Door, Emulators
from tests.systems.served import Refused, reply

TOKEN = "xoxb-local-bot-token"
USER_TOKEN = "xoxp-local-user-token"
SCOPES = [
    "chat:write", "channels:read", "channels:history", "groups:read", "groups:history",
    "users:read", "files:read", "files:write", "reactions:read", "reactions:write",
]  # fmt: skip


@dataclass
class SlackServer(Door):
    """`found` are the messages that any search finds."""

    found: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tokens: list[str] = field(default_factory=lambda: [TOKEN, USER_TOKEN])

    def own_routes(self) -> list[web.RouteDef]:
        return [web.post("/api/search.messages", self._search)]

    def authenticate(self, request: web.Request) -> None:
        if request.path.startswith("/upload/"):
            if "Authorization" in request.headers:  # it is another host's business
                raise Refused(400, {"ok": False, "error": "unexpected_header"})
            return
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Refused(200, {"ok": False, "error": "invalid_auth"})

    def too_many(self) -> Refused:
        body = {"ok": False, "error": "ratelimited"}
        return Refused(429, body, {"Retry-After": self.wait})

    async def _search(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer {USER_TOKEN}":
            return reply({"ok": False, "error": "not_allowed_token_type"})
        form = await request.post()
        if not form.get("query"):
            return reply({"ok": False, "error": "no_query"})
        count, page = int(str(form.get("count", 20))), int(str(form.get("page", 1)))
        matches = self.found[(page - 1) * count : page * count]
        pages = -(-len(self.found) // count)
        paging = {"count": count, "total": len(self.found), "page": page, "pages": pages}
        return reply({"ok": True, "messages": {"matches": matches, "paging": paging}})


@asynccontextmanager
async def slack_server(emulated: Emulators) -> AsyncGenerator[SlackServer]:
    """A workspace with Ada and Grace, the channels #general and #ops, and an app."""
    seed = {
        "team": {"name": "Acme", "domain": "acme"},
        "users": [
            {"name": "ada", "real_name": "Ada Lovelace", "email": "ada@acme.example"},
            {"name": "grace", "real_name": "Grace Hopper", "email": "grace@acme.example"},
        ],
        "channels": [{"name": "general", "topic": "All of us"}, {"name": "ops"}],
        "tokens": [{"token": TOKEN, "user": "ada", "scopes": SCOPES}],
        "strict_scopes": True,
    }
    server = SlackServer(behind=emulated.start("slack", {"slack": seed}), token=TOKEN)
    async with server.serving():
        yield server
