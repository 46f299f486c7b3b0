"""Whether the master key of this process is the one that the stored secrets were sealed under."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import select

from monster.engine.secrets.models import MasterKeyUse
from monster.engine.settings import Settings
from monster.kit import db
from monster.kit.crypto import MasterKey
from monster.kit.db import SessionMaker

_NAMED = 5


class WrongMasterKey(RuntimeError):
    """Nothing is lost: the key that sealed the secrets still opens them."""


async def check_master_key(sessions: SessionMaker, master: MasterKey) -> None:
    """Raises WrongMasterKey, which counts and names the tenants whose secrets would not open."""
    foreign = select(MasterKeyUse.tenant_id).where(MasterKeyUse.fingerprint != master.fingerprint)
    async with sessions() as session:
        tenants = sorted({str(tenant) for tenant in await session.scalars(foreign)})
    if tenants:
        more = f" and {len(tenants) - _NAMED} more" if len(tenants) > _NAMED else ""
        raise WrongMasterKey(
            f"the master key does not open the secrets of {len(tenants)} tenant(s):"
            f" {', '.join(tenants[:_NAMED])}{more}. Start with the key that sealed them."
        )


async def check_settings(settings: Settings) -> None:
    """Before anything is served. Raises WrongMasterKey."""
    engine = db.make_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        master = MasterKey.parse(settings.master_key.get_secret_value())
        await check_master_key(db.make_sessions(engine), master)
    finally:
        await engine.dispose()


@asynccontextmanager
async def right_master_key(sessions: SessionMaker, master: MasterKey) -> AsyncGenerator[None]:
    """For a process that serves: refuses to start with the wrong one."""
    await check_master_key(sessions, master)
    yield
