"""JSON endpoints about API keys; for people only."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from monster.contracts.api_keys import ApiKeyChange, ApiKeyCreate, ApiKeyMade, ApiKeyOut
from monster.engine.access.scope import CurrentScope, Transaction
from monster.engine.api_keys import service
from monster.engine.api_keys.models import ApiKey
from monster.kit.schemas import Prose

router = APIRouter(prefix="/api-keys", tags=["api keys"])


@router.get("", response_model=list[ApiKeyOut])
async def list_api_keys(
    session: Transaction,
    scope: CurrentScope,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ApiKey]:
    """Newest first, revoked ones among them; `after` is the last id of the page before."""
    return list(await service.page(session, scope, q, after, limit))


@router.post("", status_code=201)
async def create_api_key(
    data: ApiKeyCreate, session: Transaction, scope: CurrentScope
) -> ApiKeyMade:
    """`key` is told here and never again."""
    return await service.create(session, scope, data)


@router.get("/{key_id}", response_model=ApiKeyOut)
async def get_api_key(key_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> ApiKey:
    return await service.get(session, scope, key_id)


@router.patch("/{key_id}", response_model=ApiKeyOut)
async def change_api_key(
    key_id: uuid.UUID, data: ApiKeyChange, session: Transaction, scope: CurrentScope
) -> ApiKey:
    return await service.change(session, scope, key_id, data)


@router.delete("/{key_id}", status_code=204)
async def revoke_api_key(key_id: uuid.UUID, session: Transaction, scope: CurrentScope) -> None:
    """From the next request on it opens nothing. Its row stays."""
    await service.revoke(session, scope, key_id)
