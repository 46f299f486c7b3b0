"""What the local doubles of other companies' systems have in common: real servers on loopback.

A double checks who asks, knows the documented paths and no others, refuses what misses a required
field, cuts long lists into pages, and says "too many" when it is told to.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import orjson
from aiohttp import web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Asked(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401
        return orjson.loads(self.body)


class Refused(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = reply(body, status, headers)


def reply(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    content = b"" if body is None else orjson.dumps(body)
    return web.Response(
        body=content, status=status, headers=headers, content_type="application/json"
    )


@dataclass
class Served:
    """`requests` are all that came; `busy` is how many of the next are answered "too many".

    `broken`: nothing is done, and nobody can tell. `refusals` are said once, by path.
    """

    url: str = ""
    requests: list[Asked] = field(default_factory=list[Asked])
    busy: int = 0
    broken: bool = False
    refusals: dict[str, Refused] = field(default_factory=dict[str, Refused])
    wait: str = "0"  # seconds, as the answer "too many" says it

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def authenticate(self, request: web.Request) -> None:
        """Raises Refused."""
        raise NotImplementedError

    def unknown(self, _: web.Request) -> Refused:
        return Refused(404, {"message": "there is no such resource"})

    def too_many(self) -> Refused:
        return Refused(429, {"message": "Rate limit exceeded"}, {"Retry-After": self.wait})

    @property
    def last(self) -> Asked:
        return self.requests[-1]

    def _hinder(self, path: str) -> None:
        if self.broken:
            raise Refused(503, {"message": "Service Unavailable"})
        if self.busy:
            self.busy -= 1
            raise self.too_many()
        if path in self.refusals:
            raise self.refusals.pop(path)

    async def _middle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        asked = Asked(request.method, request.path, dict(request.query), request.headers, body)
        self.requests.append(asked)
        try:
            self._hinder(request.path)
            self.authenticate(request)
            return await handler(request)
        except Refused as refused:
            return refused.answer
        except web.HTTPNotFound:
            return self.unknown(request).answer

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        @web.middleware
        async def middle(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._middle(request, handler)

        app = web.Application(middlewares=[middle], client_max_size=1 << 26)
        app.add_routes(self.routes())
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield
        finally:
            await runner.cleanup()
