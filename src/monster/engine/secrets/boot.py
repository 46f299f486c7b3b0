"""Whether this process can open what is stored: said before it serves."""

import logging
import uuid

from monster.engine.access.scope import Scope
from monster.engine.secrets import keyring as keyrings
from monster.engine.secrets import queries, uses
from monster.engine.secrets.errors import KeysUnreachable
from monster.engine.secrets.keyring import Keyring
from monster.engine.settings import Settings
from monster.kit import db, tenancy
from monster.kit.crypto import CannotOpen
from monster.kit.db import SessionMaker

logger = logging.getLogger(__name__)

_NAMED = 5


class WrongMasterKey(RuntimeError):
    """Nothing is lost: the key that sealed the secrets still opens them."""


async def check_settings(settings: Settings) -> None:
    """Raises WrongMasterKey."""
    engine = db.make_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        await check_master_keys(db.make_sessions(engine), keyrings.from_settings(settings))
    finally:
        await engine.dispose()


async def check_master_keys(sessions: SessionMaker, keyring: Keyring) -> None:
    """Raises WrongMasterKey, which counts and names the tenants whose secrets would not open.

    A key that is here is known by its fingerprint. One that is elsewhere is tried, on the keys of
    some tenants; if nobody answers there, a warning is logged, since that passes.
    """
    async with tenancy.outside(sessions) as session:
        used = await uses.fingerprints(session)
    for fingerprint in used:
        if not await _opens(sessions, keyring, fingerprint):
            await _refuse(sessions, fingerprint)


async def _refuse(sessions: SessionMaker, fingerprint: str) -> None:
    async with tenancy.outside(sessions) as session:
        count, named = await uses.tenants_under(session, fingerprint, _NAMED)
    if count:
        more = f" and {count - _NAMED} more" if count > _NAMED else ""
        raise WrongMasterKey(
            f"the master key does not open the secrets of {count} tenant(s):"
            f" {', '.join(map(str, named))}{more}. Start with the key that sealed them, which is"
            f" {fingerprint}."
        )


async def _opens(sessions: SessionMaker, keyring: Keyring, fingerprint: str) -> bool:
    place = keyring.place_of(fingerprint)
    if place is None or place.local:
        return place is not None
    async with tenancy.outside(sessions) as session:
        _, some = await uses.tenants_under(session, fingerprint, _NAMED)
    try:
        return any([await _opens_for(sessions, keyring, fingerprint, one) for one in some])
    except KeysUnreachable as error:
        logger.warning("secrets cannot be opened for now: %s", error)
        return True


async def _opens_for(
    sessions: SessionMaker, keyring: Keyring, fingerprint: str, tenant_id: uuid.UUID
) -> bool:
    async with tenancy.transaction(sessions, tenant_id) as session:
        keys = await queries.tenant_keys(session, Scope(tenant_id, "system", frozenset()))
    wrapped = [key.wrapped for key in keys if key.wrapped.fingerprint == fingerprint]
    try:
        for one in wrapped:
            await keyring.open(tenant_id, one)
    except CannotOpen as error:
        logger.warning("tenant %s: %s", tenant_id, error)
        return False
    return True
