"""Credentials: values go in, are sealed, and come out only towards the system they belong to."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.auth_config import TOKEN_CREDS, Strategy
from monster.contracts.credentials import CredentialChange, CredentialCreate
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.credentials import origins, queries
from monster.engine.credentials.errors import (
    CredentialNameTaken,
    CredentialNotFound,
    NoConnectionNeeded,
    NoFactory,
)
from monster.engine.credentials.models import Credential
from monster.engine.credentials.schemas import ACCESS_TOKEN, REFRESH_TOKEN, Opened
from monster.engine.credentials.store import Store
from monster.engine.secrets.schemas import Owner
from monster.engine.tool_factories import service as tool_factories
from monster.engine.toolkit.definitions import Definition
from monster.kit import audit, clock
from monster.kit.audit import Action, Entry
from monster.kit.errors import Forbidden
from monster.kit.ids import new_id

_KIND = "credential"
_USED_PRECISION = timedelta(minutes=1)


async def page(
    session: AsyncSession,
    scope: Scope,
    factory: Definition | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[Credential]:
    """Of one factory, or all."""
    scope.require(Permission.CREDENTIALS_READ)
    return await queries.page(session, scope, factory, after, limit)


async def get(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> Credential:
    scope.require(Permission.CREDENTIALS_READ)
    return await _get(session, scope, credential_id)


async def create(
    session: AsyncSession, scope: Scope, store: Store, data: CredentialCreate
) -> Credential:
    scope.require(Permission.CREDENTIALS_WRITE)
    if scope.user_id is None:
        raise Forbidden("a credential is somebody's: the token names no person")
    definition = await _definition(session, scope, store, data)
    strategy = definition.auth.strategy(data.strategy)
    values = strategy.check(_plain(data.values))
    public, sealed = _divide(strategy, values)
    named = data.oauth_provider_id
    origin = await origins.origin(session, scope, definition, strategy, named, values)
    made = await queries.insert_if_free(
        session,
        scope,
        {
            "id": new_id(),
            "user_id": scope.user_id,
            "system_name": definition.system_name,
            "tool_factory_id": None if definition.system else definition.id,
            "strategy": strategy.name,
            "name": data.name,
            "scope": data.scope,
            "config": public,
            "secrets": sorted(sealed),
            "status": origins.status(strategy, values),
            **origin,
        },
    )
    if made is None:
        raise CredentialNameTaken(f"there is a connection named {data.name!r}", field="name")
    await store.secrets.put(session, scope, Owner(_KIND, made.id), sealed, _shown(strategy))
    await audit.record(
        session, scope.actor, Entry(Action.CREATE, _KIND, made.id, after=_told(made))
    )
    return made


async def change(
    session: AsyncSession,
    scope: Scope,
    store: Store,
    credential_id: uuid.UUID,
    data: CredentialChange,
) -> Credential:
    """Values that are not sent stay; one that is empty is forgotten. It is to be tested again."""
    scope.require(Permission.CREDENTIALS_WRITE)
    found = await _get(session, scope, credential_id)
    before = _told(found)
    definition = await store.define(session, scope, found)
    strategy = definition.auth.strategy(found.strategy)
    sent = _plain(data.values)
    known = frozenset({*found.secrets, *found.config} - sent.keys())
    values = strategy.check(sent, known)
    defaults = {p.name for p in strategy.parameters if p.name in known}
    public, sealed = _divide(strategy, {k: v for k, v in values.items() if k not in defaults})
    emptied = sent.keys() - values.keys()
    row = {name: getattr(data, name) for name in data.model_fields_set - {"values"}}
    row["config"] = {k: v for k, v in (found.config | public).items() if k not in emptied}
    if TOKEN_CREDS in sealed:  # another grant: nothing of the one before it holds
        row |= {"status": origins.status(strategy, values), "expires_at": None, "refresh_at": None}
        emptied = emptied | {ACCESS_TOKEN, REFRESH_TOKEN}
    row["secrets"] = sorted({*found.secrets, *sealed} - emptied)
    saved = await queries.rename(session, scope, credential_id, row)
    if saved is None:
        raise CredentialNameTaken(f"there is a connection named {data.name!r}", field="name")
    owner = Owner(_KIND, credential_id)
    await store.secrets.put(session, scope, owner, sealed, _shown(strategy))
    await store.secrets.drop(session, scope, owner, emptied)
    changed = Entry(Action.UPDATE, _KIND, credential_id, before, _told(saved))
    await audit.record(session, scope.actor, changed)
    return saved


async def delete(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> None:
    """Its secrets go with it."""
    scope.require(Permission.CREDENTIALS_WRITE)
    gone = await queries.remove(session, scope, credential_id)
    if gone is None:
        raise CredentialNotFound(f"no credential {credential_id}")
    await audit.record(
        session, scope.actor, Entry(Action.DELETE, _KIND, credential_id, before=_told(gone))
    )


async def resolve_secrets(
    session: AsyncSession, scope: Scope, store: Store, credential_id: uuid.UUID
) -> Opened:
    """For the moment of use, within the engine; whoever asks has checked what the caller may do.

    Raises CredentialNotFound, also of somebody else's private one.
    """
    found = await _get(session, scope, credential_id)
    return await _open(session, scope, store, found)


async def resolve_own(
    session: AsyncSession, scope: Scope, store: Store, factory: Definition
) -> Opened | None:
    """The caller's own for this factory, else one that is shared: the newest that works."""
    found = await queries.matching(session, scope, factory)
    return await _open(session, scope, store, found) if found else None


