"""The official tester of SCIM services, against a real server on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import closing, contextmanager

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.dashboard.settings import Settings
from monster.kit.embedded import Embedded
from tests.builders import PRIVATE_PEM, Tenant, transport
from tests.process import MASTER_KEY

NOT_OFFERED = {"search_with_attributes"}  # across several kinds of resource at once: 501


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """They are for pytest."""
        yield


@pytest.fixture
async def address(postgres: Embedded, engine: FastAPI) -> AsyncIterator[str]:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            database_url=SecretStr(postgres.url(database.NAME, database.ROLE)),
            signing_key=SecretStr(PRIVATE_PEM),
            account_key=SecretStr(MASTER_KEY),
            public_url=address,
        )
        app = create_app(settings, transport(engine))
        server = _Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
            assert not serving.done()
        yield address
        server.should_exit = True
        await asyncio.wait_for(serving, 20)


def _judge(address: str, token: str) -> list[CheckResult]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"{address}/scim/v2", headers=headers, timeout=30) as client:
        return check_server(SyncSCIMClient(client))


async def test_the_official_tester_finds_nothing_wrong(tenant: Tenant, address: str) -> None:
    made = await tenant.member("admin").post("/api/scim-tokens", json={"name": "Tester"})

    results = await asyncio.to_thread(_judge, address, made.json()["token"])

    fine = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}
    assert [one for one in results if one.status not in fine | {Status.SKIPPED}] == []
    assert {one.title for one in results if one.status is Status.SKIPPED} <= NOT_OFFERED
    assert len([one for one in results if one.status in fine]) > 50  # of our few attributes, all
