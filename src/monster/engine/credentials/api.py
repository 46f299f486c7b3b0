"""JSON endpoints about credentials."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Request

from monster.contracts.credentials import CredentialCreate, CredentialOut
from monster.contracts.tokens import Permission
from monster.engine.access.scope import CurrentScope, Scope, Transaction, transaction
from monster.engine.credentials import service
from monster.engine.credentials.models import Credential
from monster.engine.credentials.schemas import Opened
from monster.engine.models.providers import Providers
from monster.engine.secrets.service import Secrets

router = APIRouter(prefix="/credentials", tags=["credentials"])


async def _secrets(request: Request) -> Secrets:
    return request.app.state.secrets


async def _providers(request: Request) -> Providers:
    return request.app.state.providers


TheSecrets: TypeAlias = Annotated[Secrets, Depends(_secrets)]
TheProviders: TypeAlias = Annotated[Providers, Depends(_providers)]


@router.get("", response_model=list[CredentialOut])
async def list_credentials(
    session: Transaction,
    scope: CurrentScope,
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Credential]:
    """Oldest first; `after` is the last id of the page before."""
    return list(await service.page(session, scope, after, limit))


@router.post("", status_code=201, response_model=CredentialOut)
async def create_credential(
    data: CredentialCreate, session: Transaction, scope: CurrentScope, secrets: TheSecrets
) -> Credential:
    return await service.create(session, scope, secrets, data)


@router.get("/{credential_id}", response_model=CredentialOut)
async def get_credential(
    credential_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> Credential:
    return await service.get(session, scope, credential_id)


@router.delete("/{credential_id}", status_code=204)
async def delete_credential(
    credential_id: uuid.UUID, session: Transaction, scope: CurrentScope
) -> None:
    await service.delete(session, scope, credential_id)


@router.post("/{credential_id}/test", response_model=CredentialOut)
async def test_credential(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, providers: TheProviders
) -> Credential:
    """Asks the provider, and says in `status` and `last_error` what came of it."""
    opened = await _open(request, scope, Permission.CREDENTIALS_WRITE, credential_id)
    outcome = await service.try_out(providers, opened)
    async with transaction(request, scope) as session:
        return await service.record(session, scope, credential_id, outcome)


@router.get("/{credential_id}/models")
async def list_models(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, providers: TheProviders
) -> list[str]:
    """What the provider offers to this key."""
    opened = await _open(request, scope, Permission.CREDENTIALS_READ, credential_id)
    return await service.list_models(providers, opened)


async def _open(
    request: Request, scope: Scope, permission: Permission, credential_id: uuid.UUID
) -> Opened:
    """In a transaction that is over before the provider is asked."""
    secrets = request.app.state.secrets
    async with transaction(request, scope) as session:
        return await service.open_for(session, scope, permission, secrets, credential_id)
