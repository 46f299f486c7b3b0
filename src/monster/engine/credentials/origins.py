"""Where the token of a credential comes from: a registration with a provider, or what is pasted."""

import uuid
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.auth_config import TOKEN_CREDS, BadValue, Strategy
from monster.contracts.oauth import CUSTOM
from monster.engine.access.scope import Scope
from monster.engine.oauth import pasted
from monster.engine.oauth import service as oauth
from monster.engine.toolkit.definitions import Definition

_FIELD = "oauth_provider_id"


async def origin(
    session: AsyncSession,
    scope: Scope,
    definition: Definition,
    strategy: Strategy,
    named: uuid.UUID | None,
    values: Mapping[str, str],
) -> dict[str, object]:
    """The columns that say it; `named` is the registration that was asked for.

    Without one, the tool factory's own or the platform's. Raises BadValue, OAuthProviderNotFound.
    """
    if not strategy.has_token:
        if named:
            raise BadValue("nobody is asked for a token here", field=_FIELD)
        return {}
    fixed = definition.oauth_provider_id
    if fixed and named not in (None, fixed):
        raise BadValue(f"{definition.name} is connected with its own OAuth app", field=_FIELD)
    if chosen := fixed or named:
        found = await oauth.find(session, scope, chosen)
        if definition.oauth and found.system_name not in (*definition.oauth, CUSTOM):
            raise BadValue(f"{definition.name} does not take tokens of that app", field=_FIELD)
        return {"oauth_provider_id": chosen}
    if not strategy.is_oauth:  # client credentials: the platform's would be its own account
        return {}
    if not definition.oauth and TOKEN_CREDS not in values:
        raise BadValue("say with which OAuth app", field=_FIELD)
    return {"oauth_system": next(iter(definition.oauth), None)}


def status(strategy: Strategy, values: Mapping[str, str]) -> str:
    """Of a credential with these values, before it was used. Raises BadValue."""
    if not strategy.is_oauth:
        return "active"
    if text := values.get(TOKEN_CREDS):
        pasted.read(text, values.get("client_id"))
        return "active"
    return "pending"
