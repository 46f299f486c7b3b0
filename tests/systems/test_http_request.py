"""Requests with each kind of authentication, and where their secrets may go."""

from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.tools.http_request import HttpRequest
from monster.kit import logs
from tests.systems.connect import connected, do
from tests.systems.web_servers import KEY, Api

WAYS = {
    "bearer": {"token": KEY},
    "basic": {"username": "ada", "password": KEY},
    "header": {"header_name": "X-Key", "header_value": KEY},
    "query_key": {"key_name": "key", "key_value": KEY},
}


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    served = Api()
    async with served.serving():
        yield served


@pytest.mark.parametrize("way", WAYS)
async def test_authenticates(api: Api, way: str) -> None:
    values = {"base_url": f"{api.url}/v1", **WAYS[way]}
    checked = HttpRequest.auth().strategy(f"strategy_{way}").check(values)
    assert checked["methods"] == "read"
    async with connected(HttpRequest, None, checked) as http:
        await http.account()
        said = await do(http, "read", path="/items/a b", query={"q": "é&x=1"})
    assert said["status"] == 200
    assert said["content"]["path"] == "/v1/items/a%20b"
    assert said["content"]["query"]["q"] == "é&x=1"


async def test_client_credentials_get_a_token_and_a_new_one_when_refused(api: Api) -> None:
    values = {
        "base_url": f"{api.url}/v1",
        "token_url": f"{api.url}/token",
        "client_id": "ada",
        "client_secret": KEY,
        "scopes": "read",
    }
    async with connected(HttpRequest, None, values) as http:
        await do(http, "read", path="x")
        await do(http, "read", path="x")
        assert api.tokens == 1
        api.tokens = 2  # the one that was given is not good any more
        await do(http, "read", path="x")
    assert api.tokens == 3


async def test_reading_only_unless_the_connection_allows_more(api: Api) -> None:
    values = {"base_url": f"{api.url}/v1", "token": KEY, "methods": "read"}
    async with connected(HttpRequest, None, values) as http:
        with pytest.raises(ToolFailed, match="for reading only"):
            await do(http, "write", method="POST", path="/x", body={"a": 1})
    assert api.requests == []
    async with connected(HttpRequest, None, values | {"methods": "read and write"}) as http:
        made = await do(http, "write", method="POST", path="/x", body={"a": 1})
        text = await do(http, "write", method="PUT", path="/x", text="plain")
    assert made["content"]["body"] == {"a": 1}
    assert (text["content"]["method"], text["content"]["body"]) == ("PUT", "plain")


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/v1/x",
        "//evil.example/v1",
        "http://127.0.0.1:1/v1/x",
        "../admin",
        "/a/../../admin",
        "/%2e%2e/admin",
        "/..%2fadmin",
        "/..\\admin",
        "{url}/v1evil",
        "{url}/admin",
        "http://user:word@{host}/v1/x",
        "http://[::",
    ],
)
async def test_nothing_leaves_the_address_of_the_connection(api: Api, path: str) -> None:
    host = api.url.removeprefix("http://")
    values = {"base_url": f"{api.url}/v1", "token": KEY}
    async with connected(HttpRequest, None, values) as http:
        with suppress(ToolFailed):
            await do(http, "read", path=path.format(url=api.url, host=host))
    assert all(one.path.startswith("/v1/") for one in api.requests)
    assert all("evil" not in one.path or one.path == "/v1/evil.example/v1" for one in api.requests)


async def test_the_whole_address_may_be_given(api: Api) -> None:
    async with connected(HttpRequest, None, {"base_url": f"{api.url}/v1", "token": KEY}) as http:
        said = await do(http, "read", path=f"{api.url}/v1/items?x=1")
    assert said["content"]["query"] == {"x": "1"}


async def test_a_redirect_is_not_followed(api: Api) -> None:
    other = Api()
    async with other.serving():
        values = {"base_url": f"{api.url}/v1", "token": KEY}
        async with connected(HttpRequest, None, values) as http:
            with pytest.raises(ToolFailed, match="302"):
                await do(http, "read", path="/away", query={"to": f"{other.url}/v1/x"})
    assert other.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer mine"),
        ("cookie", "a=b"),
        ("Host", "evil.example"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-A", "1\r\nX-B: 2"),
        ("X-A\r\nX-B", "1"),
        ("X-A: 1", "1"),
    ],
)
async def test_headers_that_are_not_a_models(api: Api, name: str, value: str) -> None:
    async with connected(HttpRequest, None, {"base_url": api.url, "token": KEY}) as http:
        with pytest.raises(ToolFailed):
            await do(http, "read", path="/x", headers={name: value})
        said = await do(http, "read", path="/x", headers={"X-Fine": "yes"})
    assert said["content"]["headers"] == {"X-Fine": "yes"}
    assert len(api.requests) == 1


async def test_an_answer_that_repeats_the_secret_is_masked(api: Api) -> None:
    logs.hide(KEY)  # as the secret store does when it opens it
    async with connected(HttpRequest, None, {"base_url": f"{api.url}/v1", "token": KEY}) as http:
        said = await do(http, "read", path="/secret")
    assert "you_sent" in str(said)
    assert KEY not in str(said)


async def test_a_key_that_is_refused(api: Api) -> None:
    async with connected(HttpRequest, None, {"base_url": api.url, "token": "no"}) as http:
        with pytest.raises(ConnectionRefused, match="who are you"):
            await do(http, "read", path="/x")
