"""JSON endpoints about registrations with OAuth providers."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Request

from monster.contracts.oauth import (
    OAuthProviderChange,
    OAuthProviderCreate,
    OAuthProviderOut,
    ProviderKindOut,
)
from monster.engine.access.scope import CurrentScope, OnlyIfOpen, Transaction
from monster.engine.oauth import service
from monster.engine.oauth.registry import Registry

router = APIRouter(prefix="/oauth_providers", tags=["OAuth"])


async def _registry(request: Request, scope: CurrentScope) -> Registry:
    """With the tenant's keys at hand, before a transaction begins."""
    registry: Registry = request.app.state.registry
    await registry.secrets.ready(scope)
    return registry


TheRegistry: TypeAlias = Annotated[Registry, Depends(_registry)]


@router.get("/kinds", dependencies=[OnlyIfOpen])
async def list_provider_kinds(scope: CurrentScope, registry: TheRegistry) -> list[ProviderKindOut]:
    """Providers that Monster knows, and whether the platform is registered there."""
    return service.kinds(scope, registry)


@router.get("")
async def list_oauth_providers(
    session: Transaction,
    scope: CurrentScope,
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[OAuthProviderOut]:
    """The workspace's own registrations, oldest first; `after` is the last id of the page
    before."""
    return await service.page(session, scope, after, limit)


@router.post("", status_code=201)
async def create_oauth_provider(
    data: OAuthProviderCreate, registry: TheRegistry, session: Transaction, scope: CurrentScope
) -> OAuthProviderOut:
    return await service.create(session, scope, registry, data)


@router.get("/{oauth_provider_id}")
async def get_oauth_provider(
    oauth_provider_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> OAuthProviderOut:
    return await service.get(session, scope, oauth_provider_id)


@router.patch("/{oauth_provider_id}")
async def change_oauth_provider(
    oauth_provider_id: uuid.UUID,
    data: OAuthProviderChange,
    registry: TheRegistry,
    session: Transaction,
    scope: CurrentScope,
) -> OAuthProviderOut:
    """A secret that is sent empty is forgotten. Where it leads cannot be changed."""
    return await service.change(session, scope, registry, oauth_provider_id, data)


@router.delete("/{oauth_provider_id}", status_code=204)
async def delete_oauth_provider(
    oauth_provider_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> None:
    """Refused as long as connections rest on it."""
    await service.delete(session, scope, oauth_provider_id)
