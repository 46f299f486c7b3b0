"""How often somebody may try: token buckets in the database, the same for all processes."""

import hashlib
import math
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from monster.kit import migrations
from monster.kit.errors import TooMany


class Rate(NamedTuple):
    """So many at once, and as many again over `per`."""

    times: int
    per: timedelta


# Unlogged: after a crash of the server everybody begins anew, and no request waits for its disk.
_CREATE = """
    create unlogged table rate_bucket (key bytea primary key, tokens float8 not null,
        at timestamptz not null);
    create index ix_rate_bucket_at on rate_bucket (at);
    grant select, insert, update, delete on rate_bucket to {role};
"""

_LEFT = "least(:burst, b.tokens + extract(epoch from clock_timestamp() - b.at) * :refill)"
_TAKE = text(f"""
    insert into rate_bucket as b (key, tokens, at)
    values (:key, cast(:burst as float8) - 1, clock_timestamp())
    on conflict (key) do update set tokens = {_LEFT} - 1, at = clock_timestamp()
        where {_LEFT} >= 1
    returning tokens
""")  # noqa: S608 (made of literals)
_GIVE_BACK = text("update rate_bucket set tokens = least(:burst, tokens + 1) where key = :key")
_FORGET = text("delete from rate_bucket where at < now() - interval '1 day'")


def create(role: str) -> None:
    """For a migration."""
    migrations.execute(_CREATE.format(role=role))


async def take(session: AsyncSession, rate: Rate, *whose: str) -> None:
    """Counts if this transaction commits, so it is best one of its own. Raises TooMany."""
    key = _key(whose)
    refill = rate.times / rate.per.total_seconds()
    values = {"key": key, "burst": rate.times, "refill": refill}
    if await session.scalar(_TAKE, values) is None:
        raise TooMany("too many attempts: wait a little", retry_after=math.ceil(1 / refill))


async def give_back(session: AsyncSession, rate: Rate, *whose: str) -> None:
    """What was taken by somebody who turned out to be right: only failures shall count."""
    await session.execute(_GIVE_BACK, {"key": _key(whose), "burst": rate.times})


def _key(whose: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\0".join(whose).encode()).digest()


async def forget(session: AsyncSession) -> None:
    """What was full again long ago."""
    await session.execute(_FORGET)
