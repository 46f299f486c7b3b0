"""MCP servers of a workspace: how they are reached, what they offer, what of it was accepted."""

import uuid
from collections.abc import Mapping

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.mcp import McpAccept, McpServerChange, McpServerCreate, McpServerOut
from monster.contracts.oauth import CALLBACK_PATH
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.mcp.config import HEADER, Registered, ServerConfig
from monster.engine.mcp.offers import Offers
from monster.engine.mcp_servers import queries, tools
from monster.engine.mcp_servers.errors import (
    AlreadyRegistered,
    BadMcpServer,
    McpServerNameTaken,
    McpServerNotFound,
    NothingFound,
    ServerHasConnections,
)
from monster.engine.mcp_servers.rules import check
from monster.engine.mcp_servers.schemas import Found, app_of, out, told
from monster.engine.oauth import service as oauth
from monster.engine.oauth.registry import Registry
from monster.engine.secrets.schemas import Owner
from monster.engine.secrets.service import Secrets
from monster.engine.tool_factories.models import ToolFactory
from monster.kit import audit
from monster.kit.audit import Action, Entry
from monster.kit.errors import Forbidden
from monster.kit.ids import new_id

_KIND = "tool_factory"
_MOST = 500  # that are listed
# What decides where secrets go: whoever changes one of these gives the secrets again.
_PLACE = frozenset({"url", "command", "args"})
_PROGRAM = frozenset({"command", "args", "environments"})


async def page(session: AsyncSession, scope: Scope) -> list[McpServerOut]:
    scope.require(Permission.CREDENTIALS_READ)
    return [out(one) for one in await queries.page(session, scope, _MOST)]


async def get(session: AsyncSession, scope: Scope, server_id: uuid.UUID) -> McpServerOut:
    scope.require(Permission.CREDENTIALS_READ)
    found = await queries.get(session, scope, server_id)
    if found is None:
        raise McpServerNotFound(f"no MCP server {server_id}")
    return out(found)


async def create(
    session: AsyncSession, scope: Scope, secrets: Secrets, data: McpServerCreate
) -> McpServerOut:
    """Raises BadMcpServer, McpServerNameTaken."""
    scope.require(Permission.CREDENTIALS_WRITE)
    if data.transport == "stdio":
        scope.require(Permission.SYSTEM_WRITE)
    if scope.user_id is None:
        raise Forbidden("a server is somebody's: the token names no person")
    given = data.model_dump(include=set(ServerConfig.model_fields) - {"headers"})
    config = ServerConfig.model_validate({**given, "headers": sorted(data.headers)})
    sealed = _sealed(data.headers, data.environments)
    check(config, sealed)
    row = {
        "id": new_id(),
        "user_id": scope.user_id,
        "name": data.name,
        "description": data.description,
        "category": "MCP servers",
        "logo": "plug-connected",
        "help": "",
        "auth_config": config.auth_config(),
        "config": config.model_dump(mode="json"),
        "environments": sorted(data.environments),
        "tools": [],
        "type": data.type,
        "compatible_system": data.compatible_system,
    }
    made = await queries.insert_if_free(session, scope, row)
    if made is None:
        raise McpServerNameTaken(f"there is something named {data.name!r}", field="name")
    await secrets.put(session, scope, Owner(_KIND, made.id), sealed)
    await audit.record(session, scope.actor, Entry(Action.CREATE, _KIND, made.id, after=told(made)))
    return out(made)


async def change(
    session: AsyncSession,
    scope: Scope,
    secrets: Secrets,
    server_id: uuid.UUID,
    data: McpServerChange,
) -> McpServerOut:
    """Raises what `create` does, and ServerHasConnections."""
    scope.require(Permission.CREDENTIALS_WRITE)
    found = await _held(session, scope, server_id)
    before, old = told(found), ServerConfig.model_validate(found.config)
    sent = data.model_fields_set
    if old.transport == "stdio" and sent & _PROGRAM:
        scope.require(Permission.SYSTEM_WRITE)
    given = data.model_dump(include=sent & (set(ServerConfig.model_fields) - {"headers"}))
    moved = any(getattr(old, name) != given[name] for name in sent & _PLACE)
    if moved and await queries.has_connections(session, scope, server_id):
        raise ServerHasConnections(
            "people have connections to this server, which are for the place it has now: delete"
            " those first, or make another server",
            field="url",
        )
    owner = Owner(_KIND, server_id)
    kept = {} if moved else await secrets.get(session, scope, owner)
    new = _sealed(data.headers, data.environments)
    left = {name: text for name, text in {**kept, **new}.items() if text}
    headers = sorted(n.removeprefix(HEADER) for n in left if n.startswith(HEADER))
    config = ServerConfig.model_validate({**old.model_dump(), **given, "headers": headers})
    check(config, left)
    row = data.model_dump(include=sent & {"name", "description"}) | {
        "config": config.model_dump(mode="json"),
        "environments": sorted(n for n in left if not n.startswith(HEADER)),
        "tools": tools.with_effects(found.tools, config.allowed, data.effects),
    }
    gone = {HEADER + name for name in old.headers} | set(found.environments)
    saved = await queries.save(session, scope, server_id, row)
    if saved is None:
        raise McpServerNameTaken(f"there is something named {data.name!r}", field="name")
    await secrets.drop(session, scope, owner, gone - left.keys())
    await secrets.put(session, scope, owner, {n: t for n, t in new.items() if t})
    changed = Entry(Action.UPDATE, _KIND, server_id, before, told(saved))
    await audit.record(session, scope.actor, changed)
    return out(saved)


