"""Grants as they are stored: claimed, kept, ended; and the attempts to get one."""

import hashlib
import random
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.auth_config import TOKEN_CREDS
from monster.engine.access.scope import Scope
from monster.engine.credentials import service as credentials
from monster.engine.credentials.errors import CredentialNotFound
from monster.engine.credentials.models import Credential
from monster.engine.credentials.schemas import ACCESS_TOKEN, REFRESH_TOKEN, Opened
from monster.engine.credentials.store import Store
from monster.engine.grants import queries
from monster.engine.grants.registrations import refresh_token_of
from monster.engine.grants.schemas import Flow, Held, OpenFlow
from monster.engine.oauth.schemas import Tokens
from monster.engine.secrets.schemas import Owner
from monster.kit import audit, clock
from monster.kit.audit import Action, Actor, Entry
from monster.kit.ids import new_id

_KIND, _FLOW = "credential", "oauth_flow"
_GRANT = frozenset({ACCESS_TOKEN, REFRESH_TOKEN, TOKEN_CREDS})
CLAIM = timedelta(seconds=45)
ATTEMPT = timedelta(minutes=10)
_LEAST = timedelta(seconds=2)  # that a token must still be good for
_EARLIEST = timedelta(minutes=5)  # before its end that it is renewed


def held(opened: Opened) -> Held | None:
    """Its access token, if that is still good."""
    token, ends = opened.values.get(ACCESS_TOKEN), opened.expires_at
    if not token or (ends is not None and ends - _LEAST <= clock.now()):
        return None
    return Held(token, ends, opened.refresh_at)


async def claim(
    session: AsyncSession, scope: Scope, store: Store, credential_id: uuid.UUID, stale: str | None
) -> Opened | Held | None:
    """Ours to renew, or what somebody else has got instead of the `stale` token meanwhile; None:
    somebody is about it. Raises CredentialNotFound."""
    ours = await queries.claim(session, scope, credential_id, CLAIM)
    opened = await credentials.resolve_secrets(session, scope, store, credential_id)
    found = held(opened)
    if found and found.token != stale:
        if ours:
            await release(session, scope, credential_id)
        return found
    return opened if ours else None


