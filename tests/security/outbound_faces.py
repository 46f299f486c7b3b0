"""Whatever in the engine sends requests to an address that somebody else chose. One line each."""

import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple, TypeAlias

import aiohttp

from monster.contracts.auth_config import Parameter, Strategy
from monster.contracts.custom_tools import CustomFunction, OpenApiSource
from monster.engine.custom_tools.caller import CustomTools
from monster.engine.custom_tools.definition import Definition
from monster.engine.custom_tools.openapi import Source
from monster.engine.mcp.config import ServerConfig
from monster.engine.mcp.pool import Pool
from monster.engine.mcp.servers import McpServers
from monster.engine.oauth.client import OAuth
from monster.engine.oauth.schemas import Provider, Registration
from monster.engine.toolkit.catalogue import Catalogue
from monster.engine.toolkit.factory import Connection, ToolFactory
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.toolkit.live import Made
from monster.engine.tools.http_request import HttpRequest
from monster.engine.tools.rss import Rss
from monster.engine.tools.web_page import WebPage
from monster.kit import outbound_httpx
from monster.kit.addresses import Guard
from monster.kit.ids import new_id


class There(NamedTuple):
    """Where somebody wants us to go, and what we go with."""

    host: str  # as it stands in an address
    port: int
    guard: Guard
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


Go: TypeAlias = Callable[[There], Awaitable[object]]


class Face(NamedTuple):
    """`follows`: redirects, each of which is judged."""

    name: str
    go: Go
    follows: bool = False


# Parameters that name a place, and are never connected to.
_NOT_DIALLED = {"jira: strategy_oauth.jira_url"}  # chooses among the sites that Atlassian lists


class _Token:
    async def token(self, *, refused: str | None = None) -> str:  # noqa: ARG002
        return "token"


def connection(there: There, strategy: str = "", **values: str) -> Connection:
    token = _Token() if strategy == "strategy_oauth" else None
    files = MemoryFiles()
    return Connection(strategy, values, there.session, there.guard, files, new_id(), token=token)


def _values(there: There, strategy: Strategy, entrance: Parameter) -> dict[str, str]:
    """All that is asked for, with what leads somewhere else than to the entrance left out."""
    found = dict[str, str]()
    for one in strategy.parameters:
        if one.name == entrance.name:
            found[one.name] = there.url if one.type == "url" else there.host.strip("[]")
        elif one.name.endswith("_security") or one.name == "tls":
            found[one.name] = one.options[-1]
        elif one.name.endswith("port"):
            found[one.name] = str(there.port)
        elif _leads(one):
            if one.required:  # a public address that is nobody's: never asked before the entrance
                found[one.name] = there.url if one.type == "url" else there.host.strip("[]")
        else:
            found[one.name] = one.default or (one.options[0] if one.options else "x")
    return found


def _leads(parameter: Parameter) -> bool:
    return parameter.type == "url" or parameter.name.endswith("host")


def _of(system: type[ToolFactory], strategy: Strategy, entrance: Parameter) -> Face:
    async def go(there: There) -> object:
        values = _values(there, strategy, entrance)
        return await system(connection(there, strategy.name, **values)).account()

    return Face(f"{system.system_name}: {strategy.name}.{entrance.name}", go)


def _systems() -> Iterator[Face]:
    """Every parameter of every system that says where to go. New ones join by themselves."""
    for system in Catalogue.load("monster.engine.tools").systems.values():
        for strategy in system.auth().strategies:
            for one in strategy.parameters:
                face = _of(system, strategy, one)
                if _leads(one) and face.name not in _NOT_DIALLED:
                    yield face


async def _page(there: There) -> object:
    return await WebPage(connection(there)).call("read_page", {"url": f"{there.url}/a.html"})


async def _feed(there: There) -> object:
    return await Rss(connection(there)).call("latest", {"url": f"{there.url}/feed"})


async def _request(there: There) -> object:
    """The model names the address."""
    values = {"base_url": there.url, "token": "secret"}
    http = HttpRequest(connection(there, "strategy_bearer", **values))
    return await http.call("read", {"path": f"{there.url}/x"})


async def _custom(there: There) -> object:
    function = CustomFunction(name="do", description="Does it.", path="/x", retries=0)
    config = Definition(base_url=there.url, functions=(function,)).model_dump()
    made = Made(uuid.UUID(int=1), uuid.UUID(int=2), "Tool", config, {})
    return await CustomTools().open(made, connection(there)).call("do", {})


async def _custom_by_credential(there: There) -> object:
    function = CustomFunction(name="do", description="Does it.", path="/x", retries=0)
    config = Definition(base_url="https://tool.invalid", functions=(function,)).model_dump()
    made = Made(uuid.UUID(int=1), uuid.UUID(int=2), "Tool", config, {})
    live = CustomTools().open(made, connection(there, base_url=there.url))
    return await live.call("do", {})


async def _document(there: There) -> object:
    return await Source(there.guard).read(OpenApiSource(url=f"{there.url}/openapi.json"))


async def _sdk(there: There) -> object:
    """What the SDKs of Anthropic and Google speak through."""
    async with outbound_httpx.client(there.guard) as client:
        return (await client.get(f"{there.url}/v1/messages")).raise_for_status()


async def _refresh(there: There) -> object:
    return await OAuth(there.session).refresh(_registration(there), "token")


async def _device(there: There) -> object:
    return await OAuth(there.session).device(_registration(there), ())


async def _userinfo(there: There) -> object:
    return await OAuth(there.session).account(_registration(there), "token")


async def _revoke(there: There) -> object:
    return await OAuth(there.session).revoke(_registration(there), "token", None)


async def _mcp(there: There) -> object:
    servers = McpServers(there.guard, Pool(8, 60.0), _report)
    config = ServerConfig(transport="streamable-http", url=f"{there.url}/mcp", timeout_seconds=5)
    made = Made(uuid.UUID(int=1), new_id(), "Server", config.model_dump(), {})
    async with servers.opened():
        return await servers.open(made, connection(there)).account()


async def _mcp_oauth(there: There) -> object:
    servers = McpServers(there.guard, Pool(8, 60.0), _report)
    async with servers.opened():
        back = "https://monster.example/back"
        return await servers.register(f"{there.url}/mcp", back, "Monster")


async def _report(_: uuid.UUID, __: uuid.UUID, ___: str) -> None:
    """Nobody reads it here."""


def _registration(there: There) -> Registration:
    provider = Provider(
        system_name="example",
        name="Example",
        authorize_url=f"{there.url}/authorize",
        token_url=f"{there.url}/token",
        device_url=f"{there.url}/device",
        userinfo_url=f"{there.url}/me",
        revoke_url=f"{there.url}/revoke",
    )
    return Registration(provider, "client", "secret")


FACES: list[Face] = [
    *_systems(),
    Face("web page", _page, follows=True),
    Face("feed", _feed, follows=True),
    Face("request that a model words", _request),
    Face("custom tool", _custom),
    Face("custom tool, address of the connection", _custom_by_credential),
    Face("OpenAPI document", _document, follows=True),
    Face("SDK of a model", _sdk),
    Face("MCP server", _mcp),
    Face("MCP server, becoming known there", _mcp_oauth),
    Face("OAuth: token", _refresh),
    Face("OAuth: device", _device),
    Face("OAuth: account", _userinfo),
    Face("OAuth: revoke", _revoke),
]
