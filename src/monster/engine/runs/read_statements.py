"""The SQL by which runs are read, as text."""

from typing import LiteralString

from monster.engine.runs.statements import MINE, OWN

# Of a row `run`: its calls that a person has to decide about, as `contracts.runs.WaitingCall`.
WAITING: LiteralString = """
    case when run.status <> 'waiting' then '[]' else (
        select coalesce(json_agg(json_build_object('call', t.id, 'tool', t.tool,
            'arguments', t.arguments, 'arguments_hash', t.arguments_hash, 'effect', t.effect,
            'waits_for', coalesce(t.waits_for, 'unknown'), 'connection', t.connection,
            'tool_factory_id', t.tool_factory_id, 'evidence', t.result) order by t.id), '[]')
        from tool_call t where t.tenant_id = run.tenant_id and t.run_id = run.id
            and t.status in ('requested', 'unknown')) end
"""

EVENTS: LiteralString = """
    select status, e.seq, e.type, e.data from run left join lateral (
        select seq, type, data from run_event
        where tenant_id = %(tenant)s and run_id = %(run)s and seq >= %(seq)s
        order by seq limit %(page)s
    ) e on true
    where tenant_id = %(tenant)s and id = %(run)s order by e.seq
"""

GET: LiteralString = f"""
    select id, conversation_id, message, status, response, reason, usage, {WAITING}, created_at,
        updated_at
    from run where {OWN}
"""

RUNS: LiteralString = f"""
    select run.id, run.conversation_id, message, status, response, reason, usage, {WAITING},
        run.created_at, updated_at
    from conversation c left join run on run.tenant_id = %(tenant)s
        and run.conversation_id = c.id and run.id < %(before)s
    where {MINE} and c.id = %(conversation)s
    order by run.id desc limit %(limit)s
"""

MESSAGES: LiteralString = f"""
    select m.seq, run_id, role, parts, m.created_at
    from conversation c left join message m on m.tenant_id = %(tenant)s
        and m.conversation_id = c.id and m.seq < %(before)s
    where {MINE} and c.id = %(conversation)s
    order by m.seq desc limit %(limit)s
"""
