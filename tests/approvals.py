"""Runs that wait for a person, and what people say to them."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from monster.contracts.tokens import Permission
from tests.builders import Tenant, owner_conninfo
from tests.talk import PERMISSIONS, Caller, Script, Seen, publish, read_events

PERSON = (*PERMISSIONS, Permission.RUNS_APPROVE)


def person(tenant: Tenant, agent_id: str, user_id: uuid.UUID | None = None) -> Caller:
    return Caller(agent_id, tenant.caller(*PERSON, user_id=user_id))


@dataclass(frozen=True)
class Waits:
    """One that does, as its person sees it."""

    caller: Caller
    run: dict[str, Any]

    @property
    def url(self) -> str:
        return f"/v1/runs/{self.run['id']}"

    @property
    def call(self) -> dict[str, Any]:
        return self.run["waiting"][0]

    def said(self, decision: str, call: int = 0, **changes: str) -> dict[str, str]:
        it = self.run["waiting"][call]
        shown = {"call": it["call"], "arguments_hash": it["arguments_hash"]}
        return {"decision": decision, **shown, **changes}

    async def answer(
        self, *answers: dict[str, str], by: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        body = {"answers": list(answers)}
        return await (by or self.caller.http).post(f"{self.url}/answers", json=body)

    async def approve(self) -> None:
        answer = await self.answer(self.said("approve"))
        assert answer.status_code == 200, answer.text

    async def end(self) -> dict[str, Any]:
        """How it stands when it ends or waits again."""
        await self.events()
        return await self.now()

    async def events(self) -> list[Seen]:
        return read_events((await self.caller.http.get(f"{self.url}/events", timeout=30)).text)

    async def now(self) -> dict[str, Any]:
        return (await self.caller.http.get(self.url)).json()

    async def results(self) -> list[dict[str, Any]]:
        path = f"/v1/conversations/{self.run['conversation_id']}/messages"
        messages = (await self.caller.http.get(path)).json()
        return [message["parts"][0] for message in reversed(messages) if message["role"] == "tool"]


async def wait(tenant: Tenant, script: Script) -> Waits:
    """Asks an agent that plays the script, until it waits."""
    caller = person(tenant, await publish(tenant, script))
    return await wait_in(caller)


async def wait_in(caller: Caller, conversation_id: str | None = None) -> Waits:
    run = await caller.ask_json("go", conversation_id)
    assert run["status"] == "waiting", run
    return Waits(caller, run)


def rows(tenant: Tenant, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Of the engine's database, past its walls."""
    with psycopg.connect(owner_conninfo(tenant.engine), autocommit=True) as owner:
        cursor = owner.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []
