"""Lets in whom a workspace's identity provider vouches for, and nobody else.

A provider speaks for its own workspace only: it never reaches the account of somebody who is not a
member there, and the session that begins stays in that workspace.
"""

import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.errors import TokenWorthless
from monster.dashboard.identity.schemas import Device, Ticket
from monster.dashboard.identity.scope import Scope
from monster.dashboard.identity.service import begin
from monster.dashboard.identity_providers import service as providers
from monster.dashboard.oidc.client import Attempt, Client, authorization_url
from monster.dashboard.oidc.errors import ProviderFailed
from monster.dashboard.oidc.metadata import Metadata
from monster.dashboard.sso import queries
from monster.dashboard.sso.errors import NoSingleSignOn, SignInFailed
from monster.dashboard.sso.schemas import (
    Answer,
    Begun,
    Door,
    Visitor,
    default_role,
    mapped_role,
    name_of,
    read_visitor,
)
from monster.dashboard.tenancy.models import IdentityProvider
from monster.kit import audit, rates, tenancy
from monster.kit.audit import Action, Actor, Entry
from monster.kit.db import SessionMaker
from monster.kit.rates import Rate

LASTS = timedelta(minutes=10)
_RATE = Rate(120, timedelta(minutes=1))  # of each step: a whole office may share an address
_SLUG = re.compile(r"[a-z0-9-]{1,300}")


async def throttle(sessions: SessionMaker, step: str, device: Device) -> None:
    """Raises TooMany."""
    async with tenancy.outside(sessions) as session:
        await rates.take(session, _RATE, "sso", step, device.ip_address or "")


async def choices(sessions: SessionMaker, slug: str) -> tuple[Scope, Sequence[IdentityProvider]]:
    """The enabled providers of a workspace. Raises NoSingleSignOn if there is none."""
    async with tenancy.outside(sessions) as session:
        known = _SLUG.fullmatch(slug) and await identity.tenant_by_slug(session, slug)
        scope = Scope.system(known or uuid.UUID(int=0))
        await tenancy.enter(session, scope.tenant_id)
        found = await providers.enabled(session, scope)
    if not found:
        raise NoSingleSignOn("There is no single sign-on under this name. Check how it is written.")
    return scope, found


async def start(
    door: Door, scope: Scope, provider: IdentityProvider, browser: str, onward: str
) -> str:
    """Where the browser goes now. `browser` is what its cookie will hold."""
    metadata = await door.oidc.discover(provider.issuer)
    begun = Begun(
        provider_id=provider.id,
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        browser=_hash(browser),
        onward=onward,
    )
    async with tenancy.transaction(door.sessions, scope.tenant_id) as session:
        token_id = await identity.promise(
            session, "sso", LASTS, tenant_id=scope.tenant_id, data=begun.model_dump(mode="json")
        )
        made = await identity.mint(session, token_id)
    assert made is not None, "just promised"
    attempt = Attempt(made[0], begun.nonce, begun.verifier)
    return authorization_url(metadata, _client(door, provider), attempt)


async def finish(door: Door, answer: Answer, browser: str, device: Device) -> tuple[Ticket, str]:
    """A session, and where to go. Raises SignInFailed, ProviderFailed.

    No transaction is open while the provider is asked.
    """
    async with tenancy.outside(door.sessions) as session:
        scope, begun = await _redeem(session, answer.state, browser)
    try:
        return await _proven(door, scope, begun, answer, device), begun.onward
    except (SignInFailed, ProviderFailed) as failed:
        async with tenancy.transaction(door.sessions, scope.tenant_id) as session:
            await _record_failure(session, scope, device, begun, failed.code)
        raise


async def _redeem(session: AsyncSession, state: str, browser: str) -> tuple[Scope, Begun]:
    """Used up from here on; but not by a browser that did not begin it."""
    try:
        row = await identity.redeem(session, "sso", state)
    except TokenWorthless as error:
        raise _lost() from error
    begun = Begun.model_validate(row.data)
    if row.tenant_id is None or not secrets.compare_digest(begun.browser, _hash(browser)):
        raise _lost()
    return Scope.system(row.tenant_id), begun


def _lost() -> SignInFailed:
    return SignInFailed("bad_state", "this sign-in was begun elsewhere, is over, or too old")


