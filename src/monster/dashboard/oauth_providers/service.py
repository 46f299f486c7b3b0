"""Talks to the engine about registrations with OAuth providers."""

import uuid
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from monster.contracts.oauth import OAuthProviderOut, ProviderKindOut
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.oauth_providers import schemas
from monster.dashboard.oauth_providers.schemas import Kind, Shown
from monster.dashboard.permissions import Can

_PATH = "/v1/oauth_providers"
_MOST = "200"
_KINDS = TypeAdapter(list[ProviderKindOut])
_OWN = TypeAdapter(list[OAuthProviderOut])


async def kinds(engine: HttpEngine, scope: Scope) -> list[Kind]:
    """What one can register with."""
    scope.require(Can.CONNECT)
    found = await engine.call(scope.caller, "GET", f"{_PATH}/kinds")
    return schemas.kinds(_KINDS.validate_python(found))


async def page(engine: HttpEngine, scope: Scope, words: str) -> Sequence[Shown]:
    """By name."""
    known = {kind.out.system_name: kind for kind in await kinds(engine, scope)}
    found = await engine.call(scope.caller, "GET", _PATH, params={"limit": _MOST})
    shown = [Shown(one, known.get(one.system_name)) for one in _OWN.validate_python(found)]
    fitting = [one for one in shown if one.matches(words)]
    return sorted(fitting, key=lambda one: one.provider.name.casefold())


async def get(engine: HttpEngine, scope: Scope, provider_id: uuid.UUID) -> Shown:
    known = {kind.out.system_name: kind for kind in await kinds(engine, scope)}
    found = await engine.call(scope.caller, "GET", f"{_PATH}/{provider_id}")
    provider = OAuthProviderOut.model_validate(found)
    return Shown(provider, known.get(provider.system_name))


async def create(engine: HttpEngine, scope: Scope, body: Mapping[str, object]) -> OAuthProviderOut:
    scope.require(Can.CONNECT)
    made = await engine.call(scope.caller, "POST", _PATH, json=body)
    return OAuthProviderOut.model_validate(made)


async def change(
    engine: HttpEngine, scope: Scope, provider_id: uuid.UUID, body: Mapping[str, object]
) -> OAuthProviderOut:
    scope.require(Can.CONNECT)
    changed = await engine.call(scope.caller, "PATCH", f"{_PATH}/{provider_id}", json=body)
    return OAuthProviderOut.model_validate(changed)


async def delete(engine: HttpEngine, scope: Scope, provider_id: uuid.UUID) -> None:
    """Raises EngineRefused as long as connections rest on it."""
    scope.require(Can.CONNECT)
    await engine.call(scope.caller, "DELETE", f"{_PATH}/{provider_id}")
