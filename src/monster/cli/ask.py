"""`monster ask`: one question to one agent, answered in the terminal as it is written."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
from joserfc.jwk import OKPKey
from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from sqlalchemy.exc import OperationalError

from monster.cli.installation import Installation
from monster.cli.settings import Platform
from monster.contracts.runs import ENDS
from monster.dashboard import database
from monster.dashboard.agents import service as agents
from monster.dashboard.engine_client import EngineUnavailable, Event, HttpEngine
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Role
from monster.kit import db, tenancy
from monster.kit.errors import AppError, NotFound

FAILED, WRONG_USE, NOT_RUNNING = 1, 2, 3

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


@dataclass
class Answer:
    """What has been heard of the run so far."""

    text: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    run: dict[str, Any] = field(default_factory=dict[str, Any])

    def take(self, event: Event | None) -> None:
        if event is None:
            return
        if event.type in {"run.started", "run.resumed"}:
            self.run |= event.data
            self.text = ""  # of a reply that nobody finished
        elif event.type == "message.delta":
            self.text += event.data["text"]
        elif event.type == "tool.call":
            self.text = ""  # what was said before a tool is not the answer
        elif event.type == "citation":
            self.citations.append(dict(event.data))
        elif event.type in ENDS:
            self.run |= event.data

    def cited(self) -> list[dict[str, Any]]:
        return [source for source in self.citations if f"[{source['number']}]" in self.text]


def run(settings: Platform, *, agent: str, question: str, email: str, as_json: bool) -> int:
    installation = Installation(settings)
    installation.check()
    email = email or settings.admin_email
    try:
        answer = asyncio.run(_ask(installation, agent, question, email, quiet=as_json))
    except (EngineUnavailable, OperationalError, psycopg.OperationalError, OSError):
        complaints.print("Monster is not running. Start it with `make serve`.", style="red")
        return NOT_RUNNING
    except AppError as problem:
        complaints.print(problem.message, style="red", markup=False)
        return WRONG_USE
    if as_json:
        _print_json(answer)
    else:
        _print_sources(installation, answer)
    if answer.run.get("status") != "completed":
        complaints.print(_why(installation, answer), style="red", markup=False)
        return FAILED
    return 0


async def _ask(
    installation: Installation, agent: str, question: str, email: str, *, quiet: bool
) -> Answer:
    scope, agent_id = await _find(installation, agent, email)
    key = OKPKey.import_key(installation.signing_key)
    async with httpx.AsyncClient(base_url=installation.engine_url) as http:
        path = f"/v1/agents/{agent_id}/runs"
        stream = HttpEngine(http, key).stream(
            scope.caller, "POST", path, json={"message": question}
        )
        async with stream as events:
            return await _show(events, quiet=quiet)


async def _find(installation: Installation, agent: str, email: str) -> tuple[Scope, uuid.UUID]:
    """Whom to ask, and as whom. Raises NotFound."""
    engine = db.make_engine(installation.app_url(database.NAME).get_secret_value(), pool_size=1)
    sessions = db.make_sessions(engine)
    try:
        async with tenancy.outside(sessions) as session:
            member = await identity.member(session, email)
        if member is None:
            raise NotFound(f"Nobody here has the address {email}.")
        tenant_id, user_id, role = member
        scope = Scope(tenant_id, user_id, Role[role.upper()])
        async with tenancy.transaction(sessions, tenant_id) as session:
            for found in await agents.find(session, scope, agent, limit=200):
                if found.name.casefold() == agent.casefold():
                    return scope, found.id
        raise NotFound(f"There is no agent {agent!r} that {email} may talk to.")
    finally:
        await engine.dispose()


async def _show(events: AsyncIterator[Event | None], *, quiet: bool) -> Answer:
    answer = Answer()
    if quiet or not console.is_terminal:
        async for event in events:
            answer.take(event)
        if not quiet:
            console.print(answer.text, markup=False)
        return answer
    with Live(console=console, refresh_per_second=12, vertical_overflow="visible") as live:
        async for event in events:
            answer.take(event)
            live.update(Markdown(answer.text))
    return answer


def _print_sources(installation: Installation, answer: Answer) -> None:
    for source in answer.cited():
        place = f" · {source['place']}" if source["place"] else ""
        console.print(f"[{source['number']}] {source['title']}{place}", style="dim", markup=False)
        console.print(f"    {installation.address}/passages/{source['chunk_id']}", style="dim")


def _print_json(answer: Answer) -> None:
    report = {"answer": answer.text, "citations": answer.cited(), **answer.run}
    print(json.dumps(report, indent=2, ensure_ascii=False))  # noqa: T201


def _why(installation: Installation, answer: Answer) -> str:
    address = f"{installation.address}/conversations/{answer.run.get('conversation_id')}"
    if answer.run.get("status") == "waiting":
        return f"It waits for your answer: {address}"
    if "status" not in answer.run:
        return f"The answer broke off here, but the run goes on: {address}"
    reason = answer.run.get("reason") or "no reason given"
    return f"The run ended as {answer.run['status']}: {reason}"
