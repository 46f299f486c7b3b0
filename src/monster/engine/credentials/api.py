"""JSON endpoints about credentials."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Request

from monster.contracts.credentials import CredentialChange, CredentialCreate, CredentialOut
from monster.contracts.custom_tools import FunctionTried, FunctionTry
from monster.contracts.tokens import Permission
from monster.engine.access.scope import CurrentScope, Transaction, transaction
from monster.engine.credentials import service
from monster.engine.credentials.connections import Call, Connections
from monster.engine.credentials.errors import ProviderFailed
from monster.engine.credentials.store import Store
from monster.engine.models.protocol import ModelError
from monster.engine.models.providers import SYSTEMS, Providers
from monster.engine.tool_factories import service as tool_factories

router = APIRouter(prefix="/credentials", tags=["credentials"])
tries = APIRouter(prefix="/tool_factories", tags=["tool factories"])


async def _connections(request: Request) -> Connections:
    return request.app.state.connections


async def _store(request: Request) -> Store:
    return request.app.state.connections.store


async def _providers(request: Request) -> Providers:
    return request.app.state.providers


TheConnections: TypeAlias = Annotated[Connections, Depends(_connections)]
TheStore: TypeAlias = Annotated[Store, Depends(_store)]
TheProviders: TypeAlias = Annotated[Providers, Depends(_providers)]


@router.get("")
async def list_credentials(
    session: Transaction,
    scope: CurrentScope,
    store: TheStore,
    tool_factory_id: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[CredentialOut]:
    """Oldest first; `after` is the last id of the page before."""
    factory = None
    if tool_factory_id:
        catalogue = store.catalogue
        factory = await tool_factories.define(session, scope, catalogue, tool_factory_id)
    return [store.out(one) for one in await service.page(session, scope, factory, after, limit)]


@router.post("", status_code=201)
async def create_credential(
    data: CredentialCreate, request: Request, scope: CurrentScope, store: TheStore
) -> CredentialOut:
    scope.require(Permission.CREDENTIALS_WRITE)
    await store.secrets.ready(scope)
    async with transaction(request, scope) as session:
        return store.out(await service.create(session, scope, store, data))


@router.get("/{credential_id}")
async def get_credential(
    credential_id: uuid.UUID, session: Transaction, scope: CurrentScope, store: TheStore
) -> CredentialOut:
    return store.out(await service.get(session, scope, credential_id))


@router.patch("/{credential_id}")
async def change_credential(
    credential_id: uuid.UUID,
    data: CredentialChange,
    request: Request,
    scope: CurrentScope,
    store: TheStore,
) -> CredentialOut:
    """A value that is sent empty is forgotten, one that is not sent stays."""
    scope.require(Permission.CREDENTIALS_WRITE)
    await store.secrets.ready(scope)
    async with transaction(request, scope) as session:
        return store.out(await service.change(session, scope, store, credential_id, data))


@router.delete("/{credential_id}", status_code=204)
async def delete_credential(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, connections: TheConnections
) -> None:
    """A grant is given back to its provider first, as far as that answers in time."""
    scope.require(Permission.CREDENTIALS_WRITE)
    async with transaction(request, scope):
        pass  # only of a workspace that is open
    await connections.revoke(scope, credential_id)
    async with transaction(request, scope) as session:
        await service.delete(session, scope, credential_id)


@router.post("/{credential_id}/test")
async def test_credential(
    credential_id: uuid.UUID, request: Request, scope: CurrentScope, connections: TheConnections
) -> CredentialOut:
    """Asks the system who we are, and says in `status`, `account` and `last_error` what came of
    it."""
    scope.require(Permission.CREDENTIALS_WRITE)
    async with transaction(request, scope):
        pass  # only of a workspace that is open
    outcome = await connections.test(scope, credential_id)
    async with transaction(request, scope) as session:
        return connections.store.out(await service.record(session, scope, credential_id, outcome))


@router.get("/{credential_id}/models")
async def list_models(
    credential_id: uuid.UUID,
    request: Request,
    scope: CurrentScope,
    store: TheStore,
    providers: TheProviders,
) -> list[str]:
    """What the provider offers to this key."""
    scope.require(Permission.CREDENTIALS_READ)
    await store.secrets.ready(scope)
    async with transaction(request, scope) as session:
        opened = await service.resolve_secrets(session, scope, store, credential_id)
    if opened.definition.system_name not in SYSTEMS:
        raise ProviderFailed(f"{opened.definition.name} offers no models")
    try:
        return (await providers.offer(opened.model_account)).models
    except ModelError as error:
        raise ProviderFailed(str(error)) from error


@tries.post("/{tool_factory_id}/try")
async def try_function(
    tool_factory_id: uuid.UUID,
    data: FunctionTry,
    request: Request,
    scope: CurrentScope,
    connections: TheConnections,
) -> FunctionTried:
    """Makes one call, whatever it does; the audit log says so."""
    scope.require(Permission.CREDENTIALS_WRITE)
    async with transaction(request, scope):
        pass  # only of a workspace that is open
    call = Call(data.function, data.arguments)
    result, error = await connections.attempt(scope, tool_factory_id, data.credential_id, call)
    async with transaction(request, scope) as session:
        await service.tried(session, scope, tool_factory_id, data.function, error)
    return FunctionTried(result=result, error=error)
