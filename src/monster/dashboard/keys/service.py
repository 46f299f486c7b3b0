"""Talks to the engine about API keys, on behalf of who manages them."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from monster.contracts.api_keys import ApiKeyChange, ApiKeyCreate, ApiKeyMade, ApiKeyOut
from monster.contracts.contacts import ContactOut
from monster.dashboard.agents import service as agents_service
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.keys.errors import NoSuchContact
from monster.dashboard.keys.schemas import Choice, KeyForm, Page, Shown
from monster.dashboard.permissions import Can
from monster.kit import tenancy
from monster.kit.db import SessionMaker

_PAGE = 30
_AGENTS = 100
_PATH = "/v1/api-keys"


async def keys(
    engine: HttpEngine, scope: Scope, params: Mapping[str, str | int]
) -> list[ApiKeyOut]:
    scope.require(Can.API_KEYS)
    rows: list[Any] = await engine.call(scope.caller, "GET", _PATH, params=params)
    return [ApiKeyOut.model_validate(row) for row in rows]


async def key(engine: HttpEngine, scope: Scope, key_id: uuid.UUID) -> ApiKeyOut:
    scope.require(Can.API_KEYS)
    return ApiKeyOut.model_validate(await engine.call(scope.caller, "GET", f"{_PATH}/{key_id}"))


async def create(engine: HttpEngine, scope: Scope, data: ApiKeyCreate) -> ApiKeyMade:
    scope.require(Can.API_KEYS)
    body = data.model_dump(mode="json")
    return ApiKeyMade.model_validate(await engine.call(scope.caller, "POST", _PATH, json=body))


async def change(
    engine: HttpEngine, scope: Scope, key_id: uuid.UUID, data: ApiKeyChange
) -> ApiKeyOut:
    scope.require(Can.API_KEYS)
    body = data.model_dump(mode="json", exclude_unset=True)
    changed = await engine.call(scope.caller, "PATCH", f"{_PATH}/{key_id}", json=body)
    return ApiKeyOut.model_validate(changed)


async def revoke(engine: HttpEngine, scope: Scope, key_id: uuid.UUID) -> None:
    scope.require(Can.API_KEYS)
    await engine.call(scope.caller, "DELETE", f"{_PATH}/{key_id}")


# What the screens need besides


async def page(
    engine: HttpEngine, sessions: SessionMaker, scope: Scope, query: str, after: uuid.UUID | None
) -> Page:
    start = {"after": str(after)} if after else {}
    found = await keys(engine, scope, {"q": query, "limit": _PAGE + 1, **start})
    rows = found[:_PAGE]
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        ids = {agent_id for row in rows for agent_id in row.agent_ids}
        names = await agents_service.names(session, scope, ids)
    shown = [Shown(row, _agents(row.agent_ids, names)) for row in rows]
    return Page(shown, rows[-1].id if len(found) > _PAGE else None)


def _agents(agent_ids: Sequence[uuid.UUID], names: Mapping[uuid.UUID, str]) -> str:
    if not agent_ids:
        return "Every shared agent"
    known = [names[one] for one in agent_ids if one in names]
    gone = len(agent_ids) - len(known)
    return ", ".join([*known, *([f"{gone} deleted"] if gone else [])])


async def choices(sessions: SessionMaker, scope: Scope) -> list[Choice]:
    """Agents that a key can reach: published, and everybody's."""
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        found = await agents_service.page(session, scope, "", None, _AGENTS)
    return [
        Choice(agent.id, agent.name)
        for agent in found
        if agent.published_version and agent.scope == "shared"
    ]


async def make(engine: HttpEngine, scope: Scope, form: KeyForm) -> ApiKeyMade:
    """Raises NoSuchContact."""
    contact_id = await _contact(engine, scope, form.contact) if form.contact else None
    return await create(engine, scope, form.create(contact_id))


async def _contact(engine: HttpEngine, scope: Scope, ext_id: str) -> uuid.UUID:
    found = await engine.call(scope.caller, "GET", "/v1/contacts", params={"ext_id": ext_id})
    if not found:
        raise NoSuchContact("no contact has this id", field="contact")
    return ContactOut.model_validate(found[0]).id
