"""The three processes: dashboard, engine, worker. Each ends on SIGTERM, or with its parent."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Any, Literal, TypeAlias

import uvicorn
import uvloop
from fastapi import FastAPI
from rich.console import Console

from monster.cli import preparation
from monster.cli.installation import Installation
from monster.cli.preparation import NotReady
from monster.cli.settings import Platform
from monster.dashboard import database as dashboard_database
from monster.engine import database as engine_database
from monster.kit import leash, logs
from monster.kit.crypto import BadMasterKey

logger = logging.getLogger(__name__)

Main: TypeAlias = Coroutine[Any, Any, Any]

_PATIENCE = 3  # seconds that open streams have to end when the process stops
_LAST_PATIENCE = 15  # seconds after which a worker that was told to stop just ends


class _Stopped(Exception):
    """Somebody asked the worker to end."""


def run(
    settings: Platform, *, which: Literal["dashboard", "engine", "worker"], leashed: bool
) -> int:
    as_json = {"auto": None, "json": True, "text": False}[settings.log_format]
    logs.configure(as_json=as_json, level=settings.log_level.upper())
    installation = Installation(settings)
    installation.check()
    main = _PROCESSES[which](installation, leashed=leashed)
    if leashed and not sys.stdin.buffer.readline():
        main.close()
        return 1  # the parent died before it let us go
    try:
        _refuse_unready(installation, which)
    except NotReady as problem:
        main.close()
        Console(stderr=True).print(str(problem), style="red", markup=False, highlight=False)
        return 1
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _refuse_unready(installation: Installation, which: str) -> None:
    """What the process would trip over as it starts, as a sentence. Raises NotReady."""
    if which != "engine":
        preparation.look_for(installation.app_url(dashboard_database.NAME).get_secret_value())
    if which != "dashboard":
        preparation.look_for(installation.app_url(engine_database.NAME).get_secret_value())
        boot = import_module("monster.engine.secrets.boot")
        try:
            # The one time that it is checked: later it would end in a traceback.
            asyncio.run(boot.check_settings(installation.engine()))
        except (boot.WrongMasterKey, BadMasterKey) as error:
            raise NotReady(f"{str(error)[0].upper()}{str(error)[1:]}") from error


# Each imports its own service alone: that is quicker to start, and takes less memory.
def _dashboard(installation: Installation, *, leashed: bool) -> Main:
    app: FastAPI = import_module("monster.dashboard.app").create_app(installation.dashboard())
    return _web(app, installation.settings.host, installation.settings.port, leashed=leashed)


def _engine(installation: Installation, *, leashed: bool) -> Main:
    app: FastAPI = import_module("monster.engine.app").create_app(installation.engine())
    host = installation.settings.engine_host
    return _web(app, host, installation.engine_port, leashed=leashed)


def _worker(installation: Installation, *, leashed: bool) -> Main:
    dashboard = partial(import_module("monster.dashboard.worker").work, installation.dashboard())
    engine = partial(import_module("monster.engine.worker").work, installation.engine())
    return _jobs(dashboard, engine, leashed=leashed)


_PROCESSES = {"dashboard": _dashboard, "engine": _engine, "worker": _worker}


async def _web(app: FastAPI, host: str, port: int, *, leashed: bool) -> int:
    config = uvicorn.Config(
        app,
        host,
        port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application does that, and believes those it was told of
        timeout_graceful_shutdown=_PATIENCE,
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    async with _on_leash(stop, leashed=leashed):
        await server.serve()
    return 0 if server.started else 1


async def _jobs(*work: Callable[[], Main], leashed: bool) -> int:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        # A cancellation that a library loses would keep the process for ever. Whatever a job had
        # not finished by then is given to another worker, as after any crash.
        loop.call_later(_LAST_PATIENCE, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        async with _on_leash(stop, leashed=leashed), asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one())
            group.create_task(_raise_when(stopped))
    except* _Stopped:
        logger.info("the worker stops")
    await _end_rest()
    return 0


async def _end_rest() -> None:
    """A task that misses its one cancellation (psycopg, procrastinate) would hold the loop up."""
    for _ in range(5):
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        if not rest:
            return
        for task in rest:
            task.cancel()
        await asyncio.wait(rest, timeout=0.5)


async def _raise_when(stopped: asyncio.Event) -> None:
    """The end of a group whose tasks work for ever."""
    await stopped.wait()
    raise _Stopped


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
