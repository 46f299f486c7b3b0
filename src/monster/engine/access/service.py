"""Whether an API key opens the door."""

import math
import uuid
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access import queries
from monster.engine.access.errors import BudgetSpent, TenantSuspended
from monster.engine.access.schemas import Presented
from monster.kit import bearer_keys, clock, logs, rates
from monster.kit.errors import TooMany
from monster.kit.pool import Pool
from monster.kit.rates import Rate

PREFIX = "mk"

_STRANGERS = Rate(30, timedelta(minutes=1))


def tenant_of(key: str) -> uuid.UUID | None:
    return bearer_keys.tenant_of(PREFIX, key)


async def present(pool: Pool, key: str, ext_id: str | None) -> Presented | None:
    """None if it is unknown, revoked or expired: which of these is told to nobody."""
    tenant_id = tenant_of(key)
    if tenant_id is None:
        return None
    found = await queries.find(pool, tenant_id, bearer_keys.digest(key), ext_id)
    if found is None:
        return None
    logs.hide(key)  # only what opens something: guesses must not push real secrets out
    logs.tenant_id.set(str(tenant_id))
    if found.suspended:
        raise TenantSuspended("this workspace is suspended")
    if not found.in_time:
        wait = math.ceil(60 / (found.requests_per_minute or 1))
        raise TooMany("this key asks too often: wait a little", retry_after=wait)
    if found.spent:
        sentence = "this key has spent its tokens of this month"
        raise BudgetSpent(sentence, retry_after=_rest_of_month())
    return found


async def count_stranger(session: AsyncSession, address: str) -> None:
    """Somebody showed a key that is none. Raises TooMany."""
    await rates.take(session, _STRANGERS, "unknown api key", address)


def _rest_of_month() -> int:
    now = clock.now()
    later = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
    end = later.replace(hour=0, minute=0, second=0, microsecond=0)
    return math.ceil((end - now).total_seconds())
