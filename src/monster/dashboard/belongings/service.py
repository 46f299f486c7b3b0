"""What is one person's alone in a workspace, and who gets it when they go."""

import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.agents import service as agents
from monster.dashboard.belongings import queries
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Role


async def count_agents(session: AsyncSession, scope: Scope) -> int:
    """All of the workspace."""
    return await queries.count_agents(session, scope)


async def count(session: AsyncSession, scope: Scope, user_id: uuid.UUID) -> tuple[int, int]:
    """(agents, folders) that are that person's alone."""
    return await queries.count(session, scope, user_id)


async def hand_over(
    session: AsyncSession, scope: Scope, user_id: uuid.UUID, heir: uuid.UUID
) -> tuple[int, int]:
    """Gives (agents, folders) that are one person's alone to another."""
    theirs = await queries.lock_agents(session, scope, user_id)
    after = replace(scope, user_id=heir, role=Role.SYSTEM)
    for agent in theirs:
        agent.user_id = heir
        await agents.reissue(session, after, agent)
    return len(theirs), await queries.hand_over_folders(session, scope, user_id, heir)
