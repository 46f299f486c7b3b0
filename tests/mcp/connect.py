"""MCP servers as the engine is connected to them, without the engine around it."""

import asyncio
import sys
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import hatch_build
from monster.contracts.pinning import pin
from monster.contracts.tools import EffectName, FunctionOut
from monster.engine.mcp.offers import Offers
from monster.engine.mcp.pool import Pool
from monster.engine.mcp.servers import McpServers, Server
from monster.engine.toolkit.factory import Connection, TokenSource
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.toolkit.live import Made
from monster.kit import outbound
from monster.kit.addresses import Guard, parse_networks
from monster.kit.ids import new_id
from tests.serving import free_ports

HERE = Path(__file__).parent
EVERYTHING = (
    Path(__file__).parents[2] / "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
)


def program(script: str = "server.py", *arguments: str) -> dict[str, Any]:
    """One of those beside this file."""
    command = [str(HERE / script), *arguments]
    return {"transport": "stdio", "command": sys.executable, "args": command}


def everything() -> dict[str, Any]:
    """The reference server, from npm."""
    node, _ = hatch_build.wheel_node()
    return {"transport": "stdio", "command": node, "args": [str(EVERYTHING)]}


def at(url: str) -> dict[str, Any]:
    return {"transport": "streamable-http", "url": url}


@dataclass
class Client:
    """`reports` are what people would be told of a server."""

    servers: McpServers
    http: Any
    reports: list[str] = field(default_factory=list[str])
    files: MemoryFiles = field(default_factory=MemoryFiles)

    def open(
        self,
        config: Mapping[str, Any],
        values: Mapping[str, str] | None = None,
        environments: Mapping[str, str] | None = None,
        token: TokenSource | None = None,
    ) -> Server:
        made = Made(new_id(), new_id(), "Test", config, environments or {})
        guard = self.servers.guard
        connection = Connection(
            "", values or {}, self.http, guard, self.files, new_id(), token=token
        )
        return self.servers.open(made, connection)

    async def approved(self, server: Server, effect: EffectName = "write") -> Server:
        """As an agent has it that was published now."""
        pinned = pinned_of(await server.offered(), effect)
        return self.servers.open(replace(server.made, pinned=pinned), server.connection)


async def environment(server: Server) -> dict[str, Any]:
    """What the process of a server is told; it must be one of ours."""
    return cast("dict[str, Any]", await server.call("environment", {}))


def pinned_of(offers: Offers, effect: EffectName = "write") -> list[Any]:
    return [
        pin(
            FunctionOut(
                name=one.name,
                description=one.description,
                parameters=one.parameters,
                effect=effect,
            )
        )
        for one in offers.found.values()
    ]


@asynccontextmanager
async def connecting(
    most: int = 20, idle: float = 60.0, *, allow: tuple[str, ...] = ("127.0.0.1",)
) -> AsyncGenerator[Client]:
    reports: list[str] = []

    async def report(_: uuid.UUID, __: uuid.UUID, why: str) -> None:
        reports.append(why)

    guard = Guard(parse_networks(allow))
    servers = McpServers(guard, Pool(most, idle), report)
    async with servers.opened(), outbound.session(guard) as http:
        yield Client(servers, http, reports)


@asynccontextmanager
async def serving(
    *command: str, environment: Mapping[str, str] | None = None, port: int | None = None
) -> AsyncGenerator[str]:
    """A server at an address of its own; `{port}` in the command is where."""
    port = port or free_ports()[0]
    filled = [part.replace("{port}", str(port)) for part in command]
    told = {name: text.replace("{port}", str(port)) for name, text in (environment or {}).items()}
    process = await asyncio.create_subprocess_exec(
        *filled,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **told},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(30):
            while not await _answers(port):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def own(*arguments: str, port: int | None = None) -> Any:  # noqa: ANN401
    """Our server over HTTP."""
    return serving(sys.executable, str(HERE / "server.py"), "{port}", *arguments, port=port)
