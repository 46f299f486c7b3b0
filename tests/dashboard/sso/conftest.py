"""A dashboard that may reach loopback, and a company there."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.dashboard.settings import Settings
from monster.kit.addresses import parse_networks
from monster.kit.embedded import Embedded
from tests.builders import ORIGIN, PRIVATE_PEM, Tenant, transport
from tests.oidc.company import Company, Liar, company, liar
from tests.oidc.people import CALLBACK
from tests.process import MASTER_KEY


@pytest.fixture(scope="session")
async def door(postgres: Embedded, engine: FastAPI) -> AsyncIterator[FastAPI]:
    settings = Settings(
        database_url=SecretStr(postgres.url(database.NAME, database.ROLE)),
        signing_key=SecretStr(PRIVATE_PEM),
        account_key=SecretStr(MASTER_KEY),
        public_url=f"{ORIGIN}/",
        outbound_allow=parse_networks(("127.0.0.1",)),
    )
    app = create_app(settings, transport(engine))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def tenant(door: FastAPI, engine: FastAPI) -> Tenant:
    return Tenant(door, engine)


@pytest.fixture
def other(door: FastAPI, engine: FastAPI) -> Tenant:
    return Tenant(door, engine)


@pytest.fixture(scope="session")
def works() -> Iterator[Company]:
    with company(ORIGIN + CALLBACK) as served:
        yield served


@pytest.fixture
async def mallory() -> AsyncGenerator[Liar]:
    async with liar() as served:
        yield served
