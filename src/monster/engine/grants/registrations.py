"""As whom a grant is renewed: the workspace's registration, the platform's, or what was pasted."""

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.auth_config import TOKEN_CREDS
from monster.contracts.oauth import CUSTOM, Endpoints
from monster.engine.access.scope import Scope
from monster.engine.credentials.schemas import REFRESH_TOKEN, Opened
from monster.engine.oauth import pasted
from monster.engine.oauth import service as oauth
from monster.engine.oauth.errors import NotRegistered
from monster.engine.oauth.registry import Registry
from monster.engine.oauth.schemas import Registration

_GOOGLE = "google"


async def registration(
    session: AsyncSession, scope: Scope, registry: Registry, opened: Opened, *, anew: bool = False
) -> Registration:
    """`anew`: as whom somebody is asked to agree, whatever the grant is now.

    Raises NotRegistered, OAuthProviderNotFound, BadValue.
    """
    if not anew and (text := opened.values.get(TOKEN_CREDS)):
        return _of_pasted(registry, opened, text)
    if opened.oauth_provider_id:
        return await oauth.registration(session, scope, registry, opened.oauth_provider_id)
    if opened.oauth_system:
        return registry.platform(opened.oauth_system)
    return _of_values(registry, opened)


def refresh_token_of(opened: Opened) -> str | None:
    if kept := opened.values.get(REFRESH_TOKEN):
        return kept
    if text := opened.values.get(TOKEN_CREDS):
        return pasted.read(text, opened.values.get("client_id")).refresh_token
    return None


def scopes_of(opened: Opened, registration: Registration) -> tuple[str, ...]:
    """What the system needs, what the registration adds, what the provider wants besides."""
    system = opened.definition.system
    wanted = (*(system.scopes if system else ()), *registration.scopes)
    return tuple(dict.fromkeys((*wanted, *registration.provider.base_scopes)))


def scopes_of_client(opened: Opened, registration: Registration) -> tuple[str, ...]:
    """What is filled in goes before what the system needs."""
    filled = tuple(opened.values.get("scope", "").split())
    system = opened.definition.system
    return filled or (*(system.scopes if system else ()), *registration.scopes)


def _of_pasted(registry: Registry, opened: Opened, text: str) -> Registration:
    """Of the provider that the system takes tokens of: who pastes chooses no other."""
    creds = pasted.read(text, opened.values.get("client_id"))
    system = next(iter(opened.definition.oauth), _GOOGLE)
    provider = registry.provider(system, Endpoints())
    return Registration(provider, creds.client_id, creds.client_secret)


def _of_values(registry: Registry, opened: Opened) -> Registration:
    """Client credentials that are parameters of the connection: `client_id`, `client_secret`,
    `token_url`, `scope` and `audience`."""
    values = opened.values
    if not values.get("client_id") or not values.get("token_url"):
        raise NotRegistered(f"{opened.definition.name} has no OAuth app to connect with")
    audience = {"audience": values["audience"]} if values.get("audience") else {}
    said = Endpoints(token_url=values["token_url"], params=audience)
    provider = registry.provider(CUSTOM, said, opened.definition.name)
    return Registration(provider, values["client_id"], values.get("client_secret"))
