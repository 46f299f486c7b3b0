"""What a new installation begins with: a tenant, its owner, and an agent that knows Monster."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.agents import QUOTING
from monster.dashboard.agents import service as agents
from monster.dashboard.agents.schemas import AgentCreate
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Role
from monster.dashboard.tenancy import service as tenants
from monster.dashboard.welcome.schemas import MakeGuide
from monster.kit import jobs, passwords, tenancy
from monster.kit.db import SessionMaker

TENANT = "Acme"
GUIDE = "Guide"
INDEX = "Monster documentation"

_DESCRIPTION = "Answers questions about Monster from its own documentation."
_INSTRUCTION = """\
You are the Guide of this Monster installation: you help people who build and run agents here.

Search the documentation before you answer. Say only what it says, in short, plain sentences, and
cite each passage you use. If the documentation does not answer the question, say so.
"""


async def first_tenant(sessions: SessionMaker, email: str, password: str) -> None:
    """The tenant, its owner, and the job that makes the Guide: all of it, or nothing."""
    password_hash = await passwords.hash_password(password)
    async with tenancy.outside(sessions) as session:
        tenant_id, user_id = await tenants.create_tenant_with_owner(
            session, TENANT, email, "Admin", password_hash
        )
        await jobs.defer(session, MakeGuide(tenant_id=tenant_id, user_id=user_id))


async def publish_guide(
    session: AsyncSession, tenant_id: uuid.UUID, user_id: uuid.UUID, index_id: uuid.UUID
) -> None:
    """Nothing, if there is an agent of that name already."""
    scope = Scope(tenant_id, user_id, Role.OWNER)
    if await agents.named(session, scope, GUIDE):
        return
    guide = AgentCreate.model_validate(
        {
            "name": GUIDE,
            "description": _DESCRIPTION,
            "model": QUOTING,
            "instruction": _INSTRUCTION,
            "scope": "shared",
            "config": {"type": "llm", "knowledge": {"indexes": [index_id]}},
        }
    )
    agent = await agents.create(session, scope, guide)
    await agents.publish(session, scope, agent.id)
