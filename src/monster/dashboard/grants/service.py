"""What the engine is asked about OAuth grants: how one begins, and what the provider answered."""

import uuid

from monster.contracts.credentials import CredentialOut
from monster.contracts.oauth import Authorize, AuthorizeOut, Callback, DeviceOut
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can


async def authorize(
    engine: HttpEngine, scope: Scope, credential_id: uuid.UUID, redirect_uri: str
) -> str:
    """The provider's address, where the person agrees."""
    scope.require(Can.CONNECT)
    body = Authorize(redirect_uri=redirect_uri).model_dump()
    answer = await engine.call(
        scope.caller, "POST", f"/v1/credentials/{credential_id}/authorize", json=body
    )
    return AuthorizeOut.model_validate(answer).url


async def redeem(engine: HttpEngine, scope: Scope, said: Callback) -> CredentialOut:
    """The connection that the provider's answer is about, as it is now."""
    scope.require(Can.CONNECT)
    body = said.model_dump(exclude_none=True)
    answer = await engine.call(scope.caller, "POST", "/v1/oauth/callback", json=body)
    return CredentialOut.model_validate(answer)


async def begin_device(engine: HttpEngine, scope: Scope, credential_id: uuid.UUID) -> DeviceOut:
    """A code for the person to type elsewhere."""
    scope.require(Can.CONNECT)
    answer = await engine.call(scope.caller, "POST", f"/v1/credentials/{credential_id}/device")
    return DeviceOut.model_validate(answer)


async def has_agreed(engine: HttpEngine, scope: Scope, credential_id: uuid.UUID) -> bool:
    """Whether the person has typed the code."""
    scope.require(Can.CONNECT)
    path = f"/v1/credentials/{credential_id}/device/poll"
    return (await engine.ask(scope.caller, "POST", path)).status == 200