async def record(
    session: AsyncSession, scope: Scope, server_id: uuid.UUID, offers: Offers
) -> McpServerOut:
    """What the server says now, beside what was accepted: nothing of that changes."""
    scope.require(Permission.CREDENTIALS_WRITE)
    found = await _held(session, scope, server_id)
    kept = Found.of(offers)
    config = ServerConfig.model_validate(found.config)
    beside = kept.beside(found.tools, config.allowed)
    is_other = beside is not None and bool(beside.changed or beside.gone)
    why = "the server does not offer what was accepted: look at what has changed"
    row = {
        "found": kept.model_dump(mode="json") if beside else None,
        "status": "failing" if is_other else "active",
        "last_error": why if is_other else None,
    }
    saved = await queries.save(session, scope, server_id, row)
    assert saved, "its name is as it was"
    more = {"name": saved.name, "status": saved.status, "found": len(kept.offers)}
    await audit.record(session, scope.actor, Entry(Action.TEST, _KIND, server_id, more=more))
    return out(saved)


async def failed(session: AsyncSession, scope: Scope, server_id: uuid.UUID, why: str) -> None:
    """People see it on the server. Within the engine: a run found out, or somebody asked it."""
    found = await queries.hold(session, scope, server_id)
    if found is None or (found.status, found.last_error) == ("failing", why):
        return
    row = {"status": "failing", "last_error": why}
    await queries.save(session, scope, server_id, row)
    more = {"name": found.name, **row}
    await audit.record(session, scope.actor, Entry(Action.TEST, _KIND, server_id, more=more))


async def registering(
    session: AsyncSession, scope: Scope, server_id: uuid.UUID, redirect_uri: str
) -> McpServerOut:
    """The server, if we may become known where people sign in for it. Raises BadMcpServer."""
    scope.require(Permission.CREDENTIALS_WRITE)
    found = await get(session, scope, server_id)
    if found.auth != "oauth":
        raise BadMcpServer("this server does not take OAuth", field="auth")
    if not redirect_uri.endswith(CALLBACK_PATH):
        raise BadMcpServer(f"people come back to {CALLBACK_PATH}", field="redirect_uri")
    if found.oauth_provider_id:
        raise AlreadyRegistered("it has an OAuth app already: delete that first")
    return found


async def register(
    session: AsyncSession, scope: Scope, registry: Registry, server_id: uuid.UUID, app: Registered
) -> McpServerOut:
    """What became of it is an OAuth app of the workspace, which connections to this server use."""
    held = await _held(session, scope, server_id)
    before = told(held)
    made = await oauth.create(session, scope, registry, app_of(held.name, app))
    saved = await queries.save(session, scope, server_id, {"oauth_provider_id": made.id})
    assert saved, "its name is as it was"
    more = {"oauth_provider_id": str(made.id)}
    changed = Entry(Action.UPDATE, _KIND, server_id, before, told(saved), more)
    await audit.record(session, scope.actor, changed)
    return out(saved)


async def accept(
    session: AsyncSession, scope: Scope, server_id: uuid.UUID, data: McpAccept
) -> McpServerOut:
    """What was found is what there is. Agents that have it pinned are published again to use it.

    Raises NothingFound, BadMcpServer.
    """
    scope.require(Permission.CREDENTIALS_WRITE)
    held = await _held(session, scope, server_id)
    before = told(held)
    found = Found.model_validate(held.found) if held.found else None
    if found is None or found.digest != data.digest:
        raise NothingFound("this is not what the server was found to offer: ask it again")
    row = {
        "tools": tools.accepted(found, held, data.effects),
        "found": None,
        "status": "active",
        "last_error": None,
    }
    saved = await queries.save(session, scope, server_id, row)
    assert saved, "its name is as it was"
    accepted = Entry(Action.ACCEPT, _KIND, server_id, before, told(saved))
    await audit.record(session, scope.actor, accepted)
    return out(saved)


def _sealed(
    headers: Mapping[str, SecretStr], environments: Mapping[str, SecretStr]
) -> dict[str, str]:
    named = {f"{HEADER}{name}": value for name, value in headers.items()} | dict(environments)
    return {name: value.get_secret_value() for name, value in named.items()}


async def _held(session: AsyncSession, scope: Scope, server_id: uuid.UUID) -> ToolFactory:
    found = await queries.hold(session, scope, server_id)
    if found is None:
        raise McpServerNotFound(f"no MCP server {server_id}")
    return found
