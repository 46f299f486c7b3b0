"""Both APIs, held to their own OpenAPI documents by schemathesis; two companies are peers: as
owners and, where directories are answered, with their tokens.

python -m tests.conformance [dashboard|scim|engine] [options of `schemathesis run`]
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import uvicorn
from fastapi import FastAPI

from monster.contracts.tokens import ENGINE, Permission, ServiceClaims
from monster.dashboard import database as dashboard_database
from monster.dashboard.identity.scope import COOKIE
from monster.engine import database as engine_database
from monster.kit import embedded
from monster.kit.embedded import Embedded
from tests.builders import Tenant, owner_conninfo, sign
from tests.conftest import make_dashboard, make_engine
from tests.isolation import world as worlds
from tests.isolation.world import World

ROOT = Path(__file__).parents[2]
PHASES = "examples,coverage,fuzzing,stateful"

# What ends the identity that everything else is asked as, or moves it elsewhere. Each is asked on
# its own, as people who are needed for nothing else.
SUICIDES = (
    "DELETE /api/sessions/current",
    "DELETE /api/workspace",
    "POST /api/members/leave",
    "POST /api/members/{member_id}/make-owner",
    "POST /api/workspaces",
    "POST /api/workspaces/{tenant_id}/enter",
    "POST /api/invitations/join",
    "POST /api/workspaces/invitations/{invitation_id}/accept",
    "DELETE /v1/tenant",
    "PUT /v1/tenant",
)


@asynccontextmanager
async def _served(app: FastAPI) -> AsyncGenerator[str]:
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="critical"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (it tells nobody)
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = server.force_exit = True
    await serving


@asynccontextmanager
async def _without_rates(*apps: FastAPI) -> AsyncGenerator[None]:
    """Who asks this much is soon told to wait: that would hide everything else."""

    async def forget() -> None:
        connections = [
            await psycopg.AsyncConnection.connect(owner_conninfo(app), autocommit=True)
            for app in apps
        ]
        while True:
            for connection in connections:
                await connection.execute("delete from rate_bucket")
            await asyncio.sleep(0.2)

    forgetting = asyncio.create_task(forget())
    yield
    forgetting.cancel()


def _token(way: str, world: World) -> str:
    """As whom a company asks."""
    tenant = world.tenant
    if way == "scim":
        return world.scim_token
    if way == "dashboard":
        return tenant.member("owner", tenant.user_id).cookies[COOKIE]
    claims = ServiceClaims(
        sub="judge",
        tenant=tenant.id,
        user=tenant.user_id,
        permissions=frozenset(Permission) - worlds.PLATFORMS,
    )
    return sign(claims.model_dump(mode="json"), ENGINE, timedelta(hours=2))


# What is asked, by whom: the document, and which part of it.
_SCIM = "^/scim/"
WAYS = {
    "dashboard": ("dashboard", ("--exclude-path-regex", _SCIM)),
    "scim": ("dashboard", ("--include-path-regex", _SCIM)),
    "engine": ("engine", ()),
}


async def _judge(way: str, app: FastAPI, url: str, peers: list[World], rest: list[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="monster-judge-"))
    (folder / "openapi.json").write_text(json.dumps(app.openapi()))
    users = [
        {
            "name": name,
            "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {_token(way, peer)}"}],
        }
        for name, peer in zip(("first", "second"), peers, strict=True)
    ]
    auth = folder / "auth.json"
    auth.write_text(json.dumps({"auth": users}))
    command = ["run", str(folder / "openapi.json"), "--url", url, *rest]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *command,
        cwd=ROOT,
        env=os.environ | {"WFC_AUTH": str(auth)},  # noqa: TID251 (of a tool, not of Monster)
    )
    try:
        return await process.wait()
    finally:
        shutil.rmtree(folder)


def _known(app: FastAPI, operation: str) -> bool:
    method, path = operation.split()
    return method.lower() in app.openapi()["paths"].get(path, {})


async def _judge_all(server: Embedded, only: str, rest: list[str]) -> int:
    engine = make_engine(server, engine_database.ROLE)
    dashboard = make_dashboard(server, dashboard_database.ROLE, engine)
    apps = {"dashboard": dashboard, "engine": engine}
    spared = [option for one in SUICIDES for option in ("--exclude-name", one)]

    async def peers() -> list[World]:
        return [await worlds.settle(Tenant(dashboard, engine)) for _ in range(2)]

    results = list[int]()
    async with (
        _served(engine) as engine_url,
        _served(dashboard) as url,
        _without_rates(dashboard, engine),
    ):
        at = {"dashboard": url, "engine": engine_url}
        for way in [name for name in WAYS if only in ("", name)]:
            service, part = WAYS[way]
            app, whole = apps[service], ("--phases", PHASES, "--exclude-tag", "pages", *part)
            results.append(
                await _judge(way, app, at[service], await peers(), [*whole, *spared, *rest])
            )
            for one in SUICIDES:
                if way == service and _known(app, one):
                    alone = ["--phases", "examples,coverage", "--include-name", one, *rest]
                    results.append(await _judge(way, app, at[service], await peers(), alone))
    return max(results)


def _run(only: str, rest: list[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="monster-"))
    folder.chmod(0o755)  # the server may run as another user, see embedded.py
    databases = {
        dashboard_database.NAME: dashboard_database.MIGRATIONS,
        engine_database.NAME: engine_database.MIGRATIONS,
    }
    server = embedded.start(folder / "pg", databases)
    try:
        return asyncio.run(_judge_all(server, only, rest))
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    service = arguments.pop(0) if arguments and not arguments[0].startswith("-") else ""
    sys.exit(_run(service, arguments))
