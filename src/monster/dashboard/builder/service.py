"""What the screens of one agent show: the draft, what is published, what the engine has."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, get_args

from pydantic import BaseModel, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.agents import MOST_INDEXES, QUOTING, AgentSpec, Knowledge
from monster.contracts.credentials import CredentialOut, ModelSystem
from monster.contracts.knowledge import IndexOut
from monster.dashboard.agents import service as agents
from monster.dashboard.agents.models import Agent, AgentVersion
from monster.dashboard.agents.schemas import AgentChanges, LlmConfig
from monster.dashboard.builder.schemas import ModelChoice, differences
from monster.dashboard.engine_client import Caller, EngineRefused, EngineUnavailable, HttpEngine
from monster.dashboard.identity import service as people
from monster.dashboard.identity.scope import Scope
from monster.dashboard.tools.errors import ReferenceMissing
from monster.dashboard.tools.models import Tool
from monster.dashboard.web.filters import model_name

_SHOWN = 100  # versions, indexes, connections
_PROVIDERS = frozenset(get_args(ModelSystem))
_GONE = "Something that is gone, or not yours"

Shape = TypeVar("Shape")


class _Named(BaseModel):
    name: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An agent as it is now. `changes` since it was published are rows of (sign, text)."""

    agent: Agent
    config: LlmConfig
    live: AgentSpec | None
    tools: Sequence[Tool]
    changes: list[tuple[str, str]]

    @property
    def next_version(self) -> int:
        return self.agent.next_version


@dataclass(frozen=True, slots=True)
class Attached:
    """An index the agent may quote; `index` is None if the engine does not know it."""

    id: uuid.UUID
    index: IndexOut | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """None for `free`: the engine did not say what there is."""

    attached: list[Attached]
    free: list[IndexOut] | None


@dataclass(frozen=True, slots=True)
class Models:
    """`options` are (source, text). `source` is what is chosen now."""

    options: list[tuple[str, str]]
    source: str
    model_name: str
    names: list[str]
    reachable: bool


async def draft(
    engine: HttpEngine, scope: Scope, agent: Agent, live: AgentSpec | None, has: Sequence[Tool]
) -> Draft:
    now = agents.draft(agent, agent.next_version, has, None)
    names = dict[uuid.UUID, str]()
    for spec in (live, now):
        names |= await _names(engine, scope.caller, spec, names) if spec else {}
    config = LlmConfig.model_validate(agent.config)
    return Draft(agent, config, live, has, differences(live, now, names))


async def versions(
    session: AsyncSession, scope: Scope, agent_id: uuid.UUID
) -> list[tuple[AgentVersion, str]]:
    """Newest first, each with the name of who published it."""
    found = await agents.versions(session, scope, agent_id, _SHOWN)
    names = await people.names(session, scope.tenant_id, {version.user_id for version in found})
    return [(version, names.get(version.user_id, "Somebody who left")) for version in found]


async def shelf(engine: HttpEngine, scope: Scope, config: LlmConfig) -> Shelf:
    path = f"/v1/indexes?limit={_SHOWN}"
    listed = await _ask(engine, scope.caller, path, list[IndexOut])
    known = {index.id: index for index in listed or []}
    attached = [Attached(key, known.get(key)) for key in config.knowledge.indexes]
    free = [index for index in known.values() if index.id not in config.knowledge.indexes]
    return Shelf(attached, None if listed is None else free)


async def models(engine: HttpEngine, scope: Scope, agent: Agent, chosen: str = "") -> Models:
    """`chosen` is the source a person is about to use, before it is saved."""
    path = f"/v1/credentials?limit={_SHOWN}"
    listed = await _ask(engine, scope.caller, path, list[CredentialOut])
    providers = [one for one in listed or [] if one.system_name in _PROVIDERS]
    options = [("builtin", f"{model_name(QUOTING)}; no language model")]
    options += [(str(c.id), f"{c.name} ({c.system_name})") for c in providers]
    source = chosen or _source(agent)
    if source not in dict(options):
        options.append((source, f"{agent.model} (as it is)"))
    names = None
    if source in {str(c.id) for c in providers}:
        names = await _ask(engine, scope.caller, f"/v1/credentials/{source}/models", list[str])
    name = agent.model.partition(":")[2] if source not in {"builtin", "kept"} else ""
    return Models(options, source, name, names or [], reachable=listed is not None)


def _source(agent: Agent) -> str:
    credential = LlmConfig.model_validate(agent.config).credential_id
    if credential:
        return str(credential)
    return "builtin" if agent.model == QUOTING else "kept"


async def choose(
    engine: HttpEngine, scope: Scope, config: LlmConfig, choice: ModelChoice
) -> tuple[AgentChanges, Mapping[str, str]]:
    """The change it comes to, or what is wrong, by field."""
    if choice.source == "kept":
        return AgentChanges(), {}
    if choice.source == "builtin":
        config = config.model_copy(update={"credential_id": None})
        return AgentChanges(model=QUOTING, config=config), {}
    path = f"/v1/credentials/{choice.source}"
    connection = await _ask(engine, scope.caller, path, CredentialOut)
    if connection is None or connection.system_name not in _PROVIDERS:
        return AgentChanges(), {"source": "This connection cannot be used now."}
    if not choice.model_name:
        return AgentChanges(), {"model_name": "Choose one of its models."}
    config = config.model_copy(update={"credential_id": connection.id})
    model = f"{connection.system_name}:{choice.model_name}"
    return AgentChanges(model=model, config=config), {}


def attach(config: LlmConfig, index_id: uuid.UUID) -> AgentChanges:
    return _quoting(config, dict.fromkeys((*config.knowledge.indexes, index_id)))


def detach(config: LlmConfig, index_id: uuid.UUID) -> AgentChanges:
    return _quoting(config, [kept for kept in config.knowledge.indexes if kept != index_id])


def _quoting(config: LlmConfig, indexes: Iterable[uuid.UUID]) -> AgentChanges:
    """Raises ReferenceMissing if there are more than an agent may have."""
    if len(chosen := tuple(indexes)) > MOST_INDEXES:
        raise ReferenceMissing(f"an agent quotes at most {MOST_INDEXES} indexes")
    knowledge = Knowledge(indexes=chosen)
    return AgentChanges(config=config.model_copy(update={"knowledge": knowledge}))


async def _names(
    engine: HttpEngine, caller: Caller, spec: AgentSpec, known: Mapping[uuid.UUID, str]
) -> dict[uuid.UUID, str]:
    """Of the connection and the indexes that a spec names by id."""
    paths = {index: f"/v1/indexes/{index}" for index in spec.knowledge.indexes}
    connections = [spec.credential_id, *(tool.credential_id for tool in spec.tools)]
    paths |= {one: f"/v1/credentials/{one}" for one in connections if one}
    names = dict[uuid.UUID, str]()
    for key, path in paths.items():
        if key not in known:
            found = await _ask(engine, caller, path, _Named)
            names[key] = found.name if found else f"{_GONE} ({key})"
    return names


async def _ask(engine: HttpEngine, caller: Caller, path: str, shape: type[Shape]) -> Shape | None:
    """None if the engine does not say: a screen shows what it has."""
    try:
        answer = await engine.call(caller, "GET", path)
    except (EngineRefused, EngineUnavailable):
        return None
    return TypeAdapter(shape).validate_python(answer)
