"""What a log line says, and what it never says."""

import io
import json
import logging
from collections.abc import Generator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from monster.kit import logs, web
from monster.kit.errors import Invalid
from monster.kit.settings import ServiceSettings
from tests.builders import Tenant, client

logger = logging.getLogger("monster.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Generator[None]:
    """Logging belongs to the whole process; pytest listens to it, too."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # `configure` would close pytest's
    variables = (logs.request_id, logs.tenant_id, logs.run_id)
    tokens = [variable.set(None) for variable in variables]
    yield
    root.handlers[:], root.level = handlers, level
    for variable, token in zip(variables, tokens, strict=True):
        variable.reset(token)


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(value: str) -> None:
    raise ValueError(f"cannot use {value}")


def test_json_lines_say_where_they_belong() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream)
    logs.request_id.set("r1")
    logs.tenant_id.set("t1")
    logger.info("took %d steps", 3, extra={"agent": "Scout"})

    (line,) = written(stream)

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "took 3 steps",
        "level": "info",
        "logger": "monster.test",
        "agent": "Scout",
        "request_id": "r1",
        "tenant_id": "t1",
    }


def test_in_a_terminal_they_are_for_people() -> None:
    stream = Terminal()
    logs.configure(stream=stream)
    logger.warning("careful")
    assert "careful" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn.access", "procrastinate.worker"])
def test_libraries_go_the_same_way(name: str) -> None:
    logging.getLogger("uvicorn.access").addHandler(logging.StreamHandler(io.StringIO()))
    stream = io.StringIO()
    logs.configure(stream=stream)
    logging.getLogger(name).warning("started")
    assert [(line["event"], line["logger"]) for line in written(stream)] == [("started", name)]


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "terminal"])
@pytest.mark.parametrize("secret", ["sk-7f3a91", 'with "quotes" \\ and ü', "line\nbreak"])
def test_an_opened_secret_is_never_written(stream: io.StringIO, secret: str) -> None:
    logs.configure(stream=stream)
    logs.hide(secret)
    logger.error("refused %s and %r", secret, secret, extra={"key": secret, "all": [secret]})
    try:
        fail(secret)
    except ValueError:
        logger.exception("it broke")

    text = stream.getvalue()

    for spelling in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert spelling not in text
    assert "it broke" in text
    assert "Traceback" in text


def test_masking_is_by_exact_match() -> None:
    logs.hide("sk-0123456789")
    logs.hide("abc")  # would take out half of the language
    assert logs.mask("Bearer sk-0123456789, abc") == "Bearer •••, abc"


def test_a_log_line_never_fails() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream)
    logger.info("odd \ud800 %s", "x", extra={"what": object()})
    assert written(stream)[0]["event"] == "odd \ud800 x"


async def test_a_request_keeps_a_sane_id_and_gets_one_otherwise(tenant: Tenant) -> None:
    stranger = client(tenant.engine)
    for given, kept in (("abc-123", True), ("x" * 129, False), ("a b", False), ("", False)):
        answer = await stranger.get("/v1/nowhere", headers={"X-Request-ID": given})
        assert (answer.headers["X-Request-ID"] == given) is kept
        assert answer.headers["X-Request-ID"]


async def test_a_bug_is_logged_with_the_id_that_the_answer_tells() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream)
    settings = ServiceSettings(database_url=SecretStr("postgresql+psycopg://nobody@/nowhere"))
    app = web.make_app("Test", settings)
    app.add_api_route("/", lambda: fail("it"))

    answer = await client(app).get("/")

    assert answer.status_code == 500
    (line,) = written(stream)
    assert line["event"] == "unhandled error"
    assert line["request_id"] == answer.headers["X-Request-ID"]


async def test_an_error_tells_people_no_secret() -> None:
    secret = "sk-told-by-mistake"
    logs.hide(secret)
    settings = ServiceSettings(database_url=SecretStr("postgresql+psycopg://nobody@/nowhere"))
    app = web.make_app("Test", settings)

    def refuse() -> None:
        raise Invalid(f"the server refused {secret}", field="key")

    app.add_api_route("/", refuse)
    answer = await client(app).get("/")
    assert answer.json()["error"]["message"] == "the server refused •••"


async def test_an_error_of_the_database_tells_no_parameter(tenant: Tenant) -> None:
    async with tenant.engine.state.sessions() as session:
        with pytest.raises(ProgrammingError) as failed:
            await session.execute(text("select :value from nowhere"), {"value": "not-for-logs"})
    assert "not-for-logs" not in str(failed.value)
