"""What a measurement takes place in: database, company, agents, conversations that have a past."""

import re
import time
import urllib.request
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString

import orjson
import psycopg
from joserfc.jwk import OKPKey

from bench import load
from bench.processes import family_cpu
from monster.contracts.agents import AgentSpec
from monster.contracts.tokens import ENGINE, Permission, ServiceClaims
from monster.engine import database
from monster.kit import tokens
from monster.kit.crypto import new_master_key
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id

KEY = OKPKey.generate_key("Ed25519")
INSTRUCTION = "You answer the questions of a company's customers, briefly and politely."
ASKED = "How do I change the address that my invoices are sent to, and when does it take effect?"
ANSWERED = "Open Settings, then Billing, and edit the address; " * 4
HISTORY = 20  # messages

_STATEMENT = re.compile(rf" {database.ROLE} LOG:  (execute|statement)".encode())

_PAST = """
    with talk as (
        insert into conversation (tenant_id, id, agent_id, user_id, title)
        select %(tenant)s, id, %(agent)s, %(user)s, 'bench' from unnest(%(ids)s::uuid[]) id
        returning id
    ), past as (
        insert into run (tenant_id, id, conversation_id, agent_version, message, status)
        select %(tenant)s, gen_random_uuid(), id, 1, 'bench', 'completed' from talk
        returning id, conversation_id
    )
    insert into message (tenant_id, conversation_id, seq, run_id, role, parts)
    select %(tenant)s, conversation_id, n, id,
        case when n %% 2 = 1 then 'user' else 'assistant' end,
        jsonb_build_array(jsonb_build_object('type', 'text', 'text',
            case when n %% 2 = 1 then %(asked)s::text else %(answered)s::text end))
    from past, generate_series(1, %(history)s) n
"""


def history() -> list[dict[str, str]]:
    """The same past, as the model is told it."""
    pair = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWERED}]
    return [{"role": "system", "content": INSTRUCTION}, *pair * (HISTORY // 2)]


def model_body(model: str) -> bytes:
    messages = [*history(), {"role": "user", "content": ASKED}]
    return orjson.dumps({"model": model, "messages": messages, "stream": True})


@dataclass(slots=True)
class World:
    postgres: Embedded
    folder: Path
    tenant_id: uuid.UUID = field(default_factory=new_id)
    user_id: uuid.UUID = field(default_factory=new_id)
    master_key: str = field(default_factory=new_master_key)
    agents: dict[str, uuid.UUID] = field(default_factory=dict[str, uuid.UUID])  # by model

    def url(self) -> str:
        return self.postgres.url(database.NAME, database.ROLE)

    def connect(self) -> psycopg.Connection:
        """As superuser: the past is written past the walls."""
        return psycopg.connect(self.postgres.conninfo(database.NAME), autocommit=True)

    def token(self) -> str:
        claims = ServiceClaims(
            sub="bench",
            tenant=self.tenant_id,
            user=self.user_id,
            permissions=frozenset(Permission),
        ).model_dump(mode="json")
        return tokens.sign(KEY, claims, audience=ENGINE, lifetime=timedelta(hours=1))

    def connect_model(self, engine_url: str, model_url: str) -> uuid.UUID:
        """The credential of the model server. The engine may still be starting."""
        credential = {
            "system_name": "openai",
            "name": "Bench",
            "scope": "shared",
            "values": {"api_key": "bench", "base_url": f"{model_url}/v1"},
        }
        made = self._send("POST", f"{engine_url}/v1/credentials", orjson.dumps(credential))
        return uuid.UUID(made["id"])

    def publish(self, engine_url: str, model: str, credential_id: uuid.UUID) -> None:
        """The agent that asks this model."""
        agent_id = self.agents[model] = new_id()
        spec = AgentSpec(
            version=1,
            user_id=self.user_id,
            name="Bench",
            model=f"openai:{model}",
            credential_id=credential_id,
            instruction=INSTRUCTION,
            inside=("lookup",),
        )
        body = spec.model_dump_json().encode()
        self._send("PUT", f"{engine_url}/v1/agents/{agent_id}", body)

    def _send(self, method: str, url: str, body: bytes) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 (ours)
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return orjson.loads(answer.read())

    def _conversations(self, model: str, count: int) -> list[uuid.UUID]:
        """New ones, each with a history."""
        ids = [new_id() for _ in range(count)]
        params = {
            "tenant": self.tenant_id,
            "user": self.user_id,
            "agent": self.agents[model],
            "ids": ids,
            "asked": ASKED,
            "answered": ANSWERED,
            "history": HISTORY,
        }
        with self.connect() as connection:
            connection.execute(_PAST, params)
            connection.execute("analyze")
            connection.execute("checkpoint")  # now, not while somebody measures
        return ids

    def requests(self, model: str, count: int) -> list[bytes]:
        """Each is a turn in a conversation of its own, whose past is as long as that of others."""
        path = f"/v1/agents/{self.agents[model]}/runs"
        headers = {
            "Authorization": f"Bearer {self.token()}",
            "Accept": "text/event-stream",
            "Content_Type": "application/json",
        }
        bodies = [
            orjson.dumps({"message": ASKED, "conversation_id": conversation})
            for conversation in self._conversations(model, count)
        ]
        return [load.request("POST", path, body, **headers) for body in bodies]

    def cpu(self) -> float:
        """Seconds that the database has computed."""
        return family_cpu(self.postgres.server.get_pid() or 0)

    @contextmanager
    def logged(self) -> Generator["Log"]:
        """The server writes down each statement before it executes it."""
        self._log_statements("all", "%m [%p] %u ")
        try:
            yield Log(self.postgres.server.log)
        finally:
            self._log_statements("none", "%m [%p] ")

    def _log_statements(self, what: LiteralString, prefix: LiteralString) -> None:
        with self.connect() as connection:
            connection.execute(f"alter system set log_statement = '{what}'")
            connection.execute(f"alter system set log_line_prefix = '{prefix}'")
            connection.execute("select pg_reload_conf()")
        time.sleep(0.2)  # until every backend has heard


class Log:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = path.stat().st_size

    def statements(self) -> int:
        """That the application's role has sent since the last call."""
        with self._path.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        return len(_STATEMENT.findall(new))
