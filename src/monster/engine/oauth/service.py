"""Registrations of a workspace with OAuth providers: as whom it is known there."""

import uuid

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.oauth import (
    Endpoints,
    OAuthProviderChange,
    OAuthProviderCreate,
    OAuthProviderOut,
    ProviderKindOut,
)
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.oauth import queries
from monster.engine.oauth.errors import (
    OAuthProviderInUse,
    OAuthProviderNameTaken,
    OAuthProviderNotFound,
)
from monster.engine.oauth.models import OAuthProvider
from monster.engine.oauth.registry import Registry
from monster.engine.oauth.schemas import Registration
from monster.engine.secrets.schemas import Owner
from monster.kit import audit
from monster.kit.audit import Action, Entry
from monster.kit.errors import Forbidden
from monster.kit.ids import new_id

_KIND = "oauth_provider"
_SECRET = "client_secret"  # noqa: S105 (its name)


def kinds(scope: Scope, registry: Registry) -> list[ProviderKindOut]:
    scope.require(Permission.CREDENTIALS_READ)
    return registry.kinds()


async def page(
    session: AsyncSession, scope: Scope, after: uuid.UUID | None, limit: int
) -> list[OAuthProviderOut]:
    scope.require(Permission.CREDENTIALS_READ)
    return await _out(session, scope, *await queries.page(session, scope, after, limit))


async def get(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> OAuthProviderOut:
    scope.require(Permission.CREDENTIALS_READ)
    return (await _out(session, scope, await find(session, scope, provider_id)))[0]


async def create(
    session: AsyncSession, scope: Scope, registry: Registry, data: OAuthProviderCreate
) -> OAuthProviderOut:
    """Raises BadEndpoint, OAuthProviderNameTaken."""
    scope.require(Permission.CREDENTIALS_WRITE)
    if scope.user_id is None:
        raise Forbidden("a registration is somebody's: the token names no person")
    secret = _plain(data.client_secret)
    registry.check(data.system_name, data.endpoints, has_secret=bool(secret))
    made = await queries.insert_if_free(
        session,
        scope,
        {
            "id": new_id(),
            "user_id": scope.user_id,
            "system_name": data.system_name,
            "name": data.name,
            "client_id": data.client_id,
            "endpoints": data.endpoints.model_dump(mode="json", exclude_none=True),
            "scopes": list(data.scopes),
        },
    )
    if made is None:
        raise OAuthProviderNameTaken(f"there is an OAuth app named {data.name!r}", field="name")
    await _keep(session, scope, registry, made.id, secret)
    out = (await _out(session, scope, made))[0]
    entry = Entry(Action.CREATE, _KIND, made.id, after=_told(made))
    await audit.record(session, scope.actor, entry)
    return out


async def change(
    session: AsyncSession,
    scope: Scope,
    registry: Registry,
    provider_id: uuid.UUID,
    data: OAuthProviderChange,
) -> OAuthProviderOut:
    scope.require(Permission.CREDENTIALS_WRITE)
    found = await find(session, scope, provider_id)
    before, sent = _told(found), data.model_fields_set
    row = {name: getattr(data, name) for name in ("name", "client_id") if name in sent}
    if "scopes" in sent:
        row["scopes"] = list(data.scopes)
    saved = await queries.save(session, scope, provider_id, row) if row else found
    if saved is None:
        raise OAuthProviderNameTaken(f"there is an OAuth app named {data.name!r}", field="name")
    if "client_secret" in sent:
        secret = _plain(data.client_secret)
        endpoints = Endpoints.model_validate(saved.endpoints)
        registry.check(saved.system_name, endpoints, has_secret=bool(secret))
        await _keep(session, scope, registry, provider_id, secret)
    out = (await _out(session, scope, saved))[0]
    more = {"client_secret": "changed"} if "client_secret" in sent else {}
    entry = Entry(Action.UPDATE, _KIND, provider_id, before, _told(saved), more)
    await audit.record(session, scope.actor, entry)
    return out


async def delete(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> None:
    """Raises OAuthProviderInUse."""
    scope.require(Permission.CREDENTIALS_WRITE)
    found = await find(session, scope, provider_id)
    if await queries.is_used(session, scope, provider_id):
        raise OAuthProviderInUse(f"connections were made with {found.name!r}: delete them first")
    await queries.remove(session, scope, provider_id)
    entry = Entry(Action.DELETE, _KIND, provider_id, before=_told(found))
    await audit.record(session, scope.actor, entry)


async def registration(
    session: AsyncSession, scope: Scope, registry: Registry, provider_id: uuid.UUID
) -> Registration:
    """Within the engine; whoever asks has checked what the caller may do.

    Raises OAuthProviderNotFound.
    """
    found = await find(session, scope, provider_id)
    owner = Owner(_KIND, provider_id)
    secret = (await registry.secrets.get(session, scope, owner)).get(_SECRET)
    endpoints = Endpoints.model_validate(found.endpoints)
    provider = registry.provider(found.system_name, endpoints, found.name)
    return Registration(provider, found.client_id, secret, tuple(found.scopes))


async def find(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> OAuthProvider:
    """Within the engine. Raises OAuthProviderNotFound."""
    found = await queries.get(session, scope, provider_id)
    if found is None:
        raise OAuthProviderNotFound(f"no OAuth app {provider_id}", field="oauth_provider_id")
    return found


async def _keep(
    session: AsyncSession, scope: Scope, registry: Registry, provider_id: uuid.UUID, secret: str
) -> None:
    owner = Owner(_KIND, provider_id)
    if secret:
        await registry.secrets.put(session, scope, owner, {_SECRET: secret})
    else:
        await registry.secrets.drop(session, scope, owner, [_SECRET])


async def _out(
    session: AsyncSession, scope: Scope, *found: OAuthProvider
) -> list[OAuthProviderOut]:
    secret = await queries.with_secret(session, scope, found) if found else set[uuid.UUID]()
    return [_shown(one, has_secret=one.id in secret) for one in found]


def _shown(found: OAuthProvider, *, has_secret: bool) -> OAuthProviderOut:
    return OAuthProviderOut(
        id=found.id,
        system_name=found.system_name,
        name=found.name,
        client_id=found.client_id,
        has_secret=has_secret,
        endpoints=Endpoints.model_validate(found.endpoints),
        scopes=found.scopes,
        created_at=found.created_at,
    )


def _told(found: OAuthProvider) -> dict[str, object]:
    """What the audit log may keep."""
    kept = ("name", "system_name", "client_id", "endpoints", "scopes")
    return {name: getattr(found, name) for name in kept}


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value().strip() if secret else ""
