"""What a provider is asked when a grant is renewed or given back."""

import asyncio
import logging
import time

from monster.engine.credentials.schemas import Opened
from monster.engine.grants.registrations import refresh_token_of, scopes_of_client
from monster.engine.oauth.client import TIMEOUT, OAuth
from monster.engine.oauth.errors import Dead, ProviderError, Unreachable
from monster.engine.oauth.schemas import Registration, Tokens

logger = logging.getLogger(__name__)

_PAUSES = (0.5, 2.0, None)  # seconds between tries, if a provider does not answer
_STORING = 2.0  # seconds
_REVOKING = 5.0  # seconds


async def ask(
    oauth: OAuth, known: Registration, opened: Opened, until: float, *, patient: bool
) -> Tokens:
    """Several times if need be, if `patient`; never when somebody else might ask, too: the claim
    ends at `until`, of the monotonic clock. Raises ProviderError."""
    for pause in _PAUSES if patient else (None,):
        if time.monotonic() > until - TIMEOUT - _STORING:
            break
        try:
            return await _once(oauth, known, opened)
        except Unreachable:
            if pause is None:
                raise
            await asyncio.sleep(pause)
    raise Unreachable(f"{known.provider.name} is too slow; try again later")


async def _once(oauth: OAuth, known: Registration, opened: Opened) -> Tokens:
    if not opened.is_oauth:
        return await oauth.client_credentials(known, scopes_of_client(opened, known))
    refresh_token = refresh_token_of(opened)
    if refresh_token is None:
        raise Dead(f"{known.provider.name} gave nothing to renew this connection with")
    return await oauth.refresh(known, refresh_token)


async def give_back(
    oauth: OAuth, known: Registration, access_token: str, refresh_token: str | None
) -> None:
    """Best effort."""
    try:
        async with asyncio.timeout(_REVOKING):
            await oauth.revoke(known, access_token, refresh_token)
    except (ProviderError, TimeoutError) as error:
        logger.info("a grant could not be revoked: %s", error)
