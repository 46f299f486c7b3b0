"""Real emulators of Google, Slack and GitHub, behind a door that checks who comes.

`emulate` (npm) keeps the state and judges what it is sent, but lets anybody in and lacks some
paths: those are answered here, as their documentation says.
"""

import subprocess
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

import hatch_build
from tests.systems.served import Refused, Served

_SCRIPT = Path(__file__).with_name("emulate.mjs")
_HOP = ("host", "connection", "transfer-encoding", "content-length", "content-encoding")


@dataclass
class Emulators:
    process: subprocess.Popen[bytes]

    def start(self, service: str, seed: Mapping[str, Any]) -> str:
        """A new one; the address."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(orjson.dumps({"service": service, "seed": seed}) + b"\n")
        self.process.stdin.flush()
        address = self.process.stdout.readline().decode().strip()
        assert address.startswith("http://"), address
        return address


@contextmanager
def emulators() -> Generator[Emulators]:
    node, _ = hatch_build.wheel_node()
    with subprocess.Popen(  # noqa: S603
        [node, str(_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Emulators(process)
        finally:
            process.kill()


@dataclass
class Door(Served):
    """`behind` is the emulator's address; `token` opens the door."""

    behind: str = ""
    token: str = ""
    session: aiohttp.ClientSession | None = field(default=None, repr=False)

    def own_routes(self) -> list[web.RouteDef]:
        """What the emulator lacks."""
        return []

    def routes(self) -> list[web.RouteDef]:
        return [*self.own_routes(), web.route("*", "/{rest:.*}", self._through)]

    def authenticate(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise self.stranger()

    def stranger(self) -> Refused:
        return Refused(401, {"message": "Bad credentials"})

    async def _through(self, request: web.Request) -> web.Response:
        assert self.session
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        body, url = await request.read(), self.behind + request.raw_path
        async with self.session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            content = (await answer.read()).replace(self.behind.encode(), self.url.encode())
            content = content.replace(self._spelt.encode(), self.url.encode())
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}
            return web.Response(body=content, status=answer.status, headers=kept)

    @property
    def _spelt(self) -> str:
        """Its address as it says it itself."""
        return self.behind.replace("127.0.0.1", "localhost")

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        async with aiohttp.ClientSession() as self.session, super().serving():
            yield
