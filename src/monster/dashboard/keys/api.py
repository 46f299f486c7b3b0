"""JSON endpoints about API keys: what the engine offers, to people who are signed in here."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from monster.contracts.api_keys import ApiKeyChange, ApiKeyCreate, ApiKeyMade, ApiKeyOut
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope
from monster.dashboard.keys import service
from monster.kit.schemas import Prose

router = APIRouter(prefix="/api-keys", tags=["api keys"])


@router.get("")
async def list_api_keys(
    engine: CurrentEngine,
    scope: CurrentScope,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ApiKeyOut]:
    """Newest first, revoked ones among them; `after` is the last id of the page before."""
    start = {"after": str(after)} if after else {}
    return await service.keys(engine, scope, {"q": q, "limit": limit, **start})


@router.post("", status_code=201)
async def create_api_key(
    data: ApiKeyCreate, engine: CurrentEngine, scope: CurrentScope
) -> ApiKeyMade:
    """`key` is told here and never again."""
    return await service.create(engine, scope, data)


@router.get("/{key_id}")
async def get_api_key(key_id: uuid.UUID, engine: CurrentEngine, scope: CurrentScope) -> ApiKeyOut:
    return await service.key(engine, scope, key_id)


@router.patch("/{key_id}")
async def change_api_key(
    key_id: uuid.UUID, data: ApiKeyChange, engine: CurrentEngine, scope: CurrentScope
) -> ApiKeyOut:
    return await service.change(engine, scope, key_id, data)


@router.delete("/{key_id}", status_code=204)
async def revoke_api_key(key_id: uuid.UUID, engine: CurrentEngine, scope: CurrentScope) -> None:
    """From the next request on it opens nothing. Its row stays."""
    await service.revoke(engine, scope, key_id)
