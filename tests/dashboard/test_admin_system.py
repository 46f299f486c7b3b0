"""How the platform is: what platform admins are told, with the engine and without it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.dashboard.closing.schemas import PassOnState
from monster.dashboard.engine_client import HttpEngine
from monster.dashboard.settings import Settings
from monster.dashboard.worker import create_worker
from monster.kit import jobs, tenancy
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests import admins
from tests.builders import KEY, PRIVATE_PEM, Tenant, dashboard_settings
from tests.process import MASTER_KEY

URL = "/api/admin/system"


@pytest.fixture
def admin(dashboard: FastAPI) -> httpx.AsyncClient:
    return admins.sign_in(dashboard)


@pytest.fixture
async def alone(postgres: Embedded) -> AsyncIterator[FastAPI]:
    """A dashboard whose engine is not there."""
    settings = Settings(
        database_url=SecretStr(postgres.url(database.NAME, database.ROLE)),
        signing_key=SecretStr(PRIVATE_PEM),
        account_key=SecretStr(MASTER_KEY),
    )
    app = create_app(settings, httpx.MockTransport(_no_answer))
    async with app.router.lifespan_context(app):
        yield app


def _no_answer(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens")


async def test_both_databases_are_told(admin: httpx.AsyncClient) -> None:
    told = (await admin.get(URL)).json()
    for one in (told["database"], told["engine"]["database"]):
        assert one["revision"] == one["head"]
        assert one["size"] > 1_000_000
        assert one["connections"] > 0
    page = await admin.get("/admin/system")
    assert page.status_code == 200
    assert "Answers" in page.text


async def test_without_its_engine_the_page_says_so(alone: FastAPI) -> None:
    admin = admins.sign_in(alone)
    told = await admin.get(URL)
    assert (told.status_code, told.json()["engine"]) == (200, None)
    page = await admin.get("/admin/system")
    assert page.status_code == 200
    assert "The engine does not answer" in page.text
    retry = await admin.post(f"{URL}/jobs/engine/1/retry")
    assert retry.json()["error"]["code"] == "engine_unavailable"


async def test_a_failed_job_is_shown_with_its_error_and_tried_again(
    admin: httpx.AsyncClient, tenant: Tenant, postgres: Embedded, sessions: SessionMaker
) -> None:
    tenant.member("owner")
    async with tenancy.transaction(sessions, tenant.id) as session:
        await jobs.defer(session, PassOnState(tenant_id=tenant.id))
    refusing = httpx.MockTransport(
        lambda _: httpx.Response(403, json={"error": {"code": "no", "message": "no"}})
    )
    async with httpx.AsyncClient(transport=refusing, base_url="http://engine") as http:
        settings = dashboard_settings(postgres.url(database.NAME, database.ROLE))
        worker = create_worker(settings, sessions, HttpEngine(http, KEY))
        async with worker.open_async():
            await worker.run_worker_async(
                wait=False, install_signal_handlers=False, listen_notify=False
            )
    (job,) = admins.query(
        tenant.dashboard,
        "select id from procrastinate_jobs where args->>'tenant_id' = %s",
        str(tenant.id),
    )

    told = (await admin.get(URL)).json()["database"]
    (failure,) = [one for one in told["failures"] if one["id"] == job["id"]]
    assert (failure["name"], failure["error"]) == (PassOnState.name, "EngineRefused")
    assert str(tenant.id) not in str(told)
    retried = await admin.post(f"/admin/system/jobs/dashboard/{job['id']}/retry")
    assert (retried.status_code, retried.headers["Location"]) == (303, "/admin/system")
    (after,) = admins.query(
        tenant.dashboard,
        "delete from procrastinate_jobs where id = %s returning status::text, attempts",
        job["id"],
    )
    assert after == {"status": "todo", "attempts": 0}


async def test_what_did_not_fail_is_not_tried_again(admin: httpx.AsyncClient) -> None:
    for of in ("dashboard", "engine"):
        answer = await admin.post(f"{URL}/jobs/{of}/{2**60}/retry")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_not_found")
    for path in ("elsewhere/1", "engine/0", "engine/x", f"engine/{2**63}"):
        assert (await admin.post(f"{URL}/jobs/{path}/retry")).status_code == 422


def test_a_noted_error_is_nothing_to_the_next_attempt() -> None:
    """Its handler reads the arguments again, with the note among them."""
    args = PassOnState(tenant_id=new_id())
    assert PassOnState.model_validate(args.model_dump() | {"error": "EngineUnavailable"}) == args
