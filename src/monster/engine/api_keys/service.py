"""API keys: made by people, shown once, revoked for good."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.api_keys import ApiKeyChange, ApiKeyCreate, ApiKeyMade, ApiKeyOut
from monster.contracts.tokens import Permission
from monster.engine.access.errors import ContactNotFound
from monster.engine.access.scope import Scope
from monster.engine.access.service import PREFIX
from monster.engine.api_keys import queries
from monster.engine.api_keys.errors import AgentNotShared, ApiKeyNotFound, Expired
from monster.engine.api_keys.models import ApiKey
from monster.kit import audit, bearer_keys, clock, logs
from monster.kit.audit import Action, Entry
from monster.kit.errors import Forbidden
from monster.kit.ids import new_id

_SHOWN = 6  # characters of the secret by which people recognise it
_TELLS = frozenset(ApiKeyOut.model_fields) - {
    "id", "user_id", "prefix", "contact_id", "budget_tokens", "spent_tokens", "last_used_at",
    "created_at",
}  # fmt: skip


async def create(session: AsyncSession, scope: Scope, data: ApiKeyCreate) -> ApiKeyMade:
    """Nobody gives a key more than they have."""
    user_id = _person(scope, Permission.API_KEYS_WRITE)
    if not {Permission(one) for one in data.permissions} <= scope.permissions:
        raise Forbidden("a key may do no more than who makes it", field="permissions")
    if data.expires_at is not None and data.expires_at <= clock.now():
        raise Expired("this is over already", field="expires_at")
    if data.contact_id and not await queries.has_contact(session, scope, data.contact_id):
        raise ContactNotFound(f"no contact {data.contact_id}", field="contact_id")
    await _require_shared(session, scope, data.agent_ids)
    key = bearer_keys.make(PREFIX, scope.tenant_id)
    logs.hide(key)
    values = data.model_dump() | {
        "id": new_id(),
        "user_id": user_id,
        "permissions": sorted(data.permissions),
        "agent_ids": list(dict.fromkeys(data.agent_ids)),
        "prefix": bearer_keys.secret_of(key)[:_SHOWN],
        "key_hash": bearer_keys.digest(key),
    }
    made = await queries.add(session, scope, values)
    await audit.record(
        session, scope.actor, Entry(Action.CREATE, "api_key", made.id, after=_told(made))
    )
    return ApiKeyMade(**ApiKeyOut.model_validate(made).model_dump(), key=key)


async def page(
    session: AsyncSession, scope: Scope, query: str, after: uuid.UUID | None, limit: int
) -> Sequence[ApiKey]:
    _person(scope, Permission.API_KEYS_READ)
    return await queries.page(session, scope, query, after, limit)


async def get(session: AsyncSession, scope: Scope, key_id: uuid.UUID) -> ApiKey:
    _person(scope, Permission.API_KEYS_READ)
    return await _get(session, scope, key_id)


async def change(
    session: AsyncSession, scope: Scope, key_id: uuid.UUID, data: ApiKeyChange
) -> ApiKey:
    _person(scope, Permission.API_KEYS_WRITE)
    before = _told(await _get(session, scope, key_id))
    await _require_shared(session, scope, data.agent_ids)
    values = data.model_dump(exclude_unset=True)
    if "agent_ids" in values:
        values["agent_ids"] = list(dict.fromkeys(data.agent_ids))
    changed = _alive(await queries.change(session, scope, key_id, values), key_id)
    entry = Entry(Action.UPDATE, "api_key", key_id, before, _told(changed))
    await audit.record(session, scope.actor, entry)
    return changed


async def revoke(session: AsyncSession, scope: Scope, key_id: uuid.UUID) -> None:
    """From the next request on. Again is harmless."""
    _person(scope, Permission.API_KEYS_WRITE)
    await _get(session, scope, key_id)
    if await queries.revoke(session, scope, key_id):
        await audit.record(session, scope.actor, Entry(Action.REVOKE, "api_key", key_id))


def _person(scope: Scope, permission: Permission) -> uuid.UUID:
    """A key makes no keys, whatever it may do."""
    scope.require(permission)
    if scope.user_id is None:
        raise Forbidden("only people manage API keys")
    return scope.user_id


async def _require_shared(
    session: AsyncSession, scope: Scope, agent_ids: Sequence[uuid.UUID]
) -> None:
    if not agent_ids:
        return
    shared = await queries.shared_agents(session, scope, agent_ids)
    for missing in set(agent_ids) - shared:
        raise AgentNotShared(f"no shared agent {missing}", field="agent_ids")


async def _get(session: AsyncSession, scope: Scope, key_id: uuid.UUID) -> ApiKey:
    return _alive(await queries.get(session, scope, key_id), key_id)


def _alive(found: ApiKey | None, key_id: uuid.UUID) -> ApiKey:
    if found is None:
        raise ApiKeyNotFound(f"no API key {key_id}")
    return found


def _told(key: ApiKey) -> dict[str, object]:
    """For the audit log. The budget goes by a name that is not taken for a secret."""
    said = ApiKeyOut.model_validate(key).model_dump(mode="json", include=set(_TELLS))
    return {**said, "monthly_budget": key.budget_tokens}
