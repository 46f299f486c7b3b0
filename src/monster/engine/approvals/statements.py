"""The SQL of answers, as text. `statements` are run by `queries` alone."""

from typing import LiteralString

from monster.engine.runs.read_statements import WAITING
from monster.kit import audit

# People answer for their own conversations, and some for those of contacts and programs. Nobody
# answers for another person.
_MAY: LiteralString = """
    c.tenant_id = %(tenant)s and (c.user_id = %(user)s or c.user_id is null and %(others)s)
"""

PLACE: LiteralString = f"""
    select c.id from run join conversation c on c.tenant_id = run.tenant_id
        and c.id = run.conversation_id
    where run.tenant_id = %(tenant)s and run.id = %(run)s and {_MAY}
"""

# Sent when the conversation is locked, so nothing that is read here changes meanwhile. If the run
# was cancelled at this moment, its lease is there already, and whoever has it closes the run. First
# the lease, then the log, as whoever cancels: else each of the two would wait for the other.
ANSWER: LiteralString = f"""
    with held as (
        select run.id, run.status from run join conversation c on c.tenant_id = run.tenant_id
            and c.id = run.conversation_id
        where run.tenant_id = %(tenant)s and run.id = %(run)s and {_MAY}
    ), known as (
        select t.id, arguments_hash, coalesce(waits_for, 'unknown') as waits_for,
            held.status = 'waiting' and t.status in ('requested', 'unknown') as is_open
        from held join tool_call t on t.tenant_id = %(tenant)s and t.run_id = held.id
    ), asked as (
        select call, decision, status, hash, note from jsonb_to_recordset(%(answers)s::jsonb)
            a(call uuid, decision text, status text, hash text, note text)
        union all
        select id, 'resume', 'approved', arguments_hash, '' from known
        where %(resume)s and is_open and waits_for = 'connection'
    ), judged as (
        select known.*, decision, status, hash, note from asked left join known on id = call
    ), verdict as (
        select case
            when not exists (select from held) then 'no run'
            when exists (select from judged where id is null) then 'no call'
            when not exists (select from judged) or exists (select from judged where not is_open)
                then 'answered'
            when exists (select from judged where decision = 'confirm' and waits_for <> 'unknown')
                then 'not in doubt'
            when exists (select from judged where decision = 'approve' and hash <> arguments_hash)
                then 'changed'
            else 'taken' end as said
    ), answered as (
        update tool_call t set status = judged.status, waits_for = judged.waits_for,
            approved_by = case when decision = 'resume' then approved_by else %(user)s end,
            answered_at = now(), note = nullif(judged.note, ''), updated_at = now()
        from judged, verdict
        where said = 'taken' and t.tenant_id = %(tenant)s and t.id = judged.id
    ), resumed as (
        update run set status = 'running', reason = null, answered_at = now(), updated_at = now()
        from verdict where said = 'taken' and tenant_id = %(tenant)s and id = %(run)s
            and not exists (select from known where is_open and id not in (select id from judged))
        returning id
    ), lease as (
        insert into run_lease (tenant_id, run_id, owner, until, takeovers)
        select %(tenant)s, id, %(owner)s, now(), -1 from resumed
        on conflict do nothing returning run_id
    ), recorded as ({audit.INSERT} where exists (select from verdict where said = 'taken')
        and (select count(*) from lease) >= 0)
    select said, exists (select from resumed) from verdict
"""

WAITS: LiteralString = f"""
    select run.id, c.id, c.title, c.agent_id, coalesce(a.spec->>'name', ''), c.user_id,
        c.contact_id, run.message, {WAITING}, run.created_at, run.updated_at
    from run join conversation c on c.tenant_id = run.tenant_id and c.id = run.conversation_id
        join agent_spec a on a.tenant_id = c.tenant_id and a.agent_id = c.agent_id
    where run.tenant_id = %(tenant)s and run.status = 'waiting' and run.id < %(before)s and {_MAY}
    order by run.id desc limit %(limit)s
"""
