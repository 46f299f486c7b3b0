"""Finds an API key, in one statement. Only the key itself tells whose it is."""

import uuid
from typing import LiteralString

from monster.engine.access.schemas import Presented
from monster.kit.pool import Pool

# As `kit.rates`, but the rate is a column: `excluded.tokens` is one less than it.
_LEFT: LiteralString = """
    least(excluded.tokens + 1,
        b.tokens + extract(epoch from clock_timestamp() - b.at) * (excluded.tokens + 1) / 60)
"""

_FIND: LiteralString = f"""
    with key as (
        select id, permissions, agent_ids, contact_id, requests_per_minute,
            coalesce(used_tokens >= budget_tokens
                and used_since >= date_trunc('month', now(), 'UTC'), false) as spent
        from api_key
        where tenant_id = %(tenant)s and key_hash = %(hash)s and revoked_at is null
            and (expires_at is null or expires_at > now())
    ), taken as (
        insert into rate_bucket as b (key, tokens, at)
        select sha256(convert_to('api_key:' || id::text, 'UTF8')), requests_per_minute - 1,
            clock_timestamp()
        from key where requests_per_minute is not null
        on conflict (key) do update set tokens = {_LEFT} - 1, at = clock_timestamp()
            where {_LEFT} >= 1
        returning 1
    ), used as (
        update api_key k set last_used_at = now() from key
        where k.tenant_id = %(tenant)s and k.id = key.id
            and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute')
    )
    select id, permissions, agent_ids, contact_id, requests_per_minute, spent,
        requests_per_minute is null or exists (select from taken),
        exists (select from suspended_tenant where tenant_id = %(tenant)s),
        (select c.id from contact c
            where c.tenant_id = %(tenant)s and c.ext_id = %(ext_id)s::text)
    from key
"""  # noqa: S608 (made of literals: LiteralString holds that)


async def find(
    pool: Pool, tenant_id: uuid.UUID, key_hash: bytes, ext_id: str | None
) -> Presented | None:
    """Takes one of the key's requests, and notes once a minute that it is used."""
    params = {"tenant": tenant_id, "hash": key_hash, "ext_id": ext_id}
    rows = await pool.fetch(tenant_id, _FIND, params)
    return Presented(*rows[0]) if rows else None
