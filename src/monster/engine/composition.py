"""What the engine's web process and its worker are both made of."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from monster.engine.embedding.minilm import MiniLM
from monster.engine.embedding.protocol import Embedder
from monster.engine.find_model import FindModels
from monster.engine.models.builtin import make_builtin
from monster.engine.models.protocol import Model
from monster.engine.models.providers import Providers
from monster.engine.runs.schemas import Limits
from monster.engine.runs.service import Runs
from monster.engine.runs.tools import KNOWLEDGE_SEARCH, Toolbox
from monster.engine.secrets import keyring
from monster.engine.secrets.service import Secrets
from monster.engine.settings import Settings
from monster.engine.tools.knowledge_search import knowledge_search
from monster.kit.addresses import Guard
from monster.kit.db import SessionMaker
from monster.kit.pool import Pool


@dataclass(frozen=True, slots=True)
class Parts:
    """Both take over runs whose process died, so both can do all that a run may need."""

    sessions: SessionMaker
    secrets: Secrets
    providers: Providers
    embedder: Embedder
    runs: Runs

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with self.providers.opened(), self.runs.running():
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
    providers = Providers(Guard(settings.outbound_allow))
    embedder = MiniLM(settings.data_dir, settings.embedding_hub_url)
    keyless = {"builtin": make_builtin(script=settings.script_model), **(models or {})}
    find_model = FindModels(keyless, sessions, secrets, providers)
    toolbox = {**(tools or {}), KNOWLEDGE_SEARCH: knowledge_search(sessions, embedder)}
    runs = Runs(pool, find_model, toolbox, limits or Limits(), settings.lease_seconds)
    return Parts(sessions, secrets, providers, embedder, runs)
