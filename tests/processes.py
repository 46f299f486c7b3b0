"""Engines as processes that tests start and kill, and what their tools act upon."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
from aiohttp import web

from monster.contracts.tokens import Permission
from monster.engine import database
from monster.kit.embedded import Embedded
from tests.builders import PUBLIC_PEM, Tenant, client
from tests.talk import PERMISSIONS, Caller, Seen

LEASE = 1.0  # seconds


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@dataclass
class Process:
    command: list[str]
    url: str
    child: subprocess.Popen[bytes]
    clients: list[httpx.AsyncClient] = field(default_factory=list[httpx.AsyncClient])

    @classmethod
    def start(
        cls, postgres: Embedded, model_url: str = "http://127.0.0.1:9", **settings: object
    ) -> "Process":
        """By default, nobody is where the model should be."""
        port = str(_free_port())
        url = postgres.url(database.NAME, database.ROLE)
        folder = str(postgres.server.pgdata.parent / "data")
        more = json.dumps(settings)
        arguments = (url, PUBLIC_PEM, port, str(LEASE), model_url, folder, more)
        command = [sys.executable, "-m", "tests.process", *arguments]
        return cls(command, f"http://127.0.0.1:{port}", subprocess.Popen(command))  # noqa: S603

    async def again(self) -> None:
        """After its end: the same process on the same port."""
        await self.hang_up()
        self.child = subprocess.Popen(self.command)  # noqa: ASYNC220, S603 (returns at once)
        await self.ready()

    async def ready(self) -> None:
        async with asyncio.timeout(40), httpx.AsyncClient(base_url=self.url) as http:
            while True:
                with suppress(httpx.TransportError):
                    await http.get("/openapi.json")
                    return
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """As often as one likes: `Popen` knows when the pid is no longer ours."""
        self.child.kill()
        self.child.wait()

    def caller(self, tenant: Tenant, agent_id: str) -> Caller:
        return self._caller(tenant.caller(*PERMISSIONS), agent_id)

    def person(self, tenant: Tenant, agent_id: str) -> Caller:
        """Who may decide about calls, too."""
        return self._caller(tenant.caller(*PERMISSIONS, Permission.RUNS_APPROVE), agent_id)

    def program(self, tenant: Tenant, key: str, agent_id: str) -> Caller:
        return self._caller(client(tenant.engine, key), agent_id)

    def _caller(self, whose: httpx.AsyncClient, agent_id: str) -> Caller:
        http = httpx.AsyncClient(base_url=self.url, headers=whose.headers, timeout=20)
        self.clients.append(http)
        return Caller(agent_id, http)

    async def hang_up(self) -> None:
        while self.clients:
            await self.clients.pop().aclose()


@dataclass
class World:
    """What tools act upon: counts, and answers or hangs as it is told."""

    url: str = ""
    keys: list[str] = field(default_factory=list[str])
    text: str = "seen"
    hang: bool = False
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.keys.append(request.query["key"])
        self.called.set()
        if self.hang:
            await asyncio.sleep(60)
        return web.Response(text=self.text)


@asynccontextmanager
async def world_to_act_upon() -> AsyncGenerator[World]:
    there = World()
    app = web.Application()
    app.router.add_get("/", there.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = _free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    there.url = f"http://127.0.0.1:{port}/"
    yield there
    await runner.cleanup()


async def until(events: AsyncIterator[Seen], kind: str) -> list[Seen]:
    seen: list[Seen] = []
    async for event in events:
        seen.append(event)
        if event.type == kind:
            break
    return seen
