"""Talks to the engine about MCP servers."""

import uuid
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from monster.contracts.mcp import McpServerOut
from monster.contracts.tokens import Permission
from monster.dashboard.engine_client import Caller, HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.mcp_servers.schemas import Server
from monster.dashboard.permissions import Can

_PATH = "/v1/mcp_servers"
_SERVERS = TypeAdapter(list[McpServerOut])


def may_start_programs(scope: Scope) -> bool:
    """They run on the machine of the platform: its admins decide."""
    return scope.shell.is_admin


async def page(engine: HttpEngine, scope: Scope, words: str) -> Sequence[Server]:
    """By name."""
    scope.require(Can.CONNECT)
    found = _SERVERS.validate_python(await engine.call(scope.caller, "GET", _PATH))
    fitting = [one for one in map(Server, found) if one.matches(words)]
    return sorted(fitting, key=lambda one: one.out.name.casefold())


async def get(engine: HttpEngine, scope: Scope, server_id: uuid.UUID) -> Server:
    scope.require(Can.CONNECT)
    return _read(await engine.call(scope.caller, "GET", f"{_PATH}/{server_id}"))


async def create(engine: HttpEngine, scope: Scope, body: Mapping[str, object]) -> Server:
    scope.require(Can.CONNECT)
    return _read(await engine.call(_caller(scope), "POST", _PATH, json=body))


async def change(
    engine: HttpEngine, scope: Scope, server_id: uuid.UUID, body: Mapping[str, object]
) -> Server:
    scope.require(Can.CONNECT)
    return _read(await engine.call(_caller(scope), "PATCH", f"{_PATH}/{server_id}", json=body))


async def discover(engine: HttpEngine, scope: Scope, server_id: uuid.UUID) -> Server:
    """Asks the server what it offers, with the caller's own connection if it takes one."""
    scope.require(Can.CONNECT)
    path = f"{_PATH}/{server_id}/discover"
    return _read(await engine.call(scope.caller, "POST", path, json={}))


async def register(
    engine: HttpEngine, scope: Scope, server_id: uuid.UUID, redirect_uri: str
) -> Server:
    """Makes Monster known where people sign in for the server."""
    scope.require(Can.CONNECT)
    body = {"redirect_uri": redirect_uri}
    path = f"{_PATH}/{server_id}/register"
    return _read(await engine.call(scope.caller, "POST", path, json=body))


async def accept(
    engine: HttpEngine, scope: Scope, server_id: uuid.UUID, digest: str, effects: Mapping[str, str]
) -> Server:
    """What was looked at counts from now on."""
    scope.require(Can.CONNECT)
    body = {"digest": digest, "effects": effects}
    return _read(await engine.call(scope.caller, "POST", f"{_PATH}/{server_id}/accept", json=body))


async def delete(engine: HttpEngine, scope: Scope, server_id: uuid.UUID) -> None:
    scope.require(Can.CONNECT)
    await engine.call(scope.caller, "DELETE", f"/v1/tool_factories/{server_id}")


def _caller(scope: Scope) -> Caller:
    if not may_start_programs(scope):
        return scope.caller
    more = scope.caller.permissions | {Permission.SYSTEM_WRITE}
    return scope.caller._replace(permissions=more)


def _read(found: object) -> Server:
    return Server(McpServerOut.model_validate(found))
