"""The screens about custom tools, with the real engine and an API on loopback."""

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from monster.kit.ids import new_id
from tests.builders import Tenant, client
from tests.connecting import NEW
from tests.systems.web_servers import KEY, Api

HOME = "/settings/custom-tools"
PETS = Path(__file__).parents[1] / "engine" / "custom_tools" / "petstore.yaml"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    served = Api()
    async with served.serving():
        yield served


def _form(url: str, **changes: str) -> dict[str, str]:
    form = {
        "name": "Shop", "base_url": url, "auth": "bearer", "function": "get_item",
        "says": "Read an item.", "method": "GET", "path": "/v1/items/{id}",
        "p0.name": "id", "p0.place": "path", "p0.type": "integer",
        "p3.name": "expand", "p3.place": "query", "p3.default": "none",
    }  # fmt: skip
    return form | changes


async def _make(member: httpx.AsyncClient, url: str = "https://shop.example") -> str:
    answer = await member.post(HOME, data=_form(url))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def test_a_tool_is_described_connected_and_extended(tenant: Tenant, api: Api) -> None:
    member = tenant.member()
    assert "There is no custom tool yet" in (await member.get(HOME)).text
    where = await _make(member, api.url)
    shown = (await member.get(where)).text
    assert "<code>get_item</code>" in shown
    assert "Reads" in shown
    assert "Shop" in (await member.get(HOME, params={"q": "sHOp"})).text
    assert "No tool matches" in (await member.get(HOME, params={"q": "none"})).text

    asked = {"factory": where.rpartition("/")[2], "back": where}
    data = {"name": "Ours", "scope": "private", "values.key": KEY}
    answer = await member.post(NEW, params=asked, data=data)
    assert answer.headers["Location"].startswith(where)

    more = _form("", function="change_item", method="PUT", effect="idempotent")
    assert (await member.post(where, data=more)).headers["Location"] == where
    shown = (await member.get(where)).text
    assert "<code>get_item</code>" in shown
    assert "<code>change_item</code>" in shown
    assert "Sets" in shown


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "", "name"),
        ("base_url", "ftp://x", "base_url"),
        ("function", "two words", "function"),
        ("says", "", "says"),
        ("path", "items", "path"),
    ],
)
async def test_bad_input_is_said_at_the_field(
    tenant: Tenant, field: str, value: str, shown: str
) -> None:
    member = tenant.member()
    answer = await member.post(HOME, data=_form("https://shop.example", **{field: value}))
    assert answer.status_code == 422
    assert f'id="{shown}-error"' in answer.text
    assert 'value="expand"' in answer.text  # nothing typed is lost
    assert "There is no custom tool yet" in (await member.get(HOME)).text


@pytest.mark.parametrize(
    "changes",
    [
        {"p0.name": "1st"},
        {"p0.name": "other"},  # the path names another
        {"p0.default": "one", "p0.place": "query"},
        {"auth": "header", "auth_name": "Host"},
    ],
)
async def test_what_does_not_go_together_is_refused(
    tenant: Tenant, changes: dict[str, str]
) -> None:
    member = tenant.member()
    answer = await member.post(HOME, data=_form("https://shop.example", **changes))
    assert answer.status_code == 422
    assert "It is not made" in answer.text or "-error" in answer.text


async def test_operations_of_a_document_are_chosen(tenant: Tenant) -> None:
    member = tenant.member()
    files = {"file": ("pets.yaml", PETS.read_bytes())}
    shown = await member.post(f"{HOME}/import", data={"url": "", "document": ""}, files=files)
    assert shown.status_code == 200, shown.text
    operations = set(_values(shown.text, "operations"))
    assert operations

    document = {"document": PETS.read_text(), "url": ""}
    chosen = {"name": "Pets", "base_url": "https://pets.example", **document}
    none = await member.post(f"{HOME}/import", data=chosen)
    assert none.status_code == 422
    assert 'id="operations-error"' in none.text

    answer = await member.post(
        f"{HOME}/import", data=chosen | {"operations": sorted(operations)[:1]}
    )
    assert answer.status_code == 303, answer.text
    assert "Pets" in (await member.get(answer.headers["Location"])).text


def _values(shown: str, name: str) -> list[str]:
    return [part.partition('"')[0] for part in shown.split(f'name="{name}" value="')[1:]]


async def test_a_document_that_is_none(tenant: Tenant) -> None:
    member = tenant.member()
    for source in ({"document": "no: document"}, {"document": "", "url": ""}, {"url": "ftp://x"}):
        answer = await member.post(f"{HOME}/import", data=source)
        assert answer.status_code == 422, source
        assert "-error" in answer.text or "It is not taken over" in answer.text


async def test_delete(tenant: Tenant) -> None:
    member = tenant.member()
    where = await _make(member)
    assert "1 function" in (await member.get(f"{where}/delete")).text
    assert (await member.post(f"{where}/delete")).headers["Location"] == HOME
    assert (await member.get(where)).status_code == 404


async def test_a_viewer_is_kept_out(tenant: Tenant) -> None:
    where, viewer = await _make(tenant.member()), tenant.member("viewer")
    for path in (HOME, f"{HOME}/new", f"{HOME}/import", where, f"{where}/delete"):
        assert (await viewer.get(path)).status_code == 403
    for path in (HOME, f"{HOME}/import", where, f"{where}/delete"):
        assert (await viewer.post(path, data=_form("https://x.example"))).status_code == 403


async def test_what_is_another_tenants_does_not_exist(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    where, stranger = await _make(tenant.member()), other.member()
    for path in (where, f"{HOME}/{new_id()}"):
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.post(path, data=_form("https://x.example"))).status_code == 404
        assert (await stranger.post(f"{path}/delete")).status_code == 404


async def test_a_stranger_is_led_to_the_door(dashboard: FastAPI) -> None:
    for method, path in [
        ("GET", HOME),
        ("POST", HOME),
        ("GET", f"{HOME}/import"),
        ("POST", f"{HOME}/import"),
        ("POST", f"{HOME}/{new_id()}"),
        ("POST", f"{HOME}/{new_id()}/delete"),
    ]:
        assert (await client(dashboard).request(method, path)).status_code == 401


async def test_a_function_is_tried_in_place(tenant: Tenant, api: Api) -> None:
    member = tenant.member()
    where = await _make(member, api.url)
    wanted = {"try": "get_item", "arguments": '{"id": 7}'}
    early = await member.post(f"{where}/try", data=wanted)
    assert early.status_code == 200
    assert "Nothing came of it" in early.text  # there is no connection yet

    asked = {"factory": where.rpartition("/")[2], "back": where}
    data = {"name": "Ours", "scope": "private", "values.key": KEY}
    await member.post(NEW, params=asked, data=data)
    shown = unescape((await member.post(f"{where}/try", data=wanted)).text)
    assert '"path": "/v1/items/7"' in shown
    assert '{"id": 7}</textarea>' in shown
    assert KEY not in shown


@pytest.mark.parametrize("arguments", ["{", "[]", "7", "[" * 100_000])
async def test_arguments_are_an_object(tenant: Tenant, arguments: str) -> None:
    member = tenant.member()
    where = await _make(member)
    wanted = {"try": "get_item", "arguments": arguments}
    answer = await member.post(f"{where}/try", data=wanted)
    assert answer.status_code == 422
    assert 'id="arguments-error"' in answer.text