async def used(session: AsyncSession, scope: Scope, opened: Opened) -> None:
    """Written down once a minute at most."""
    recently = clock.now() - _USED_PRECISION
    if opened.last_used_at is None or opened.last_used_at < recently:
        await queries.touch(session, scope, opened.id, recently)


async def record(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, outcome: Mapping[str, object]
) -> Credential:
    """What came of a test: `status`, `last_error` and, if it works, `account`."""
    changed = await queries.record(session, scope, credential_id, outcome)
    if changed is None:
        raise CredentialNotFound(f"no credential {credential_id}")
    said = {"name": changed.name, "status": changed.status, "last_error": changed.last_error}
    await audit.record(session, scope.actor, Entry(Action.TEST, _KIND, credential_id, more=said))
    return changed


async def tried(
    session: AsyncSession, scope: Scope, factory_id: uuid.UUID, function: str, error: str | None
) -> None:
    """It was really called."""
    said = {"function": function, "error": error}
    await audit.record(
        session, scope.actor, Entry(Action.TEST, "tool_factory", factory_id, more=said)
    )


def _told(credential: Credential) -> dict[str, object]:
    """What the audit log may keep: of the secrets their names."""
    kept = ("name", "system_name", "strategy", "scope", "config", "secrets")
    return {name: getattr(credential, name) for name in kept}


async def _get(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> Credential:
    found = await queries.get(session, scope, credential_id)
    if found is None:
        raise CredentialNotFound(f"no credential {credential_id}")
    return found


async def _open(session: AsyncSession, scope: Scope, store: Store, found: Credential) -> Opened:
    definition = await store.define(session, scope, found)
    strategy = definition.auth.strategy(found.strategy)
    sealed = await store.secrets.get(session, scope, Owner(_KIND, found.id), _shown(strategy))
    return Opened(
        found.id,
        found.name,
        definition,
        found.strategy,
        found.config | sealed,
        found.status,
        found.expires_at,
        found.last_used_at,
        found.oauth_provider_id,
        found.oauth_system,
        found.refresh_at,
    )


async def _definition(
    session: AsyncSession, scope: Scope, store: Store, data: CredentialCreate
) -> Definition:
    if (data.tool_factory_id is None) == (data.system_name is None):
        raise NoFactory("name one of tool_factory_id and system_name", field="tool_factory_id")
    if data.system_name:
        definition = tool_factories.named(store.catalogue, data.system_name)
    else:
        assert data.tool_factory_id
        factory_id = data.tool_factory_id
        definition = await tool_factories.define(session, scope, store.catalogue, factory_id)
    if not definition.needs_connection:
        raise NoConnectionNeeded(f"{definition.name} needs no connection", field="tool_factory_id")
    return definition


def _plain(values: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in values.items()}


def _divide(strategy: Strategy, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What people may see, and what is sealed."""
    sealed = {parameter.name for parameter in strategy.parameters if parameter.is_sealed}
    public = {name: value for name, value in values.items() if name not in sealed}
    return public, {name: value for name, value in values.items() if name in sealed}


def _shown(strategy: Strategy) -> frozenset[str]:
    """Sealed, but no secret: a name may turn up in what a tool says."""
    return frozenset(p.name for p in strategy.parameters if not p.is_hidden)
