"""JSON endpoints about MCP servers."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request

from monster.contracts.mcp import (
    McpAccept,
    McpDiscover,
    McpServerChange,
    McpServerCreate,
    McpServerOut,
)
from monster.contracts.oauth import Authorize
from monster.contracts.tokens import Permission
from monster.engine.access.scope import CurrentScope, Scope, Transaction, transaction
from monster.engine.credentials import service as credentials
from monster.engine.credentials.api import TheConnections
from monster.engine.credentials.connections import Connections, Use
from monster.engine.mcp.offers import Offers
from monster.engine.mcp.servers import McpServers, Server
from monster.engine.mcp_servers import service
from monster.engine.mcp_servers.errors import McpServerFailed, NotConnected
from monster.engine.oauth.registry import Registry
from monster.engine.secrets.scope import KeysReady, TheSecrets
from monster.engine.toolkit.effects import ConnectionMissing, ToolFailed

router = APIRouter(prefix="/mcp_servers", tags=["MCP servers"])


async def _mcp(request: Request) -> McpServers:
    return request.app.state.mcp


TheMcp: TypeAlias = Annotated[McpServers, Depends(_mcp)]


@router.get("")
async def list_mcp_servers(session: Transaction, scope: CurrentScope) -> list[McpServerOut]:
    """Oldest first."""
    return await service.page(session, scope)


@router.post("", status_code=201, dependencies=[KeysReady])
async def create_mcp_server(
    data: McpServerCreate, session: Transaction, scope: CurrentScope, secrets: TheSecrets
) -> McpServerOut:
    """A program on the engine's machine (`stdio`) takes the permission `system:write`."""
    return await service.create(session, scope, secrets, data)


@router.get("/{mcp_server_id}")
async def get_mcp_server(
    mcp_server_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> McpServerOut:
    return await service.get(session, scope, mcp_server_id)


@router.patch("/{mcp_server_id}", dependencies=[KeysReady])
async def change_mcp_server(
    mcp_server_id: uuid.UUID,
    data: McpServerChange,
    session: Transaction,
    scope: CurrentScope,
    secrets: TheSecrets,
) -> McpServerOut:
    return await service.change(session, scope, secrets, mcp_server_id, data)


@router.post("/{mcp_server_id}/discover")
async def discover_mcp_server(
    mcp_server_id: uuid.UUID,
    data: McpDiscover,
    request: Request,
    scope: CurrentScope,
    connections: TheConnections,
) -> McpServerOut:
    """Asks the server what it offers. `found` is what differs from what was accepted."""
    scope.require(Permission.CREDENTIALS_WRITE)
    async with transaction(request, scope) as session:
        await service.get(session, scope, mcp_server_id)
        if data.credential_id:
            await credentials.get(session, scope, data.credential_id)
    try:
        offers = await _ask(connections, scope, mcp_server_id, data.credential_id)
    except ConnectionMissing as error:
        raise NotConnected(f"{error} first", field="credential_id") from error
    except ToolFailed as error:
        async with transaction(request, scope) as session:
            await service.failed(session, scope, mcp_server_id, str(error))
        raise McpServerFailed(str(error)) from error
    async with transaction(request, scope) as session:
        return await service.record(session, scope, mcp_server_id, offers)


@router.post("/{mcp_server_id}/register")
async def register_at_mcp_server(
    mcp_server_id: uuid.UUID, data: Authorize, request: Request, scope: CurrentScope, mcp: TheMcp
) -> McpServerOut:
    """Finds where people sign in for the server and becomes known there, as an OAuth app of the
    workspace. Connections then begin as all with OAuth do."""
    async with transaction(request, scope) as session:
        server = await service.registering(session, scope, mcp_server_id, data.redirect_uri)
    try:
        app = await mcp.register(server.url or "", data.redirect_uri, "Monster")
    except ToolFailed as error:
        raise McpServerFailed(str(error)) from error
    async with transaction(request, scope) as session:
        registry: Registry = request.app.state.registry
        return await service.register(session, scope, registry, mcp_server_id, app)


@router.post("/{mcp_server_id}/accept")
async def accept_mcp_server(
    mcp_server_id: uuid.UUID, data: McpAccept, session: Transaction, scope: CurrentScope
) -> McpServerOut:
    """What was found, and looked at, counts from now on. Agents are published again to use it."""
    return await service.accept(session, scope, mcp_server_id, data)


async def _ask(
    connections: Connections, scope: Scope, server_id: uuid.UUID, credential_id: uuid.UUID | None
) -> Offers:
    found = await connections.find(scope, server_id, credential_id, Use())
    assert isinstance(found.live, Server), "it is an MCP server"
    return await found.live.offered()
