"""The web as the web tools see it: Open-Meteo, three searches, pages, feeds, an API with keys."""

import base64
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.systems.served import Refused, Served, reply

KEY = "key-that-nobody-may-see"
RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:media="http://search.yahoo.com/mrss/"><channel>
<title>The Daily</title><link>https://daily.example</link>
<item><title>Bridge opens</title><link>https://daily.example/1</link><media:title>No</media:title>
<pubDate>Sat, 21 Nov 2026 08:00:00 GMT</pubDate>
<description>&lt;p&gt;It &lt;b&gt;opens&lt;/b&gt; &amp;amp; stays&lt;/p&gt;</description></item>
<item><title>Rain</title><link>https://daily.example/2</link><description>Wet.</description></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Notes</title>
<entry><title>One</title><link rel="self" href="https://n.example/self"/>
<link href="https://n.example/1"/><updated>2026-11-21T08:00:00Z</updated>
<summary type="html">Some &lt;i&gt;text&lt;/i&gt;</summary></entry></feed>"""
BOMB = """<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss><channel><title>&b;</title></channel></rss>"""
PAGE = """<html><head><title>Fees</title><meta charset="iso-8859-1"></head><body>
<h1>Geb\u00fchren</h1><p>A <b>parcel</b> costs <a href="/x">5 \u00a3</a>.</p></body></html>"""


class Open(Served):
    """Anybody may ask."""

    def authenticate(self, request: web.Request) -> None:
        pass


class Weather(Open):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/search", self.search),
            web.get("/v1/forecast", self.forecast),
        ]

    async def search(self, request: web.Request) -> web.Response:
        place = {"id": 1, "name": request.query["name"], "latitude": 52.5, "longitude": 13.4}
        found = [place | {"country": "Germany", "admin1": "Berlin", "timezone": "Europe/Berlin"}]
        return reply({"results": found} if request.query["name"] != "Nowhere" else {})

    async def forecast(self, request: web.Request) -> web.Response:
        query = request.query
        if "current" in query:
            now = dict.fromkeys(query["current"].split(","), 1)
            return reply({"current": now, "current_units": {"temperature_2m": "°C"}})
        days = int(query["forecast_days"])
        daily = {name: list(range(days)) for name in query["daily"].split(",")}
        days_of = [f"2026-11-{20 + n}" for n in range(days)]
        return reply({"daily": {"time": days_of, **daily}, "daily_units": {}, "timezone": "GMT"})


class Searches(Served):
    """All three at one address."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/search", self.tavily),
            web.get("/res/v1/web/search", self.brave),
            web.get("/search", self.searxng),
        ]

    def authenticate(self, request: web.Request) -> None:
        if request.method == "GET" and request.path == "/search":
            return
        given = request.headers.get("X-Subscription-Token") or request.headers.get("Authorization")
        if given not in (KEY, f"Bearer {KEY}"):
            raise Refused(401, {"detail": {"error": "Unauthorized: invalid API key."}})

    async def tavily(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return reply({"results": self.hits(asked["query"], asked["max_results"], "content")})

    async def brave(self, request: web.Request) -> web.Response:
        hits = self.hits(request.query["q"], int(request.query["count"]), "description")
        return reply({"type": "search", "web": {"results": hits}})

    async def searxng(self, request: web.Request) -> web.Response:
        if request.query.get("format") != "json":
            raise Refused(403, {"message": "Forbidden"})
        return reply({"results": self.hits(request.query["q"], 20, "content")})

    def hits(self, query: str, count: int, text: str) -> list[dict[str, Any]]:
        return [
            {"title": f"{query} {n}", "url": f"https://x.example/{n}", text: "words", "score": 1}
            for n in range(count)
        ]


@dataclass
class Pages(Open):
    """`pages` by path: type and content."""

    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/moved", self.moved), web.get("/{name:.*}", self.page)]

    async def moved(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def page(self, request: web.Request) -> web.Response:
        if request.path not in self.pages:
            raise self.unknown(request)
        kind, content = self.pages[request.path]
        return web.Response(body=content, headers={"Content-Type": kind})


@dataclass
class Api(Served):
    """Asks for a key in one of the usual ways; says back what it was sent."""

    tokens: int = 0

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/token", self.token),
            web.get("/v1/away", self.away),
            web.get("/v1/secret", self.secret),
            web.route("*", "/{path:.*}", self.echo),
        ]

    def authenticate(self, request: web.Request) -> None:
        basic = base64.b64encode(f"ada:{KEY}".encode()).decode()
        given = {
            request.headers.get("Authorization"),
            request.headers.get("X-Key"),
            request.query.get("key"),
        }
        if not given & {f"Bearer {KEY}", f"Basic {basic}", KEY, f"Bearer fresh-{self.tokens}"}:
            raise Refused(401, {"error": "who are you?"})

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["grant_type"] == "client_credentials"
        self.tokens += 1
        return reply({"access_token": f"fresh-{self.tokens}", "scope": form.get("scope")})

    async def away(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def secret(self, request: web.Request) -> web.Response:
        return reply({"you_sent": {str(k): v for k, v in request.headers.items()}})

    async def echo(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        return reply(
            {
                "method": request.method,
                "path": request.rel_url.raw_path,
                "query": dict(request.query),
                "headers": {str(k): v for k, v in request.headers.items() if k.startswith("X-")},
                "body": orjson.loads(body) if body.startswith("{") else body,
            }
        )
