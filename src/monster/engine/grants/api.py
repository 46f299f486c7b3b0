"""JSON endpoints by which somebody connects."""

import uuid
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request, Response

from monster.contracts.credentials import CredentialOut
from monster.contracts.oauth import Authorize, AuthorizeOut, Callback, DeviceOut
from monster.contracts.tokens import Permission
from monster.engine.access.scope import CurrentScope, OnlyIfOpen, Scope, transaction
from monster.engine.credentials import service as credentials
from monster.engine.grants.flows import Flows
from monster.kit.errors import Forbidden

router = APIRouter(tags=["OAuth"], dependencies=[OnlyIfOpen])


async def _flows(request: Request) -> Flows:
    return request.app.state.flows


async def _person(scope: CurrentScope) -> Scope:
    scope.require(Permission.CREDENTIALS_WRITE)
    scope.require(Permission.CREDENTIALS_READ)  # of what comes of it
    if scope.user_id is None:
        raise Forbidden("only people can agree: the token names no person")
    return scope


TheFlows: TypeAlias = Annotated[Flows, Depends(_flows)]
Person: TypeAlias = Annotated[Scope, Depends(_person)]


@router.post("/credentials/{credential_id}/authorize")
async def authorize_credential(
    credential_id: uuid.UUID, data: Authorize, scope: Person, flows: TheFlows
) -> AuthorizeOut:
    """Begins or renews a grant; the credential keeps its id, and agents go on with it."""
    return AuthorizeOut(url=await flows.start(scope, credential_id, data.redirect_uri))


@router.post("/oauth/callback")
async def finish_authorization(
    data: Callback, request: Request, scope: Person, flows: TheFlows
) -> CredentialOut:
    """What the provider's redirect said: told once, by the same person, within ten minutes."""
    return await _out(request, scope, flows, await flows.finish(scope, data))


@router.post("/credentials/{credential_id}/device")
async def begin_device(credential_id: uuid.UUID, scope: Person, flows: TheFlows) -> DeviceOut:
    """For a person whose browser cannot come back here: a code that they type at the provider."""
    return await flows.start_device(scope, credential_id)


@router.post(
    "/credentials/{credential_id}/device/poll",
    responses={202: {"model": CredentialOut, "description": "They have not agreed so far"}},
)
async def poll_device(
    credential_id: uuid.UUID, request: Request, response: Response, scope: Person, flows: TheFlows
) -> CredentialOut:
    """200 once the person has agreed; until then 202, however often it is asked."""
    if not await flows.poll_device(scope, credential_id):
        response.status_code = 202
    return await _out(request, scope, flows, credential_id)


async def _out(
    request: Request, scope: Scope, flows: Flows, credential_id: uuid.UUID
) -> CredentialOut:
    async with transaction(request, scope) as session:
        found = await credentials.get(session, scope, credential_id)
        return flows.connections.store.out(found)