async def release(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> None:
    await queries.save(session, scope, credential_id, {"refreshing_until": None})


async def keep(
    session: AsyncSession, scope: Scope, store: Store, opened: Opened, tokens: Tokens
) -> Held | None:
    """What came of renewing `opened`; None if that grant was replaced or deleted meanwhile."""
    row = await _still(session, scope, store, opened)
    return await _put(session, scope, store, row, tokens) if row else None


async def agreed(
    session: AsyncSession, scope: Scope, store: Store, opened: Opened, tokens: Tokens
) -> None:
    """Somebody agreed: nothing of what was before holds any more, but agents keep the credential.

    Raises CredentialNotFound.
    """
    row = await queries.lock(session, scope, opened.id)
    if row is None:
        raise CredentialNotFound(f"no credential {opened.id}")
    await _drop(session, scope, store, row)
    await _put(session, scope, store, row, tokens)
    said = {"account": tokens.account} if tokens.account else {}
    if said:
        await queries.save(session, scope, opened.id, said)
    more = {"name": opened.name, "status": "active", **said}
    await audit.record(session, scope.actor, Entry(Action.UPDATE, _KIND, opened.id, more=more))


async def end(session: AsyncSession, scope: Scope, store: Store, opened: Opened, why: str) -> None:
    """The provider has ended this grant: a person must agree again. What renewed it is of no use
    any more; without such a thing, the access token may yet turn out to be good."""
    row = await _still(session, scope, store, opened)
    if row is None:
        return
    if refresh_token_of(opened) is not None:
        await _drop(session, scope, store, row)
    await _fail(session, scope, opened, {"status": "expired", "last_error": why})


async def fail(session: AsyncSession, scope: Scope, opened: Opened, why: str) -> None:
    """Nothing came of renewing it, but the grant may live."""
    await _fail(session, scope, opened, {"status": "failing", "last_error": why})


async def not_agreed(session: AsyncSession, scope: Scope, opened: Opened, why: str) -> None:
    """An attempt came to nothing. A connection that works goes on to do so."""
    if opened.status != "active":
        await queries.save(session, scope, opened.id, {"last_error": why})
    more = {"name": opened.name, "status": opened.status, "last_error": why}
    await audit.record(session, scope.actor, Entry(Action.TEST, _KIND, opened.id, more=more))


async def add_flow(
    session: AsyncSession, scope: Scope, store: Store, state: str, it: OpenFlow
) -> None:
    """For ten minutes, once, for this person."""
    digest, flow_id = digest_of(state), new_id()
    await queries.forget_flows(session, scope, it.credential_id, digest)
    text = it.flow.model_dump_json()
    sealed, version = await store.secrets.seal(session, scope, text, _FLOW, str(flow_id))
    row = {
        "id": flow_id,
        "credential_id": it.credential_id,
        "state_hash": digest,
        "sealed": sealed,
        "key_version": version,
        "expires_at": clock.now() + ATTEMPT,
    }
    await queries.add_flow(session, scope, row)


async def take_flow(
    session: AsyncSession, scope: Scope, store: Store, state: str
) -> OpenFlow | None:
    """It is used with that, whatever comes of it; None if there is none, or it is too old."""
    row = await queries.take_flow(session, scope, digest_of(state))
    if row is None or row.expires_at <= clock.now():
        return None
    place = (_FLOW, str(row.id))
    text = await store.secrets.unseal(session, scope, (row.sealed, row.key_version), *place)
    return OpenFlow(row.credential_id, Flow.model_validate_json(text)) if text else None


async def turn_of_flow(
    session: AsyncSession, scope: Scope, store: Store, state: str, *, slower: int = 0
) -> tuple[OpenFlow, bool] | None:
    """Whether its provider may be asked now; then nobody else asks before the next interval."""
    row = await queries.lock_flow(session, scope, digest_of(state), clock.now())
    if row is None:
        return None
    place = (_FLOW, str(row.id))
    text = await store.secrets.unseal(session, scope, (row.sealed, row.key_version), *place)
    if text is None:
        return None
    flow, now = Flow.model_validate_json(text), clock.now().timestamp()
    due = flow.next_at <= now
    if due or slower:
        interval = flow.interval + slower
        flow = flow.model_copy(update={"interval": interval, "next_at": now + interval})
        sealed = await store.secrets.seal(session, scope, flow.model_dump_json(), *place)
        await queries.save_flow(session, scope, row.id, *sealed)
    return OpenFlow(row.credential_id, flow), due


def digest_of(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()


async def _still(
    session: AsyncSession, scope: Scope, store: Store, opened: Opened
) -> Credential | None:
    """Locked. None if it is gone, or another grant has taken its place."""
    row = await queries.lock(session, scope, opened.id)
    if row is None:
        return None
    owner = replace(scope, user_id=row.user_id)  # who may not see it any more still tells its end
    now = await credentials.resolve_secrets(session, owner, store, opened.id)
    return row if refresh_token_of(now) == refresh_token_of(opened) else None


async def _put(
    session: AsyncSession, scope: Scope, store: Store, row: Credential, tokens: Tokens
) -> Held:
    """A provider that sends no new refresh token means the old one to go on."""
    sealed = {ACCESS_TOKEN: tokens.access_token}
    if tokens.refresh_token:
        sealed[REFRESH_TOKEN] = tokens.refresh_token
    await store.secrets.put(session, scope, Owner(_KIND, row.id), sealed)
    expires_at, refresh_at = _times(tokens.expires_in)
    values: dict[str, object] = {
        "expires_at": expires_at,
        "refresh_at": refresh_at,
        "refreshing_until": None,
        "status": "active",
        "last_error": None,
        "config": {**row.config, **tokens.facts},
        "secrets": sorted({*row.secrets, *sealed}),
    }
    await queries.save(session, scope, row.id, values)
    return Held(tokens.access_token, expires_at, refresh_at)


def _times(life: int | None) -> tuple[datetime, datetime] | tuple[None, None]:
    """When a token ends, and from when on it is renewed: not all at the same moment."""
    if life is None:
        return None, None
    span = timedelta(seconds=life)
    early = min(_EARLIEST, span / 3) * random.uniform(0.5, 1)  # noqa: S311 (spreads, hides nothing)
    ends = clock.now() + span
    return ends, ends - early


async def _drop(session: AsyncSession, scope: Scope, store: Store, row: Credential) -> None:
    """All that the grant was."""
    await store.secrets.drop(session, scope, Owner(_KIND, row.id), _GRANT)
    row.secrets = [name for name in row.secrets if name not in _GRANT]
    ended = {"secrets": row.secrets, "expires_at": None, "refresh_at": None}
    await queries.save(session, scope, row.id, ended)


async def _fail(
    session: AsyncSession, scope: Scope, opened: Opened, outcome: Mapping[str, object]
) -> None:
    await queries.save(session, scope, opened.id, {**outcome, "refreshing_until": None})
    actor = Actor.system(scope.tenant_id)
    more = {"name": opened.name, **outcome}
    await audit.record(session, actor, Entry(Action.UPDATE, _KIND, opened.id, more=more))
