"""How many sessions there are, and for how long."""

import asyncio
import uuid
from dataclasses import dataclass

import pytest

from monster.engine.mcp.pool import Key, Pool
from monster.engine.toolkit.effects import ToolFailed
from monster.kit.ids import new_id


@dataclass
class Session:
    name: str = "Test"
    fails: bool = False
    opened: int = 0
    alive: bool = False

    async def open(self) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise ToolFailed("no")
        self.opened += 1
        self.alive = True

    async def close(self) -> None:
        self.alive = False


def key(tenant_id: uuid.UUID, state: str = "") -> Key:
    return Key(tenant_id, new_id(), None, state)


async def use(pool: Pool, where: Key, session: Session | None = None) -> Session:
    async with pool.session(where, lambda: session or Session()) as found:
        assert found.alive
        return found


async def test_one_is_opened_once_however_many_want_it() -> None:
    pool, where = Pool(4, 60), key(new_id())
    found = await asyncio.gather(*(use(pool, where) for _ in range(9)))
    assert len({id(one) for one in found}) == 1
    assert found[0].opened == 1
    await pool.close()
    assert not found[0].alive


async def test_an_idle_one_ends() -> None:
    pool = Pool(4, 0.01)
    found = await use(pool, key(new_id()))
    async with asyncio.timeout(5):
        while found.alive:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    await pool.close()


async def test_other_secrets_are_another_session_and_the_old_one_ends() -> None:
    pool, where = Pool(20, 60), key(new_id(), "old")
    old = await use(pool, where)
    new = await use(pool, where._replace(state="new"))
    assert new is not old
    await pool.close()


async def test_the_one_used_longest_ago_makes_room() -> None:
    pool, tenants = Pool(4, 60), [new_id() for _ in range(5)]
    first, *rest = [await use(pool, key(tenant)) for tenant in tenants]
    await asyncio.sleep(0.01)
    assert not first.alive
    assert all(one.alive for one in rest)
    await pool.close()


async def test_what_is_in_use_is_not_ended() -> None:
    pool, tenant = Pool(4, 60), new_id()
    async with pool.session(key(tenant), Session) as busy:
        with pytest.raises(ToolFailed, match="too many"):  # a quarter of four is one
            await use(pool, key(tenant))
        assert busy.alive
        assert (await use(pool, key(new_id()))).alive  # others have theirs
    await use(pool, key(tenant))
    await asyncio.sleep(0.01)
    assert not busy.alive
    await pool.close()


async def test_who_waits_for_one_that_fails_hears_it() -> None:
    pool, where = Pool(4, 60), key(new_id())
    found = await asyncio.gather(
        *(use(pool, where, Session(fails=True)) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(one, ToolFailed) for one in found)
    await use(pool, where)  # the first time it is tried again at once
    for _ in range(2):
        with pytest.raises(ToolFailed, match="no"):
            await use(pool, where._replace(state="other"), Session(fails=True))
    with pytest.raises(ToolFailed, match="try again in"):
        await use(pool, where._replace(state="third"))
    await pool.close()


async def test_who_is_cancelled_while_it_opens_leaves_it_to_others() -> None:
    pool, where = Pool(4, 60), key(new_id())
    first = asyncio.create_task(use(pool, where))
    second = asyncio.create_task(use(pool, where))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).alive
    await pool.close()
