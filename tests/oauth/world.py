"""A JIRA that believes the tokens of a real provider, and an engine that knows both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from aiohttp import web
from fastapi import FastAPI
from pydantic import SecretStr

from monster.engine import database
from monster.engine.app import create_app
from monster.engine.models.script import ScriptedModel
from monster.engine.settings import Settings
from monster.kit.addresses import parse_networks
from monster.kit.embedded import Embedded
from tests.builders import PUBLIC_PEM
from tests.oauth.provider import Provider
from tests.process import LIMITS, MASTER_KEY, TOOLS
from tests.systems.jira_server import JiraServer
from tests.systems.served import Handler, Refused


@dataclass
class Jira(JiraServer):
    """Each token is looked up where it was given; `seen` are all that came, good or not."""

    provider: Provider | None = None
    seen: list[str] = field(default_factory=list[str])

    def authenticate(self, request: web.Request) -> None:
        """Done before, for it takes a while."""

    async def _middle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        assert self.provider
        header = request.headers.get("Authorization", "")
        self.seen.append(header.removeprefix("Bearer "))
        async with httpx.AsyncClient(trust_env=False) as http:
            said = await http.get(f"{self.provider.url}/me", headers={"Authorization": header})
        if said.status_code != 200:
            return Refused(401, {"message": "Unauthorized", "code": 401}).answer
        return await super()._middle(request, handler)


@asynccontextmanager
async def engine_for(postgres: Embedded, jira: str, **changes: object) -> AsyncGenerator[FastAPI]:
    settings = Settings.model_validate(
        {
            "database_url": SecretStr(postgres.url(database.NAME, database.ROLE)),
            "dashboard_public_key": PUBLIC_PEM,
            "master_key": SecretStr(MASTER_KEY),
            "outbound_allow": parse_networks(("127.0.0.1",)),
            "lease_seconds": 3600,
            "data_dir": Path(postgres.server.pgdata).parent / "data",
            "system_urls": {"jira": jira},
            "public_url": "http://monster.example",
            **changes,
        }
    )
    app = create_app(settings, {"script": ScriptedModel()}, TOOLS, LIMITS)
    async with app.router.lifespan_context(app):
        yield app
