"""The screens about connections, with the real engine and a provider on loopback behind."""

import re

import httpx
import pytest
from fastapi import FastAPI

from monster.kit.ids import new_id
from tests.builders import Tenant, client
from tests.upstream import OpenAI, refuse, upstream

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}
KEY = "sk-very-secret"


async def connect(
    member: httpx.AsyncClient, base_url: str, system: str = "openai", **changes: str
) -> httpx.Response:
    form = {"name": "Ours", "base_url": base_url, "api_key": KEY, "scope": "shared"} | changes
    return await member.post("/connections/new", params={"system": system}, data=form)


async def connected(member: httpx.AsyncClient, **changes: str) -> str:
    """The address of a connection that works."""
    async with upstream(OpenAI.names) as provider:
        answer = await connect(member, f"{provider.url}/v1", **changes)
    assert answer.status_code == 303, answer.text
    return await address(member)


async def address(member: httpx.AsyncClient) -> str:
    shown = (await member.get("/connections")).text
    found = set(re.findall(r'action="(/connections/[\w-]{36})/delete"', shown))
    assert len(found) == 1
    return found.pop()


async def test_an_empty_list_says_what_to_do(tenant: Tenant) -> None:
    editor = await tenant.member().get("/connections")
    viewer = await tenant.member("viewer").get("/connections")

    assert "No model is connected" in editor.text
    assert 'href="/connections/new"' in editor.text
    assert "No model is connected" in viewer.text
    assert 'href="/connections/new"' not in viewer.text


@pytest.mark.parametrize("system", ["openai", "anthropic", "google"])
async def test_each_system_has_a_form(tenant: Tenant, system: str) -> None:
    answer = await tenant.member().get("/connections/new", params={"system": system})

    assert answer.status_code == 200
    assert ('name="base_url"' in answer.text) == (system == "openai")


async def test_a_new_connection_is_tested_at_once(tenant: Tenant) -> None:
    member = tenant.member()
    async with upstream(OpenAI.names) as provider:
        answer = await connect(member, f"{provider.url}/v1")
        assert provider.asked[0].headers["authorization"] == f"Bearer {KEY}"

    assert (answer.status_code, answer.headers["Location"]) == (303, "/connections")
    shown = await member.get("/connections")
    assert "Ours works." in shown.text
    assert "Working" in shown.text
    assert KEY not in shown.text


async def test_a_refused_key_says_why_and_can_be_tested_again(tenant: Tenant) -> None:
    member = tenant.member()
    async with upstream(refuse(401, "this key is unknown"), OpenAI.names) as provider:
        await connect(member, f"{provider.url}/v1")
        shown = (await member.get("/connections")).text
        assert "Ours does not work" in shown
        assert "this key is unknown" in shown

        answer = await member.post(f"{await address(member)}/test", headers=HTMX)

    assert answer.headers["HX-Redirect"] == "/connections"
    assert "does not work" not in (await member.get("/connections")).text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\0b"),
        ("base_url", "api.example.com"),
        ("base_url", "https://user:password@api.example.com"),
        ("api_key", "no key has spaces"),
        ("api_key", "ключ"),
    ],
)
async def test_bad_input_is_shown_at_the_field(tenant: Tenant, field: str, value: str) -> None:
    member = tenant.member()
    form = {"name": "Typed", "base_url": "https://api.example.com/v1", "api_key": KEY}
    form |= {field: value}

    for headers in ({}, HTMX):
        answer = await member.post("/connections/new", data=form, headers=headers)
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert field == "name" or "Typed" in answer.text
        assert form["api_key"] not in answer.text
        assert ("<html" in answer.text) == (not headers)
    assert "No model is connected" in (await member.get("/connections")).text


async def test_a_name_that_is_taken_is_shown_at_the_field(tenant: Tenant) -> None:
    member = tenant.member()
    await connected(member)

    answer = await connect(member, "https://api.example.com/v1")

    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text


async def test_a_provider_wants_a_key_but_a_server_of_ones_own_may_not(tenant: Tenant) -> None:
    member = tenant.member()

    answer = await connect(member, "", system="anthropic", api_key=" ")
    assert answer.status_code == 422
    assert 'id="api_key-error"' in answer.text

    await connected(member, api_key="")


async def test_a_system_that_nobody_knows(tenant: Tenant) -> None:
    member = tenant.member()
    assert (await member.get("/connections/new?system=acme")).status_code == 422
    assert (await connect(member, "", system="acme")).status_code == 422


async def test_delete(tenant: Tenant) -> None:
    member = tenant.member()
    where = await connected(member)

    answer = await member.post(f"{where}/delete")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/connections")
    assert "No model is connected" in (await member.get("/connections")).text
    assert (await member.post(f"{where}/delete")).status_code == 404


async def test_private_is_private(tenant: Tenant) -> None:
    where = await connected(tenant.member(), scope="private")
    colleague = tenant.member()

    assert "No model is connected" in (await colleague.get("/connections")).text
    assert (await colleague.post(f"{where}/delete")).status_code == 404


async def test_a_viewer_changes_nothing(tenant: Tenant) -> None:
    where = await connected(tenant.member())
    viewer = tenant.member("viewer")

    shown = await viewer.get("/connections")
    assert "Ours" in shown.text
    assert where not in shown.text
    assert (await viewer.get("/connections/new")).status_code == 403
    assert (await connect(viewer, "https://api.example.com/v1")).status_code == 403
    assert (await viewer.post(f"{where}/test")).status_code == 403
    assert (await viewer.post(f"{where}/delete")).status_code == 403


async def test_what_is_another_tenants_does_not_exist(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    tenant, other = two_tenants
    member, stranger = tenant.member(), other.member()
    where = await connected(member)

    for target in (where, f"/connections/{new_id()}"):
        for do in ("test", "delete"):
            assert (await stranger.post(f"{target}/{do}")).status_code == 404
    assert "Ours" not in (await stranger.get("/connections")).text
    assert "Ours" in (await member.get("/connections")).text


async def test_an_id_that_is_none(tenant: Tenant) -> None:
    for do in ("test", "delete"):
        assert (await tenant.member().post(f"/connections/none/{do}")).status_code == 422


async def test_a_stranger_is_led_to_the_door(dashboard: FastAPI) -> None:
    stranger, some = client(dashboard), f"/connections/{new_id()}"
    for method, path in [
        ("GET", "/connections"),
        ("GET", "/connections/new"),
        ("POST", "/connections/new"),
        ("POST", f"{some}/test"),
        ("POST", f"{some}/delete"),
    ]:
        assert (await stranger.request(method, path)).status_code == 401
        answer = await stranger.request(method, path, headers={"Accept": "text/html"})
        assert answer.headers["Location"].startswith("/sign-in")
