"""A browser, and a running platform for it to visit."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, async_playwright

from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.dashboard.identity.scope import COOKIE
from monster.kit.embedded import Embedded
from tests.browser.look import Visitor
from tests.browser.seed import furnish
from tests.builders import Tenant, dashboard_settings

FLAGS = [
    "--no-sandbox",  # it runs as root where tests run, and sees loopback only
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEMANDED = "REQUIRE_BROWSER"  # set to 1 where a run without a browser proves too little


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = _chromium()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        await started.close()


def _chromium() -> str:
    path = shutil.which("chromium")
    if path is None:
        absent = "there is no chromium; `make test` as root installs it"
        if os.environ.get(DEMANDED) == "1":  # noqa: TID251 (of the test run, not of Monster)
            pytest.fail(absent)
        pytest.skip(absent)
    return path


@dataclass(frozen=True)
class Platform:
    """Both services on ports of their own, with one tenant that has something to show.

    `sights` are pages that show it, whatever else of their kind there is.
    """

    url: str
    tenant: Tenant
    sights: Mapping[str, str] = field(default_factory=dict[str, str])

    def sign_in(self, role: str = "owner") -> str:
        """A new session of the tenant's usual person."""
        return self.tenant.member(role, self.tenant.user_id).cookies[COOKIE]


@pytest.fixture(scope="session")
async def platform(postgres: Embedded, engine: FastAPI) -> AsyncIterator[Platform]:
    async with served(engine, "off") as engine_url:  # its own fixture began its lifespan
        settings = dashboard_settings(
            postgres.url(database.NAME, database.ROLE), engine_url=engine_url, dev_mail=True
        )
        app = create_app(settings)
        async with served(app, "on") as url:
            tenant = Tenant(app, engine)
            yield Platform(url, tenant, await furnish(tenant))


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """They are for pytest."""
        yield


@asynccontextmanager
async def served(
    app: FastAPI, lifespan: Literal["on", "off"], port: int = 0
) -> AsyncGenerator[str]:
    config = uvicorn.Config(app, "127.0.0.1", port, lifespan=lifespan, log_config=None)
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not serving.done()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    server.force_exit = True
    await serving


@pytest.fixture
async def visitor(browser: Browser, platform: Platform) -> Visitor:
    """An owner, signed in."""
    return Visitor(browser, platform.url, platform.sign_in())
