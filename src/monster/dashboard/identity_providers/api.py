"""JSON endpoints about identity providers: parse, call the service, return."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from monster.dashboard.identity.scope import Begin, CurrentScope, Transaction
from monster.dashboard.identity_providers import service
from monster.dashboard.identity_providers.schemas import (
    ProviderChanges,
    ProviderCreate,
    ProviderOut,
    ProviderTested,
)
from monster.dashboard.tenancy.models import IdentityProvider
from monster.kit.schemas import Prose

router = APIRouter(prefix="/identity-providers", tags=["identity providers"])


@router.get("", response_model=list[ProviderOut])
async def list_identity_providers(
    session: Transaction,
    scope: CurrentScope,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Sequence[IdentityProvider]:
    """In the order they were set up. `q` is looked for in names and issuers."""
    return await service.page(session, scope, q, after, limit)


@router.post("", response_model=ProviderOut, status_code=201)
async def create_identity_provider(
    data: ProviderCreate, request: Request, session: Transaction, scope: CurrentScope
) -> IdentityProvider:
    state = request.app.state
    return await service.create(session, scope, state.account_key, state.oidc, data)


@router.get("/{provider_id}", response_model=ProviderOut)
async def get_identity_provider(
    provider_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> IdentityProvider:
    return await service.get(session, scope, provider_id)


@router.patch("/{provider_id}", response_model=ProviderOut)
async def change_identity_provider(
    provider_id: uuid.UUID,
    changes: ProviderChanges,
    request: Request,
    session: Transaction,
    scope: CurrentScope,
) -> IdentityProvider:
    """Disabled, or with another issuer, it signs out whoever came through it."""
    state = request.app.state
    return await service.update(session, scope, state.account_key, state.oidc, provider_id, changes)


@router.delete("/{provider_id}", status_code=204)
async def delete_identity_provider(
    provider_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> None:
    await service.delete(session, scope, provider_id)


@router.post("/{provider_id}/test")
async def test_identity_provider(
    provider_id: uuid.UUID, request: Request, begin: Begin, scope: CurrentScope
) -> ProviderTested:
    """Whether it is there, is who it should be, and can do what is needed."""
    async with begin() as session:
        provider = await service.get(session, scope, provider_id)
    result = await service.test(request.app.state.oidc, provider)
    async with begin() as session:
        await service.tested(session, scope, provider_id, result)
    return result
