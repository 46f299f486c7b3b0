"""What a custom tool sends, and what it does with what comes back."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import web

from monster.contracts.custom_tools import CustomFunction
from monster.contracts.tools import PinnedFunction
from monster.engine.custom_tools import definition as definitions
from monster.engine.custom_tools.caller import CustomTools
from monster.engine.custom_tools.definition import Definition
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear
from monster.engine.toolkit.factory import Connection
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.toolkit.live import Live, Made
from monster.kit import logs, outbound
from monster.kit.ids import new_id
from tests.systems.served import Refused
from tests.systems.web_servers import KEY, Api
from tests.upstream import LOOPBACK


class Flaky(Api):
    """Fails as often as it is told to."""

    failures: int = 0

    def authenticate(self, request: web.Request) -> None:
        super().authenticate(request)
        if self.failures:
            self.failures -= 1
            raise Refused(503, {"message": "later"})


@pytest.fixture
async def api() -> AsyncGenerator[Flaky]:
    served = Flaky()
    async with served.serving():
        yield served


def function(**said: Any) -> CustomFunction:  # noqa: ANN401
    return CustomFunction.model_validate(
        {"name": "do", "description": "Does it.", "path": "/v1/do", **said}
    )


def one(name: str, place: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": name, "place": place, **said}


async def call(api: Api, wanted: CustomFunction, *, pinned: Any = (), **arguments: Any) -> Any:  # noqa: ANN401
    async with outbound.session(LOOPBACK) as session:
        return await _live(session, api, wanted, pinned).call(wanted.name, arguments)


def _live(
    session: Any,  # noqa: ANN401
    api: Api,
    wanted: CustomFunction,
    pinned: Any,  # noqa: ANN401
    token: str = KEY,
) -> Live:
    config = Definition(
        base_url=api.url, headers={"Authorization": "Bearer {token}"}, functions=(wanted,)
    )
    made = Made(new_id(), new_id(), "Shop", config.model_dump(), {}, pinned=pinned)
    values = {"token": token}
    connection = Connection("x", values, session, LOOPBACK, MemoryFiles(), new_id())
    return CustomTools().open(made, connection)


async def test_every_argument_is_where_it_belongs(api: Api) -> None:
    wanted = function(
        method="POST",
        path="/v1/items/{id}/of/{kind}",
        parameters=[
            one("id", "path", required=True, shape={"type": "integer"}),
            one("kind", "path", default="a b"),
            one("tags", "query", shape={"type": "array"}),
            one("flat", "query", shape={"type": "array"}, explode=False),
            one("yes", "query", shape={"type": "boolean"}),
            one("lang", "header", wire="X-Lang"),
            one("title", "body"),
            one("count", "body", wire="n", shape={"type": "integer"}, default=3),
        ],
    )
    said = await call(api, wanted, id=7, tags=["a&b", "c"], flat=[1, 2], yes=True, title="É")
    assert said["path"] == "/v1/items/7/of/a%20b"
    assert said["body"] == {"title": "É", "n": 3}
    assert said["headers"] == {}
    assert api.requests[0].query["yes"] == "true"
    assert api.requests[0].query["flat"] == "1,2"
    await call(api, wanted, id=7, lang="de")
    assert api.requests[1].headers["X-Lang"] == "de"


async def test_forms_and_texts_and_whole_bodies(api: Api) -> None:
    form = function(method="POST", encoding="form", parameters=[one("a", "body")])
    assert (await call(api, form, a="1&2"))["body"] == "a=1%262"
    text = function(method="PUT", encoding="text", parameters=[one("all", "whole")])
    assert (await call(api, text, all="just so"))["body"] == "just so"
    whole = function(method="POST", parameters=[one("all", "whole", shape={})])
    assert (await call(api, whole, all={"deep": [1]}))["body"] == {"deep": [1]}


@pytest.mark.parametrize(
    "value", ["..", ".", "", "a/../../b", "..\\x", "%2e%2e", "%2e%2e%2fadmin", "a\r\nb", "\0"]
)
async def test_a_path_parameter_stays_in_its_segment(api: Api, value: str) -> None:
    wanted = function(path="/v1/items/{id}", parameters=[one("id", "path", required=True)])
    with pytest.raises(ToolFailed):
        await call(api, wanted, id=value)
    assert api.requests == []


@pytest.mark.parametrize("value", ["a/b", "a?b=c", "a#b", "//evil.example", "a%2Fb", "ü"])
async def test_what_a_path_parameter_may_hold(api: Api, value: str) -> None:
    wanted = function(path="/v1/items/{id}", parameters=[one("id", "path", required=True)])
    said = await call(api, wanted, id=value)
    assert said["path"].startswith("/v1/items/")
    assert said["path"].count("/") == 3
    assert said["query"] == {}


@pytest.mark.parametrize("value", ["a\r\nX-B: 1", "a\nb", "\0"])
async def test_no_header_holds_another(api: Api, value: str) -> None:
    with pytest.raises(ToolFailed):
        await call(api, function(parameters=[one("lang", "header", wire="X-Lang")]), lang=value)
    assert api.requests == []


@pytest.mark.parametrize(
    "arguments", [{}, {"n": "seven"}, {"n": 11}, {"n": 1, "more": 2}, {"n": None}]
)
async def test_arguments_are_checked_before_anything_is_sent(
    api: Api, arguments: dict[str, Any]
) -> None:
    shape = {"type": "integer", "maximum": 10}
    wanted = function(parameters=[one("n", "query", shape=shape, required=True)])
    with pytest.raises(ToolFailed, match="arguments are not right"):
        await call(api, wanted, **arguments)
    assert api.requests == []


async def test_reads_are_repeated_and_writes_are_not(api: Flaky) -> None:
    api.failures = 2
    assert (await call(api, function()))["method"] == "GET"
    assert len(api.requests) == 3
    api.failures = 1
    with pytest.raises(Unclear):
        await call(api, function(method="POST"))
    assert len(api.requests) == 4
    api.failures = 1
    wanted = function(method="POST", effect="idempotent")
    assert (await call(api, wanted))["method"] == "POST"
    assert api.last.headers["Idempotency-Key"]
    api.failures = 9
    with pytest.raises(ToolFailed, match="later"):
        await call(api, function(retries=1))
    assert len(api.requests) == 8


async def test_no_redirect_is_followed(api: Api) -> None:
    other = Api()
    async with other.serving():
        to = f"{other.url}/v1/x"
        with pytest.raises(ToolFailed, match="302"):
            await call(api, function(path="/v1/away", parameters=[one("to", "query")]), to=to)
    assert other.requests == []


async def test_the_answer_is_picked_from_and_masked(api: Api) -> None:
    assert await call(api, function(result="[method, path]")) == ["GET", "/v1/do"]
    logs.hide(KEY)  # as the secret store does when it opens it
    said = await call(api, function(path="/v1/secret"))
    assert "Bearer" in str(said)
    assert KEY not in str(said)


async def test_a_tool_that_changed_since_it_was_approved_is_stopped(api: Api) -> None:
    wanted = function()
    now = definitions.out(wanted).model_dump()
    pinned = PinnedFunction.model_validate({**now, "hash": "0" * 64})
    assert await call(api, wanted, pinned=[pinned])
    changes: list[dict[str, Any]] = [{"description": "Other."}, {"effect": "write"}]
    changes.append({"parameters": {}})
    for change in changes:
        old = PinnedFunction.model_validate({**now, **change, "hash": "0" * 64})
        with pytest.raises(ToolFailed, match="not the tool that was approved"):
            await call(api, wanted, pinned=[old])
    assert len(api.requests) == 1


async def test_a_value_that_would_be_two_headers_is_not_sent(api: Api) -> None:
    async with outbound.session(LOOPBACK) as session:
        with pytest.raises(ConnectionRefused):
            await _live(session, api, function(), (), token="a\r\nX-B: 1").call("do", {})
    assert api.requests == []
