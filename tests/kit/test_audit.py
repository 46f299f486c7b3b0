"""Audit rows: what goes into one, how they hang together, and what is found out afterwards."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import pytest
from pydantic import BaseModel, SecretStr
from sqlalchemy import text

from monster.dashboard import database
from monster.kit import audit, audit_check, clock, logs, tenancy
from monster.kit.audit import Action, Actor, Entry
from monster.kit.audit_check import Checked
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import first_id, new_id

THING = Entry(Action.CREATE, "thing", "t1", after={"name": "Scout"})


async def write(sessions: SessionMaker, tenant_id: uuid.UUID, *entries: Entry) -> None:
    async with tenancy.transaction(sessions, tenant_id) as session:
        await audit.record(session, Actor.system(tenant_id), *(entries or (THING,)))


def run(postgres: Embedded, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as owner:
        cursor = owner.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def check(postgres: Embedded) -> Checked:
    with psycopg.connect(postgres.conninfo(database.NAME)) as owner:
        return audit_check.verify(owner)


async def check_one(sessions: SessionMaker, tenant_id: uuid.UUID) -> Checked:
    async with tenancy.transaction(sessions, tenant_id) as session:
        return await audit_check.verify_tenant(session, tenant_id)


def details(**values: object) -> dict[str, object]:
    return Entry(Action.UPDATE, "thing", more=values).details()


@pytest.fixture
def tenant_id(postgres: Embedded) -> Iterator[uuid.UUID]:
    """Whose log is removed afterwards: what a test broke must not be found by another."""
    mine = new_id()
    yield mine
    run(postgres, "delete from audit_log where tenant_id = %s", mine)
    run(postgres, "delete from audit_head where tenant_id = %s", mine)


async def test_many_rows_hang_together(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded
) -> None:
    for _ in range(20):
        await write(sessions, tenant_id)
    await write(sessions, tenant_id, *[THING] * 50)  # one statement

    query = "select seq, prev_hash, hash from audit_log where tenant_id = %s order by seq"
    rows = run(postgres, query, tenant_id)
    assert [row[0] for row in rows] == list(range(1, 71))
    assert [row[1] for row in rows] == [b"", *(row[2] for row in rows[:-1])]
    assert {len(row[2]) for row in rows} == {32}
    checked = await check_one(sessions, tenant_id)
    assert (checked.rows, checked.broken) == (70, 0)
    assert checked.heads == {tenant_id: (70, rows[-1][2])}
    assert check(postgres).breaks == []


async def test_entries_of_one_statement_keep_their_order(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded
) -> None:
    await write(sessions, tenant_id, *(Entry(Action.UPDATE, "thing", str(n)) for n in range(30)))
    query = "select resource_id from audit_log where tenant_id = %s order by seq"
    assert [row[0] for row in run(postgres, query, tenant_id)] == [str(n) for n in range(30)]


async def test_writers_at_once_leave_no_gap(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded
) -> None:
    await asyncio.gather(*(write(sessions, tenant_id, THING, THING) for _ in range(40)))

    query = "select array_agg(seq order by seq) from audit_log where tenant_id = %s"
    assert run(postgres, query, tenant_id) == [(list(range(1, 81)),)]
    assert (await check_one(sessions, tenant_id)).broken == 0


async def test_a_tenant_waits_for_itself_alone(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded
) -> None:
    other = new_id()
    async with tenancy.transaction(sessions, tenant_id) as session:
        await audit.record(session, Actor.system(tenant_id), THING)
        second = asyncio.create_task(write(sessions, tenant_id))
        await asyncio.wait_for(write(sessions, other), timeout=10)
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        async with asyncio.timeout(10):
            while run(postgres, waits) == [(0,)]:  # noqa: ASYNC110 (in the database)
                await asyncio.sleep(0.01)
        assert not second.done()
    await asyncio.wait_for(second, timeout=10)
    assert (await check_one(sessions, tenant_id)).rows == 2


async def test_what_is_rolled_back_was_never_there(
    tenant_id: uuid.UUID, sessions: SessionMaker
) -> None:
    await write(sessions, tenant_id)

    async def fail() -> None:
        async with tenancy.transaction(sessions, tenant_id) as session:
            await audit.record(session, Actor.system(tenant_id), THING)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fail()
    await write(sessions, tenant_id)

    checked = await check_one(sessions, tenant_id)
    assert (checked.rows, checked.broken, checked.heads[tenant_id][0]) == (2, 0, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_log set action = 'x'",
        "delete from audit_log",
        "truncate audit_log",
        "update audit_head set seq = 0",
        "delete from audit_head",
        "insert into audit_head values (gen_random_uuid(), 1, '')",
        "alter table audit_log disable trigger audit_chain",
        "set session_replication_role = replica",
        "create temporary table t (like audit_log); create trigger t before insert on t"
        " for each row execute function audit_chain()",
    ],
)
async def test_the_application_only_adds(
    tenant_id: uuid.UUID, sessions: SessionMaker, statement: str
) -> None:
    await write(sessions, tenant_id)

    async def attempt() -> None:
        async with tenancy.transaction(sessions, tenant_id) as session:
            for part in statement.split(";"):
                await session.execute(text(part))

    with pytest.raises(Exception, match=r"permission denied|must be owner"):
        await attempt()


async def test_nobody_chooses_number_hash_or_time(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded
) -> None:
    forged = text("""
        insert into audit_log (tenant_id, id, seq, principal, action, resource_type, details,
            prev_hash, hash, created_at)
        values (:tenant, :id, 77, 'user', 'X', 'thing', '{}', 'a', 'b', '2001-01-01')
    """)
    async with tenancy.transaction(sessions, tenant_id) as session:
        await session.execute(forged, {"tenant": tenant_id, "id": new_id()})

    query = "select seq, prev_hash, length(hash), created_at > now() - interval '1 hour'"
    rows = run(postgres, query + " from audit_log where tenant_id = %s", tenant_id)
    assert rows == [(1, b"", 32, True)]
    assert (await check_one(sessions, tenant_id)).broken == 0


async def test_nobody_writes_into_anothers_log(
    tenant_id: uuid.UUID, sessions: SessionMaker
) -> None:
    with pytest.raises(Exception, match="row-level security"):
        async with tenancy.transaction(sessions, tenant_id) as session:
            await audit.record(session, Actor.system(new_id()), THING)


# What goes into a row


class Inner(BaseModel):
    name: str
    token: SecretStr


@pytest.mark.parametrize(
    "value",
    ["a\0b", "\\u0000", "\ud800 alone", "🦉 \u200b\u202e", "\x1b[31m", "x" * 1_000_000, "'; drop--",
     b"\xff\x00", 10**30, float("nan"), float("inf"), {1, 2}, object(), clock.now()],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
async def test_whatever_is_said_is_stored(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded, value: object
) -> None:
    odd = str(value)
    entry = Entry(Action.UPDATE, "thing", odd, after={"v": value, odd[:50]: [value, {"v": value}]})
    actor = Actor(tenant_id, "user", None, None, odd, odd)
    async with tenancy.transaction(sessions, tenant_id) as session:
        await audit.record(session, actor, entry)

    ((size,),) = run(
        postgres, "select length(details::text) from audit_log where tenant_id = %s", tenant_id
    )
    assert size < 10_000
    assert (await check_one(sessions, tenant_id)).broken == 0


def test_text_that_looks_like_an_escape_stays() -> None:
    assert details(v="\\u0000")["v"] == "\\u0000"
    assert details(v="a\0b")["v"] == "ab"


def test_long_things_are_cut() -> None:
    said = details(text="x" * 3000, many=list(range(500)), wide={str(n): n for n in range(500)})
    assert said["text"] == "x" * 2000 + "… (3000 characters)"
    assert str(said["many"]).endswith("99, '… (400 more)']")
    assert str(said["wide"]).endswith("'…': '400 more'}")
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"in": deep}
    assert "…" in str(details(deep=deep))


def test_secrets_are_redacted_by_name_at_any_depth() -> None:
    said = details(
        password="hunter22",
        api_key="sk-1",
        nested={"Client-Secret": "s", "list": [{"accessToken": "t", "name": "n"}]},
        secrets=["api_key", "client_secret"],
        environment={"secrets": {"harmless": "v", "more": ["w"]}},
        tokens=["t1", "t2"],
        model=Inner(name="n", token=SecretStr("t")),
        password_set=True,
        token_id=(key := new_id()),
        password_hash=None,
    )
    assert said == {
        "password": "[redacted]",
        "api_key": "[redacted]",
        "nested": {"Client-Secret": "[redacted]", "list": [
            {"accessToken": "[redacted]", "name": "n"}]},
        "secrets": ["api_key", "client_secret"],
        "environment": {"secrets": {"harmless": "[redacted]", "more": ["[redacted]"]}},
        "tokens": ["[redacted]", "[redacted]"],
        "model": {"name": "n", "token": "[redacted]"},
        "password_set": True,
        "token_id": key,
        "password_hash": None,
    }  # fmt: skip


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    secret = f"sk-{new_id().hex}"
    logs.hide(secret)
    entry = Entry(
        Action.TEST, "thing", f"id {secret}",
        after={"error": f"the key {secret} is wrong", "l": "x" * 1990 + secret, secret: secret},
        more={"deep": {"er": [f"<{secret}>"]}},
    )  # fmt: skip
    stored = audit.rows(Actor.system(new_id()), entry)
    assert secret not in stored
    assert secret[:9] not in stored
    assert "the key ••• is wrong" in stored


def test_of_a_change_only_what_differs() -> None:
    before = {"name": "A", "scope": "private", "config": {"a": 1}, "old": 1}
    entry = Entry(
        Action.UPDATE, "thing", before=before,
        after={"name": "B", "scope": "private", "config": {"a": 1}, "new": None},
    )  # fmt: skip
    assert entry.details() == {
        "before": {"name": "A", "new": None},
        "after": {"name": "B", "new": None},
    }
    changed = Entry(Action.UPDATE, "thing", before={"password": "a"}, after={"password": "b"})
    assert changed.details()["after"] == {"password": "[redacted]"}
    assert Entry(Action.DELETE, "thing").details() == {}


def test_ids_of_a_moment() -> None:
    before = clock.now()
    made = new_id()
    assert first_id(before) <= made < first_id(datetime(2999, 1, 1, tzinfo=UTC))
    assert first_id(datetime.min.replace(tzinfo=UTC)) < made
    assert first_id(datetime.max.replace(tzinfo=UTC)) > made


# What somebody does who gets past all of it

_BREAKS: dict[str, tuple[LiteralString, int, str]] = {
    "changed": ("update audit_log set principal = 'x' {} and seq = 3", 3, "was changed"),
    "details": ("update audit_log set details = '[]' {} and seq = 2", 2, "was changed"),
    "time": ("update audit_log set created_at = now() - interval '1 d' {} and seq = 4",
             4, "was changed"),
    "deleted": ("delete from audit_log {} and seq = 3", 4, "row 3 before this one missing"),
    "two deleted": ("delete from audit_log {} and seq in (2, 3)", 4, "rows before"),
    "first deleted": ("delete from audit_log {} and seq = 1", 2, "row 1 before"),
    "last deleted": ("delete from audit_log {} and seq = 5", 5, "row 5 is missing at the end"),
    "cut off": ("delete from audit_log {} and seq > 2", 3, "rows 3 to 5 are missing at the end"),
    "emptied": ("delete from audit_log {}", 1, "rows 1 to 5 are missing at the end"),
    "head changed": ("update audit_head set hash = 'x' {}", 5, "does not end with the row"),
    "head set back": ("update audit_head set seq = 4 {}", 5, "does not end with the row"),
    "head deleted": ("delete from audit_head {}", 5, "no longer known"),
    "swapped": ("""update audit_log a set seq = 1000 + case a.seq when 2 then 3 else 2 end {}
        and seq in (2, 3)""", 4, "rows before"),
}  # fmt: skip


@pytest.mark.parametrize("how", _BREAKS)
async def test_what_was_done_from_outside_is_found(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded, how: str
) -> None:
    await write(sessions, tenant_id, *(Entry(Action.UPDATE, "thing", f"t{n}") for n in range(5)))
    query, seq, reason = _BREAKS[how]
    run(postgres, query.format("where tenant_id = %s"), tenant_id)

    for checked in (check(postgres), await check_one(sessions, tenant_id)):
        mine = [one for one in checked.breaks if one.tenant_id == tenant_id]
        assert checked.broken >= 1
        first = next(one for one in mine if reason in one.reason)
        assert first.seq == seq
        if first.row:
            assert first.row.resource_id == f"t{seq - 1}"
            assert (first.row.action, first.row.resource_type) == ("UPDATE", "thing")


async def test_a_row_put_in_between_is_found(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded
) -> None:
    """Past the trigger, by copying a row with a number of its own; also two that change places."""
    await write(sessions, tenant_id, THING, THING, Entry(Action.DELETE, "thing", "t2"))
    copy = """insert into audit_log select tenant_id, gen_random_uuid(), 4, principal, user_id,
        impersonator_id, action, resource_type, resource_id, details, ip_address, user_agent,
        prev_hash, hash, created_at from audit_log where tenant_id = %s and seq = 3"""
    swap = """update audit_log a set details = b.details, action = b.action,
        resource_id = b.resource_id from audit_log b where a.tenant_id = b.tenant_id
        and a.seq = case b.seq when 2 then 3 when 3 then 2 end and a.tenant_id = %s"""
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute(copy, [tenant_id])
        found = (await check_one(sessions, tenant_id)).breaks
        assert {one.seq for one in found} == {4}
        owner.execute("delete from audit_log where tenant_id = %s and seq = 4", [tenant_id])
        assert (await check_one(sessions, tenant_id)).broken == 0
        owner.execute(swap, [tenant_id])
    found = (await check_one(sessions, tenant_id)).breaks
    assert {(one.seq, one.reason) for one in found} == {
        (2, "this row was changed"),
        (3, "this row was changed"),
    }


async def test_a_log_is_verified_while_others_write(
    tenant_id: uuid.UUID, sessions: SessionMaker, postgres: Embedded
) -> None:
    writing = asyncio.gather(*(write(sessions, tenant_id) for _ in range(60)))
    while not writing.done():
        checked = await check_one(sessions, tenant_id)
        assert checked.broken == 0, checked.breaks
        whole = await asyncio.to_thread(check, postgres)
        assert [one for one in whole.breaks if one.tenant_id == tenant_id] == []
    await writing
    assert (await check_one(sessions, tenant_id)).rows == 60


async def test_an_empty_log_is_whole(sessions: SessionMaker) -> None:
    checked = await check_one(sessions, new_id())
    assert (checked.rows, checked.broken) == (0, 0)
