"""Credentials: values go in, are sealed, and come out only towards the system they belong to."""

import re
import uuid
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.credentials import CredentialCreate
from monster.contracts.tokens import Permission
from monster.engine.access.scope import Scope
from monster.engine.credentials import queries
from monster.engine.credentials.errors import (
    BadBaseUrl,
    BadSecret,
    CredentialNameTaken,
    CredentialNotFound,
    ProviderFailed,
)
from monster.engine.credentials.models import Credential
from monster.engine.credentials.schemas import Opened
from monster.engine.models.offers import Offer
from monster.engine.models.protocol import ModelError
from monster.engine.models.providers import Account, Providers
from monster.engine.secrets.schemas import Owner
from monster.engine.secrets.service import Secrets
from monster.kit import audit, clock, logs
from monster.kit.audit import Action, Entry
from monster.kit.errors import Forbidden
from monster.kit.ids import new_id

_API_KEY = "api_key"
_KIND = "credential"
_HEADER_VALUE = re.compile(r"[\x21-\x7e]{1,8000}")  # it is sent as a header, as it stands
_USED_PRECISION = timedelta(minutes=1)


async def page(
    session: AsyncSession, scope: Scope, after: uuid.UUID | None, limit: int
) -> Sequence[Credential]:
    scope.require(Permission.CREDENTIALS_READ)
    return await queries.page(session, scope, after, limit)


async def get(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> Credential:
    scope.require(Permission.CREDENTIALS_READ)
    return await _get(session, scope, credential_id)


async def create(
    session: AsyncSession, scope: Scope, secrets: Secrets, data: CredentialCreate
) -> Credential:
    scope.require(Permission.CREDENTIALS_WRITE)
    if scope.user_id is None:
        raise Forbidden("a credential is somebody's: the token names no person")
    values = _secrets(data)
    made = await queries.insert_if_free(
        session,
        scope,
        {
            "id": new_id(),
            "user_id": scope.user_id,
            "system_name": data.system_name,
            "name": data.name,
            "scope": data.scope,
            "config": _config(data),
            "secrets": sorted(values),
        },
    )
    if made is None:
        raise CredentialNameTaken(f"there is a connection named {data.name!r}", field="name")
    if values:
        await secrets.put(session, scope, Owner(_KIND, made.id), values)
    await _note(session, scope, Entry(Action.CREATE, _KIND, made.id, after=_told(made)))
    return made


async def delete(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> None:
    """Its secrets go with it."""
    scope.require(Permission.CREDENTIALS_WRITE)
    gone = await queries.remove(session, scope, credential_id)
    if gone is None:
        raise CredentialNotFound(f"no credential {credential_id}")
    await _note(session, scope, Entry(Action.DELETE, _KIND, credential_id, before=_told(gone)))


async def resolve_secrets(
    session: AsyncSession, scope: Scope, secrets: Secrets, credential_id: uuid.UUID
) -> Opened:
    """For the moment of use, within the engine; whoever asks has checked what the caller may do.

    Raises CredentialNotFound, also of somebody else's private one.
    """
    found = await _get(session, scope, credential_id)
    values = await secrets.get(session, scope, Owner(_KIND, found.id))
    account = Account(found.system_name, found.base_url, values.get(_API_KEY, ""))
    return Opened(found.id, found.name, found.last_used_at, account)


async def used(session: AsyncSession, scope: Scope, opened: Opened) -> None:
    """Written down once a minute at most."""
    recently = clock.now() - _USED_PRECISION
    if opened.last_used_at is None or opened.last_used_at < recently:
        await queries.touch(session, scope, opened.id, recently)


# Asking the provider: between two transactions, so that none waits for it


async def open_for(
    session: AsyncSession,
    scope: Scope,
    permission: Permission,
    secrets: Secrets,
    credential_id: uuid.UUID,
) -> Opened:
    scope.require(permission)
    return await resolve_secrets(session, scope, secrets, credential_id)


async def list_models(providers: Providers, opened: Opened) -> list[str]:
    try:
        return (await providers.offer(opened.account)).models
    except ModelError as error:
        raise ProviderFailed(str(error)) from error


async def try_out(providers: Providers, opened: Opened) -> Offer | ModelError:
    try:
        return await providers.offer(opened.account)
    except ModelError as error:
        return error


async def record(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, outcome: Offer | ModelError
) -> Credential:
    values: dict[str, object] = {"status": "failing", "last_error": str(outcome)}
    if isinstance(outcome, Offer):
        values = {"status": "active", "last_error": None, "account": outcome.account}
    changed = await queries.record(session, scope, credential_id, values)
    if changed is None:
        raise CredentialNotFound(f"no credential {credential_id}")
    said = {"name": changed.name, "status": changed.status, "last_error": changed.last_error}
    await _note(session, scope, Entry(Action.TEST, _KIND, credential_id, more=said))
    return changed


async def _note(session: AsyncSession, scope: Scope, entry: Entry) -> None:
    await audit.record(session, scope.actor, entry)


def _told(credential: Credential) -> dict[str, object]:
    """What the audit log may keep: of the secrets their names."""
    kept = ("name", "system_name", "scope", "config", "secrets")
    return {name: getattr(credential, name) for name in kept}


async def _get(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> Credential:
    found = await queries.get(session, scope, credential_id)
    if found is None:
        raise CredentialNotFound(f"no credential {credential_id}")
    return found


# Values


def _secrets(data: CredentialCreate) -> dict[str, str]:
    """All systems so far have one: the key, which a server of one's own may do without."""
    for name in data.secrets.keys() - {_API_KEY}:
        raise BadSecret(f"{data.system_name} has no secret {name!r}", field=f"secrets.{name}")
    field = f"secrets.{_API_KEY}"
    if _API_KEY not in data.secrets:
        if data.system_name == "openai" and data.base_url:
            return {}
        raise BadSecret("the key is missing", field=field)
    value = data.secrets[_API_KEY].get_secret_value().strip()
    if not _HEADER_VALUE.fullmatch(value):
        raise BadSecret("the key is empty, too long, or has characters no key has", field=field)
    logs.hide(value)
    return {_API_KEY: value}


def _config(data: CredentialCreate) -> dict[str, str]:
    """The address is shown to people, so nothing secret may hide in it."""
    if data.base_url is None:
        return {}
    try:
        url = urlsplit(data.base_url)
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    else:
        if "@" in url.netloc or url.query or url.fragment:
            usable = False
    if not usable:
        raise BadBaseUrl(
            "an address like https://host/v1, without password, ? and #", field="base_url"
        )
    return {"base_url": data.base_url.rstrip("/")}
