"""All SQL about who uses connections. Every function starts from the caller's scope."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.agents.models import Agent, AgentVersion
from monster.dashboard.identity.scope import Scope

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
    named = [
        Agent.config["credential_id"].astext,
        AgentVersion.spec["credential_id"].astext,
    ]
    tools = func.jsonb_path_query_array(AgentVersion.spec, cast(_TOOLS, JSONPATH))
    rows = (
        select(Agent.id, Agent.name, _visible(scope), *named, tools)
        .outerjoin(AgentVersion, _published())
        .where(Agent.tenant_id == scope.tenant_id)
        .where(or_(*(one.is_not(None) for one in named), func.jsonb_array_length(tools) > 0))
        .order_by(func.lower(Agent.name))
    )
    return [_read(*row) for row in await session.execute(rows)]


def _read(
    agent_id: uuid.UUID,
    name: str,
    is_visible: bool,  # noqa: FBT001 (a column)
    draft: str | None,
    published: str | None,
    tools: list[str | None] | None,
) -> Naming:
    ids = (draft, published, *(tools or ()))
    return Naming(agent_id, name, is_visible, frozenset(one for one in ids if one))


def _visible(scope: Scope) -> ColumnElement[bool]:
    return or_(Agent.scope == "shared", Agent.user_id == scope.user_id)


def _published() -> ColumnElement[bool]:
    return and_(
        AgentVersion.tenant_id == Agent.tenant_id,
        AgentVersion.agent_id == Agent.id,
        AgentVersion.version == Agent.published_version,
    )
