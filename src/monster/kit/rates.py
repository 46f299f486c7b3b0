"""How often somebody may try: token buckets in the database, the same for all processes."""

import hashlib
import math
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from monster.kit import migrations, tenancy
from monster.kit.db import SessionMaker
from monster.kit.errors import TooMany


class Rate(NamedTuple):
    """So many at once, and as many again over `per`."""

    times: int
    per: timedelta


class Limits(NamedTuple):
    address: Rate  # from one place in the network
    email: Rate  # about one e-mail, whether anybody has it or not


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
_FORGET = text("delete from rate_bucket where at < now() - interval '1 day'")


def create(role: str) -> None:
    """For a migration."""
    migrations.execute(_CREATE.format(role=role))


async def take(session: AsyncSession, rate: Rate, *whose: str) -> None:
    """Counts if this transaction commits, so it is best one of its own. Raises TooMany."""
    key = hashlib.sha256("\0".join(whose).encode()).digest()
    refill = rate.times / rate.per.total_seconds()
    values = {"key": key, "burst": rate.times, "refill": refill}
    if await session.scalar(_TAKE, values) is None:
        raise TooMany("too many attempts: wait a little", retry_after=math.ceil(1 / refill))


async def take_both(
    sessions: SessionMaker, what: str, limits: Limits, address: str | None, email: str = ""
) -> None:
    """Before anything costly, and before anybody looks who has the e-mail. Raises TooMany."""
    async with tenancy.outside(sessions) as session:
        await take(session, limits.address, what, "address", network(address or ""))
    if email:
        async with tenancy.outside(sessions) as session:
            await take(session, limits.email, what, "email", email.lower())


def network(address: str) -> str:
    """Whom to count: of IPv6, everybody is given a whole /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


async def forget(session: AsyncSession) -> None:
    """What was full again long ago."""
    await session.execute(_FORGET)
