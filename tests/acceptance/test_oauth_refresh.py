"""One refresh for each grant, however many want its token, wherever they run.

The provider is a real one (`oidc-provider`) that rotates refresh tokens and ends a grant whose old
refresh token comes again; JIRA asks it about every token. Two engines are processes of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from monster.kit.embedded import Embedded
from tests.builders import Tenant
from tests.oauth import grants
from tests.oauth.provider import (
    PERMISSIONS,
    Provider,
    connect,
    new_credential,
    provider,
    register,
)
from tests.oauth.world import Jira, engine_for
from tests.processes import Process
from tests.talk import Seen

RUNS = 50


@pytest.fixture(scope="module")
def there() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
async def jira(there: Provider) -> AsyncIterator[Jira]:
    served = Jira(provider=there)
    async with served.serving():
        yield served


@pytest.fixture
async def two(postgres: Embedded, jira: Jira) -> AsyncIterator[tuple[Process, Process]]:
    more: dict[str, Any] = {"system_urls": {"jira": jira.url}, "outbound_allow": ["127.0.0.1/32"]}
    both = tuple(Process.start(postgres, **more) for _ in range(2))
    try:
        await asyncio.gather(*(one.ready() for one in both))
        yield both[0], both[1]
    finally:
        for one in both:
            await one.hang_up()
            one.kill()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 (another process writes it to a file)
            await asyncio.sleep(0.05)


@dataclass
class Connected:
    tenant: Tenant
    credential: str
    agent_id: str
    there: Provider
    postgres: Embedded

    async def ask(self, process: Process) -> list[Seen]:
        return await process.caller(self.tenant, self.agent_id).ask("look")

    def end_token(self) -> None:
        grants.end_token(self.postgres, self.credential)
        self.there.forget()

    async def look(self) -> dict[str, object]:
        caller = self.tenant.caller(*PERMISSIONS)
        return (await caller.get(f"/v1/credentials/{self.credential}")).json()

    async def claimed(self) -> None:
        """Until somebody is about to renew it."""
        await until(lambda: bool(self.there.events("asked")))


@pytest.fixture
async def acme(
    tenant: Tenant, postgres: Embedded, jira: Jira, there: Provider
) -> AsyncIterator[Connected]:
    there.tell(before=0, after=0, fail=0, life=3600)
    async with engine_for(postgres, jira.url) as app:
        acme = Tenant(tenant.dashboard, app, tenant.id, tenant.user_id)
        credential = await new_credential(acme, await register(acme, there))
        await connect(acme, there, credential)
        yield Connected(acme, credential, await grants.publish(acme, credential), there, postgres)


def results(events: list[Seen]) -> list[bool]:
    """Of each call, whether it failed."""
    return [event.data["failed"] for event in events if event.type == "tool.result"]


def ends(events: list[Seen]) -> str:
    return events[-1].type


async def test_fifty_runs_at_expiry_cost_one_refresh(
    acme: Connected, two: tuple[Process, Process], jira: Jira
) -> None:
    acme.end_token()
    acme.there.tell(before=0.5)  # so that all of them want it before it is there
    jira.seen.clear()
    runs = await asyncio.gather(*(acme.ask(two[n % 2]) for n in range(RUNS)))

    assert acme.there.tokens("refresh_token") == [200]
    assert [results(events) for events in runs] == [[False]] * RUNS
    assert {ends(events) for events in runs} == {"run.completed"}
    assert len(set(jira.seen)) == 1  # the old token was not tried by anybody
    assert acme.there.events("grant.revoked") == []

    acme.end_token()  # the grant lives: what was stored is what the provider takes next
    assert results(await acme.ask(two[1])) == [False]
    assert acme.there.tokens("refresh_token") == [200]
    assert (await acme.look())["status"] == "active"


async def test_fifty_runs_whose_token_is_refused_cost_one_refresh(
    acme: Connected, two: tuple[Process, Process]
) -> None:
    """It ended earlier than the provider had said."""
    acme.there.tell(life=1)
    await connect(acme.tenant, acme.there, acme.credential)
    later = "now() + interval '1 hour'"
    grants.change(acme.postgres, acme.credential, expires_at=later, refresh_at=later)
    acme.there.tell(life=3600)
    await asyncio.sleep(1.5)
    acme.there.forget()
    runs = await asyncio.gather(*(acme.ask(two[n % 2]) for n in range(RUNS)))
    assert acme.there.tokens("refresh_token") == [200]
    assert [results(events) for events in runs] == [[False]] * RUNS


async def test_a_process_that_dies_before_the_provider_heard_costs_nothing(
    acme: Connected, two: tuple[Process, Process]
) -> None:
    """Its claim lapses, and somebody else renews the grant."""
    first, second = two
    acme.end_token()
    acme.there.tell(before=2)
    lost = asyncio.create_task(acme.ask(first))
    await acme.claimed()
    first.kill()
    with pytest.raises(httpx.HTTPError):
        await lost
    acme.there.tell(before=0)
    waits = asyncio.create_task(acme.ask(second))
    await asyncio.sleep(3)
    assert not waits.done()  # the dead one's claim is respected as long as it lasts
    assert acme.there.tokens("refresh_token") == []
    grants.change(acme.postgres, acme.credential, refreshing_until="now()")
    assert results(await waits) == [False]
    assert acme.there.tokens("refresh_token") == [200]
    assert (await acme.look())["status"] == "active"


async def test_a_process_that_dies_with_the_answer_costs_the_grant(
    acme: Connected, two: tuple[Process, Process]
) -> None:
    """The provider has given a new refresh token and the process that was to store it is dead.

    Nobody has that token, and the old one is worth nothing: the provider ends the grant, the run
    waits and says what to connect, and whoever connects anew keeps the credential.
    """
    first, second = two
    acme.end_token()
    acme.there.tell(after=30)
    lost = asyncio.create_task(acme.ask(first))
    await until(lambda: acme.there.tokens("refresh_token") == [200])
    first.kill()
    with pytest.raises(httpx.HTTPError):
        await lost
    acme.there.tell(after=0)
    grants.change(acme.postgres, acme.credential, refreshing_until="now()")
    events = await acme.ask(second)
    gone = await acme.look()
    assert acme.there.tokens("refresh_token")[-1] == 400
    assert ends(events) == "run.waiting"
    assert events[-1].data["reason"] == "connection: JIRA"
    assert (gone["status"], gone["secrets"]) == ("expired", [])
    assert "invalid_grant" in str(gone["last_error"])

    again = await connect(acme.tenant, acme.there, acme.credential)
    assert (again["id"], again["status"]) == (acme.credential, "active")
    assert results(await acme.ask(second)) == [False]
