"""The three processes: dashboard, engine, worker. Each ends on SIGTERM, or with its parent."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Literal

import uvicorn
import uvloop
from fastapi import FastAPI

from monster.cli.installation import Installation
from monster.cli.settings import Platform
from monster.dashboard import worker as dashboard_worker
from monster.dashboard.app import create_app as create_dashboard
from monster.engine import worker as engine_worker
from monster.engine.app import create_app as create_engine
from monster.kit import leash, logs

logger = logging.getLogger(__name__)

_PATIENCE = 3  # seconds that open streams have to end when the process stops


class _Stopped(Exception):
    """Somebody asked the worker to end."""


def run(
    settings: Platform, *, which: Literal["dashboard", "engine", "worker"], leashed: bool
) -> int:
    logs.configure(settings.log_format, settings.log_level)
    installation = Installation(settings)
    if which == "dashboard":
        app = create_dashboard(installation.dashboard())
        main = _web(app, settings.host, settings.port, leashed=leashed)
    elif which == "engine":
        app = create_engine(installation.engine())
        main = _web(app, settings.engine_host, installation.engine_port, leashed=leashed)
    else:
        main = _worker(installation, leashed=leashed)
    if leashed and not sys.stdin.buffer.readline():
        main.close()
        return 1  # the parent died before it let us go
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _web(app: FastAPI, host: str, port: int, *, leashed: bool) -> int:
    config = uvicorn.Config(
        app,
        host,
        port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    async with _on_leash(stop, leashed=leashed):
        await server.serve()
    return 0 if server.started else 1


async def _worker(installation: Installation, *, leashed: bool) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        async with _on_leash(stopped.set, leashed=leashed), asyncio.TaskGroup() as group:
            group.create_task(dashboard_worker.work(installation.dashboard()))
            group.create_task(engine_worker.work(installation.engine()))
            await stopped.wait()
            raise _Stopped
    except* _Stopped:
        logger.info("the worker stops")
    return 0


@asynccontextmanager
async def _on_leash(stop: Callable[[], None], *, leashed: bool) -> AsyncGenerator[None]:
    if not leashed:
        yield
        return
    task = asyncio.create_task(leash.held(stop))
    try:
        yield
    finally:
        task.cancel()
