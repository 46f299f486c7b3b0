"""What the engine's web process and its worker are both made of."""

import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from monster.engine.access.scope import Scope
from monster.engine.credentials.connections import Connections
from monster.engine.credentials.store import Store
from monster.engine.custom_tools.caller import CustomTools
from monster.engine.embedding.minilm import MiniLM
from monster.engine.embedding.protocol import Embedder
from monster.engine.find_model import FindModels
from monster.engine.find_tools import FindTools
from monster.engine.grants.refresh import Grants
from monster.engine.mcp.pool import Pool as McpPool
from monster.engine.mcp.servers import McpServers, Report
from monster.engine.mcp_servers import service as mcp_servers
from monster.engine.models.builtin import make_builtin
from monster.engine.models.protocol import Model
from monster.engine.models.providers import Providers
from monster.engine.oauth.registry import Registry
from monster.engine.runs.schemas import Limits
from monster.engine.runs.service import Runs
from monster.engine.runs.tools import KNOWLEDGE_SEARCH, Toolbox
from monster.engine.secrets import keyring
from monster.engine.secrets.service import Secrets
from monster.engine.settings import Settings
from monster.engine.toolkit.catalogue import Catalogue
from monster.engine.toolkit.live import Kind
from monster.engine.tools.knowledge_search import knowledge_search
from monster.kit import tenancy
from monster.kit.addresses import Guard
from monster.kit.db import SessionMaker
from monster.kit.pool import Pool


@dataclass(frozen=True, slots=True)
class Parts:
    """Both take over runs whose process died, so both can do all that a run may need."""

    sessions: SessionMaker
    secrets: Secrets
    grants: Grants
    connections: Connections
    mcp: McpServers
    providers: Providers
    embedder: Embedder
    runs: Runs

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with (
            self.grants.opened(),
            self.connections.opened(),
            self.mcp.opened(),
            self.providers.opened(),
            self.runs.running(),
        ):
            yield


def assemble(
    settings: Settings,
    sessions: SessionMaker,
    models: Mapping[str, Model] | None = None,
    tools: Toolbox | None = None,
    limits: Limits | None = None,
) -> Parts:
    """`models` by provider, besides those that come with Monster or take a credential."""
    pool = Pool(settings.database_url.get_secret_value(), settings.database_pool_size)
    secrets = Secrets(sessions, keyring.from_settings(settings))
    guard = Guard(settings.outbound_allow)
    providers = Providers(guard)
    store = Store(secrets, Catalogue.load("monster.engine.tools"))
    grants = Grants(sessions, store, Registry(secrets, guard, settings.oauth_apps))
    servers = McpPool(settings.mcp_sessions, settings.mcp_idle_seconds)
    mcp = McpServers(guard, servers, _reporting(sessions))
    kinds: dict[str, Kind] = {"mcp_server": mcp, "custom": CustomTools()}
    connections = Connections(sessions, store, guard, settings.system_urls, kinds, grants)
    embedder = MiniLM(settings.data_dir, settings.embedding_hub_url)
    keyless = {"builtin": make_builtin(script=settings.script_model), **(models or {})}
    find_model = FindModels(keyless, sessions, store, providers)
    toolbox = {**(tools or {}), KNOWLEDGE_SEARCH: knowledge_search(sessions, embedder)}
    find_tools = FindTools(toolbox, sessions, connections)
    runs = Runs(pool, find_model, find_tools, limits or Limits(), settings.lease_seconds)
    runs.shorten = find_tools.shorten
    return Parts(sessions, secrets, grants, connections, mcp, providers, embedder, runs)


def _reporting(sessions: SessionMaker) -> Report:
    """What runs find out about MCP servers, people see on them."""

    async def report(tenant_id: uuid.UUID, server_id: uuid.UUID, why: str) -> None:
        scope = Scope(tenant_id, "system", frozenset())
        async with tenancy.transaction(sessions, tenant_id) as session:
            await mcp_servers.failed(session, scope, server_id, why)

    return report
