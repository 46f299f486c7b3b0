"""The identity providers of a workspace: set up, changed, tested, and opened for use."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.scope import Scope
from monster.dashboard.identity_providers import queries
from monster.dashboard.identity_providers.errors import (
    BadIssuer,
    ProviderNameTaken,
    ProviderNotFound,
    SecretNeeded,
    SecretSealed,
)
from monster.dashboard.identity_providers.schemas import (
    ProviderChanges,
    ProviderCreate,
    ProviderTested,
)
from monster.dashboard.oidc.client import Oidc
from monster.dashboard.oidc.errors import ProviderFailed
from monster.dashboard.permissions import Can
from monster.dashboard.tenancy.models import IdentityProvider
from monster.kit import audit, logs
from monster.kit.audit import Action, Entry
from monster.kit.crypto import CannotOpen, Key, MasterKey
from monster.kit.ids import new_id

_KIND = "identity_provider"


async def page(
    session: AsyncSession, scope: Scope, words: str, after: uuid.UUID | None, limit: int
) -> Sequence[IdentityProvider]:
    scope.require(Can.SSO)
    return await queries.page(session, scope, words, after, limit)


async def get(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> IdentityProvider:
    scope.require(Can.SSO)
    return _found(await queries.get(session, scope, provider_id), provider_id)


async def slug(session: AsyncSession, scope: Scope) -> str:
    """What the workspace is called in its sign-in link."""
    return await queries.slug(session, scope)


async def create(
    session: AsyncSession, scope: Scope, master: MasterKey, oidc: Oidc, data: ProviderCreate
) -> IdentityProvider:
    scope.require(Can.SSO)
    _check_issuer(oidc, data.issuer)
    provider_id = new_id()
    values = data.model_dump(exclude={"client_secret"}) | {"id": provider_id}
    values["client_secret"] = await _seal(session, scope, master, provider_id, data)
    made = await queries.insert_if_free(session, scope, values)
    if made is None:
        raise _taken(data.name)
    entry = Entry(Action.CREATE, _KIND, made.id, after=_audited(made))
    await audit.record(session, scope.actor, entry)
    return made


async def update(
    session: AsyncSession,
    scope: Scope,
    master: MasterKey,
    oidc: Oidc,
    provider_id: uuid.UUID,
    changes: ProviderChanges,
) -> IdentityProvider:
    """Another issuer means other people: whom the old one knew is forgotten."""
    scope.require(Can.SSO)
    provider = _found(await queries.lock(session, scope, provider_id), provider_id)
    before = _audited(provider)
    values = changes.model_dump(exclude_unset=True, exclude={"client_secret"})
    moved = values.get("issuer", provider.issuer) != provider.issuer
    if moved:
        _check_issuer(oidc, changes.issuer)
    if "client_secret" in changes.model_fields_set:
        values["client_secret"] = await _seal(session, scope, master, provider_id, changes)
    elif moved and provider.has_secret:
        raise SecretNeeded("type the secret again for the new issuer", field="client_secret")
    if not await queries.save(session, scope, provider, values):
        raise _taken(changes.name)
    if moved:
        await queries.forget_people(session, scope, provider_id)
    if moved or not provider.enabled:
        await queries.end_sessions(session, scope, provider_id)
    entry = Entry(Action.UPDATE, _KIND, provider_id, before=before, after=_audited(provider))
    await audit.record(session, scope.actor, entry)
    return provider


async def delete(session: AsyncSession, scope: Scope, provider_id: uuid.UUID) -> str:
    """Whoever came through it is signed out. Its name, for a last word."""
    scope.require(Can.SSO)
    gone = _found(await queries.remove(session, scope, provider_id), provider_id)
    entry = Entry(Action.DELETE, _KIND, provider_id, before=_audited(gone))
    await audit.record(session, scope.actor, entry)
    return gone.name


async def test(oidc: Oidc, provider: IdentityProvider) -> ProviderTested:
    """Asks it, whatever is remembered. No transaction may be open."""
    try:
        await oidc.discover(provider.issuer, fresh=True)
    except ProviderFailed as failed:
        return ProviderTested(works=False, code=failed.code, problem=failed.message)
    return ProviderTested(works=True, code=None, problem=None)


async def tested(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID, result: ProviderTested
) -> None:
    more = {"works": result.works, "code": result.code}
    await audit.record(session, scope.actor, Entry(Action.TEST, _KIND, provider_id, more=more))


# For signing in


async def enabled(session: AsyncSession, scope: Scope) -> Sequence[IdentityProvider]:
    return await queries.enabled(session, scope)


async def enabled_one(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID
) -> IdentityProvider | None:
    """Stays enabled until the transaction ends."""
    return await queries.enabled_one(session, scope, provider_id)


async def open_secret(
    session: AsyncSession, scope: Scope, master: MasterKey, provider: IdentityProvider
) -> str | None:
    """For the moment of use."""
    if provider.client_secret is None:
        return None
    key = await _key(session, scope, master)
    try:
        secret = key.open(provider.client_secret, *_place(scope, provider.id)).decode()
    except CannotOpen as error:
        raise _sealed() from error
    logs.hide(secret)
    return secret


def _found(provider: IdentityProvider | None, provider_id: uuid.UUID) -> IdentityProvider:
    if provider is None:
        raise ProviderNotFound(f"no identity provider {provider_id}")
    return provider


def _check_issuer(oidc: Oidc, issuer: str) -> None:
    try:
        oidc.check_issuer(issuer)
    except ProviderFailed as failed:
        raise BadIssuer(failed.message, field="issuer") from failed


async def _seal(
    session: AsyncSession,
    scope: Scope,
    master: MasterKey,
    provider_id: uuid.UUID,
    data: ProviderCreate | ProviderChanges,
) -> bytes | None:
    if data.client_secret is None:
        return None
    secret = data.client_secret.get_secret_value()
    logs.hide(secret)
    key = await _key(session, scope, master)
    return key.seal(secret.encode(), *_place(scope, provider_id))


async def _key(session: AsyncSession, scope: Scope, master: MasterKey) -> Key:
    """The tenant's own; made when it is needed for the first time."""
    wrapped = await queries.wrapped_key(session, scope)
    if wrapped is None:
        await queries.add_key(session, scope, master.new_data_key(scope.tenant_id)[1])
        wrapped = await queries.wrapped_key(session, scope)
    assert wrapped is not None, "just made, by us or by another request"
    try:
        return master.unwrap(scope.tenant_id, wrapped)
    except CannotOpen as error:
        raise _sealed() from error


def _place(scope: Scope, provider_id: uuid.UUID) -> tuple[str, str, str]:
    return str(scope.tenant_id), _KIND, str(provider_id)


def _sealed() -> SecretSealed:
    return SecretSealed("the secret does not open with the account key that is set")


def _audited(provider: IdentityProvider) -> Mapping[str, object]:
    """The secret among it: the log then tells that it changed, and redacts it."""
    names = (
        "name", "issuer", "client_id", "client_secret", "scopes", "role_claim", "roles",
        "default_role", "enabled",
    )  # fmt: skip
    return {name: getattr(provider, name) for name in names}


def _taken(name: str) -> ProviderNameTaken:
    return ProviderNameTaken(f"a provider named {name!r} exists", field="name")