async def _proven(door: Door, scope: Scope, begun: Begun, answer: Answer, device: Device) -> Ticket:
    async with tenancy.transaction(door.sessions, scope.tenant_id) as session:
        provider = await _still_enabled(session, scope, begun.provider_id)
        secret = await providers.open_secret(session, scope, door.master, provider)
    metadata = await door.oidc.discover(provider.issuer)
    _check_answer(metadata, answer)
    attempt = Attempt(answer.state, begun.nonce, begun.verifier)
    wanted = {"email", provider.role_claim or "email"}
    client = _client(door, provider, secret)
    claims = await door.oidc.sign_in(metadata, client, attempt, answer.code, wanted)
    async with tenancy.transaction(door.sessions, scope.tenant_id) as session:
        provider = await _still_enabled(session, scope, begun.provider_id)
        if (provider.issuer, provider.client_id) != (metadata.issuer, client.client_id):
            raise SignInFailed("provider_gone", "this sign-in was changed meanwhile")
        user_id, done = await _admit(session, scope, provider, claims)
        bound = {"tenant_id": scope.tenant_id, "identity_provider_id": provider.id}
        ticket = await begin(session, user_id, device, door.lifetime, **bound)
        done.append(Entry(Action.LOGIN, "user", user_id, more={"by": provider.name}))
        await audit.record(session, _actor(scope, device, user_id), *done)
    return ticket


async def _still_enabled(
    session: AsyncSession, scope: Scope, provider_id: uuid.UUID
) -> IdentityProvider:
    """Looked at again in the transaction that begins the session: it waits for the provider's row,
    so that switching it off ends this session, too."""
    provider = await providers.enabled_one(session, scope, provider_id)
    if provider is None:
        raise SignInFailed("provider_gone", "this sign-in was switched off meanwhile")
    return provider


def _check_answer(metadata: Metadata, answer: Answer) -> None:
    """Who answers is who was asked (RFC 9207), and does not refuse."""
    must_say = metadata.authorization_response_iss_parameter_supported
    if (answer.issuer or must_say) and answer.issuer != metadata.issuer:
        raise SignInFailed("wrong_issuer", "somebody else answered than was asked")
    if answer.error or not answer.code:
        said = re.sub(r"[^\w .-]", "", answer.error)[:100] or "no code"
        raise SignInFailed("provider_error", f"the identity provider says: {said}")


async def _admit(
    session: AsyncSession, scope: Scope, provider: IdentityProvider, claims: Mapping[str, Any]
) -> tuple[uuid.UUID, list[Entry]]:
    """Who it is, and what has changed by their coming. Raises SignInFailed."""
    visitor, role = read_visitor(claims), mapped_role(provider, claims)
    done = list[Entry]()
    known = await queries.linked(session, scope, provider.id, visitor.sub)
    user_id = known or await _by_address(session, scope, visitor)
    if user_id is None:
        user_id, done = await _welcome(session, scope, provider, visitor, claims)
    member = await queries.member(session, scope, user_id)
    if member is None:
        raise SignInFailed("not_a_member", "somebody has this address who is not a member here")
    if not member.is_active:
        raise SignInFailed("inactive", "this account or membership is switched off")
    if known is None:
        await queries.link(session, scope, provider.id, visitor.sub, user_id)
    if role and await queries.set_role(session, scope, user_id, role):
        change = {"before": {"role": member.role}, "after": {"role": role}}
        done.append(Entry(Action.UPDATE, "member", user_id, **change, more={"by": provider.name}))
    return user_id, done


async def _by_address(session: AsyncSession, scope: Scope, visitor: Visitor) -> uuid.UUID | None:
    """Whoever has the address, if it is known to be theirs. Raises SignInFailed."""
    if visitor.email is None:
        raise SignInFailed("email_missing", "the identity provider told no e-mail address")
    if not visitor.verified:
        raise SignInFailed("email_unverified", "the identity provider has not verified the address")
    return await queries.user_by_email(session, scope, visitor.email)


async def _welcome(
    session: AsyncSession,
    scope: Scope,
    provider: IdentityProvider,
    visitor: Visitor,
    claims: Mapping[str, Any],
) -> tuple[uuid.UUID, list[Entry]]:
    """Somebody new to the platform. Of two who come at once, the second finds the first."""
    assert visitor.email is not None
    name = name_of(claims, visitor.email)
    user_id = await queries.add_user(session, scope, visitor.email, name)
    if user_id is None:
        raced = await queries.user_by_email(session, scope, visitor.email)
        assert raced is not None, "the address is taken"
        return raced, []
    role = mapped_role(provider, claims) or default_role(provider)
    await queries.add_member(session, scope, user_id, role)
    more = {"by": provider.name}
    return user_id, [Entry(Action.CREATE, "member", user_id, after={"role": role}, more=more)]


async def _record_failure(
    session: AsyncSession, scope: Scope, device: Device, begun: Begun, code: str
) -> None:
    entry = Entry(
        Action.LOGIN_FAILED, "identity_provider", begun.provider_id, more={"reason": code}
    )
    await audit.record(session, _actor(scope, device), entry)


def _actor(scope: Scope, device: Device, user_id: uuid.UUID | None = None) -> Actor:
    who = "user" if user_id else "anonymous"
    return Actor(
        scope.tenant_id,
        who,
        user_id,
        ip_address=device.ip_address,
        user_agent=device.user_agent,
    )


def _client(door: Door, provider: IdentityProvider, secret: str | None = None) -> Client:
    return Client(provider.client_id, secret, door.redirect_uri, provider.scopes)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
