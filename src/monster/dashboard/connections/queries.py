"""All SQL about who uses connections. Every function starts from the caller's scope."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.agents.models import Agent, AgentVersion
from monster.dashboard.identity.scope import Scope
from monster.dashboard.tools.models import Tool

# Where an agent's published version names connections, beside the one of its model.
_TOOLS = "$.tools[*].credential_id"


class Naming(NamedTuple):
    """An agent, and the connections that it names, as text."""

    id: uuid.UUID
    name: str
    is_visible: bool
    credentials: frozenset[str]


async def naming(session: AsyncSession, scope: Scope) -> Sequence[Naming]:
    """Every agent of the workspace that names a connection, in its draft or as published, also
    those that the caller does not see."""
    tools = func.jsonb_path_query_array(AgentVersion.spec, cast(_TOOLS, JSONPATH))
    places = [
        func.to_jsonb(Agent.config["credential_id"].astext),
        func.to_jsonb(AgentVersion.spec["credential_id"].astext),
        func.nullif(tools, cast("[]", JSONB)),
        _drafted(scope),
    ]
    rows = (
        select(Agent.id, Agent.name, _visible(scope), *places)
        .outerjoin(AgentVersion, _published())
        .where(Agent.tenant_id == scope.tenant_id, or_(*(one.is_not(None) for one in places)))
        .order_by(func.lower(Agent.name))
    )
    found: list[tuple[Any, ...]] = [tuple(row) for row in await session.execute(rows)]
    return [Naming(row[0], row[1], row[2], frozenset(_flat(row[3:]))) for row in found]


def _flat(places: Sequence[str | list[str | None] | None]) -> Iterator[str]:
    for one in places:
        yield from filter(None, one if isinstance(one, list) else [one])


def _drafted(scope: Scope) -> ScalarSelect[list[str | None] | None]:
    """Of the tools of the draft."""
    of_agent = (Tool.tenant_id == scope.tenant_id) & (Tool.agent_id == Agent.id)
    ids = select(func.jsonb_agg(Tool.credential_id)).where(
        of_agent, Tool.credential_id.is_not(None)
    )
    return ids.correlate(Agent).scalar_subquery()


def _visible(scope: Scope) -> ColumnElement[bool]:
    return or_(Agent.scope == "shared", Agent.user_id == scope.user_id)


def _published() -> ColumnElement[bool]:
    return and_(
        AgentVersion.tenant_id == Agent.tenant_id,
        AgentVersion.agent_id == Agent.id,
        AgentVersion.version == Agent.published_version,
    )
