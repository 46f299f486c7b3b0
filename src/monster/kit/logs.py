"""Logs: one line per event, with the request, tenant and run it belongs to, and no secret in it.

Our modules log with the standard library; so do the libraries. All of it passes through here.
"""

import json
import logging
import sys
from contextvars import ContextVar
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from monster.kit.masks import Masks

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
tenant_id: ContextVar[str | None] = ContextVar("tenant_id", default=None)
run_id: ContextVar[str | None] = ContextVar("run_id", default=None)

_BOUND = (request_id, tenant_id, run_id)
_QUIET = (
    "uvicorn.error",
    "procrastinate",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "anthropic",
    "google_genai",
    "alembic",
)
_OURS_NOW = ("uvicorn", "uvicorn.error", "uvicorn.access", "procrastinate")

_masks = Masks()


def hide(secret: str) -> None:
    """From now on this value appears in no log of the process; `mask` takes it out of any text.

    Not if it has fewer than 8 characters: those may be words of the language.
    """
    _masks.hide(secret)


def mask(text: str) -> str:
    """Also where the value is written as JSON, in an address or in base64."""
    return _masks.mask(text)


def _bound(_: object, __: str, event: EventDict) -> EventDict:
    for variable in _BOUND:
        if (value := variable.get()) is not None:
            event[variable.name] = value
    return event


def _as_json(_: object, __: str, event: EventDict) -> str:
    """Pure ASCII: a log line must not fail, whatever is in it (orjson refuses lone surrogates)."""
    return mask(json.dumps(event, default=repr))


class _ForPeople:
    def __init__(self) -> None:
        # The plain traceback: a rich one shows local variables, and with them what is secret.
        self._render = structlog.dev.ConsoleRenderer(
            colors=True, exception_formatter=structlog.dev.plain_traceback
        )

    def __call__(self, logger: object, method: str, event: EventDict) -> str:
        return mask(str(self._render(logger, method, event)))


def configure(
    *, as_json: bool | None = None, level: str = "INFO", stream: TextIO = sys.stderr
) -> None:
    """Once per process. JSON lines unless the stream is a terminal, or as told."""
    as_json = not stream.isatty() if as_json is None else as_json
    before: list[Processor] = [
        _bound,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, _as_json] if as_json else [_ForPeople()]
    )
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[clean, *last])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    _adopt()


def _adopt() -> None:
    """Libraries that bring handlers of their own, or say more than anybody wants to read."""
    for name in _OURS_NOW:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
