"""Both APIs, held to their own OpenAPI documents by schemathesis; two companies are peers.

python -m tests.conformance [dashboard|engine] [options of `schemathesis run`]
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

import uvicorn
from fastapi import FastAPI

from monster.contracts.tokens import ENGINE, Permission, ServiceClaims
from monster.dashboard import database as dashboard_database
from monster.dashboard.identity.scope import COOKIE
from monster.engine import database as engine_database
from monster.kit import embedded
from monster.kit.embedded import Embedded
from tests.builders import Tenant, sign
from tests.conftest import make_dashboard, make_engine
from tests.isolation import world as worlds
from tests.isolation.world import World

ROOT = Path(__file__).parents[2]
PHASES = "examples,coverage,fuzzing,stateful"

# What ends the identity that everything else is asked as.
SUICIDES = ("/api/sessions/current",)


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


def _token(service: str, world: World) -> str:
    tenant = world.tenant
    if service == "dashboard":
        return tenant.member("owner", tenant.user_id).cookies[COOKIE]
    claims = ServiceClaims(
        sub="judge", tenant=tenant.id, user=tenant.user_id, permissions=frozenset(Permission)
    )
    return sign(claims.model_dump(mode="json"), ENGINE, timedelta(hours=2))


async def _judge(service: str, app: FastAPI, url: str, peers: list[World], rest: list[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="monster-judge-"))
    (folder / "openapi.json").write_text(json.dumps(app.openapi()))
    users = [
        {
            "name": name,
            "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {_token(service, peer)}"}],
        }
        for name, peer in zip(("first", "second"), peers, strict=True)
    ]
    auth = folder / "auth.json"
    auth.write_text(json.dumps({"auth": users}))
    command = [
        *("run", str(folder / "openapi.json"), "--url", url, "--checks", "all"),
        *("--phases", PHASES, "--exclude-tag", "pages"),
        *(option for path in SUICIDES for option in ("--exclude-path", path)),
        *rest,
    ]
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


async def _judge_both(server: Embedded, only: str, rest: list[str]) -> int:
    engine = make_engine(server, engine_database.ROLE)
    dashboard = make_dashboard(server, dashboard_database.ROLE, engine)
    apps = {"dashboard": dashboard, "engine": engine}
    async with _served(engine) as engine_url, _served(dashboard) as url:
        peers = [await worlds.settle(Tenant(dashboard, engine)) for _ in range(2)]
        at = {"dashboard": url, "engine": engine_url}
        chosen = [name for name in apps if only in ("", name)]
        return max([await _judge(name, apps[name], at[name], peers, rest) for name in chosen])


def _run(only: str, rest: list[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="monster-"))
    folder.chmod(0o755)  # the server may run as another user, see embedded.py
    databases = {
        dashboard_database.NAME: dashboard_database.MIGRATIONS,
        engine_database.NAME: engine_database.MIGRATIONS,
    }
    server = embedded.start(folder / "pg", databases)
    try:
        return asyncio.run(_judge_both(server, only, rest))
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    service = arguments.pop(0) if arguments and not arguments[0].startswith("-") else ""
    sys.exit(_run(service, arguments))
