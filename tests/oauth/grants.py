"""Agents whose tool is a JIRA that is connected by OAuth, and the times of their grants."""

from typing import Any

import psycopg

from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import Permission
from monster.contracts.tools import AttachedTool
from monster.engine import database
from monster.engine.tools.jira import Jira
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.builders import Tenant

# What a model plays: one look at JIRA, then an answer.
SCRIPT = '[{"calls": [["jira_list_projects", {}]]}, {"text": "done"}]'


async def publish(tenant: Tenant, credential: str) -> str:
    agent_id = str(new_id())
    tool = AttachedTool(
        name="jira",
        tool_factory_id=Jira.factory_id(),
        credential_id=credential,  # pyright: ignore[reportArgumentType] (text will do)
        approval="never",
    )
    spec = AgentSpec(
        version=1,
        user_id=tenant.user_id,
        scope="shared",
        name="Scout",
        model="script:test",
        instruction=SCRIPT,
        tools=(tool,),
    )
    publisher = tenant.caller(Permission.AGENTS_PUBLISH)
    answer = await publisher.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    assert answer.status_code == 200, answer.text
    return agent_id


def change(postgres: Embedded, credential: str, **columns: str) -> None:
    """Columns of it, as SQL."""
    said = ", ".join(f"{name} = {value}" for name, value in columns.items())
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as db:
        db.execute(f"update credential set {said} where id = %s".encode(), [credential])


def end_token(postgres: Embedded, credential: str) -> None:
    """Its access token ends now, as far as we know."""
    past = "now() - interval '1 s'"
    change(postgres, credential, expires_at=past, refresh_at=past)


def row(postgres: Embedded, credential: str, column: str) -> Any:  # noqa: ANN401
    with psycopg.connect(postgres.conninfo(database.NAME)) as db:
        query = f"select {column} from credential where id = %s"
        found = db.execute(query.encode(), [credential]).fetchone()
    assert found
    return found[0]
