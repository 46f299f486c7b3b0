"""OAuth as people see it: registrations, agreeing at a provider and back, codes for devices."""

import html
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from monster.contracts.oauth import CALLBACK_PATH
from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from tests.builders import Tenant, client, dashboard_settings, transport
from tests.connecting import NEW, factory
from tests.oauth.provider import CLIENT, REDIRECT, SCOPES, SECRET, Provider, provider
from tests.oauth.world import Jira, engine_for

HOME = "/settings/oauth-providers"


@pytest.fixture(scope="module")
def there() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
async def acme(postgres: Embedded, there: Provider) -> AsyncIterator[Tenant]:
    """At the address that providers are told, before an engine that may ask loopback."""
    jira = Jira(provider=there)
    url = postgres.url(database.NAME, database.ROLE)
    settings = dashboard_settings(url, public_url=REDIRECT.removesuffix(CALLBACK_PATH))
    async with jira.serving(), engine_for(postgres, jira.url) as engine:
        app = create_app(settings, transport(engine))
        async with app.router.lifespan_context(app):
            yield Tenant(app, engine)


@pytest.fixture
def tenant(acme: Tenant) -> Tenant:
    return Tenant(acme.dashboard, acme.engine)


def _form(there: Provider, **changes: str) -> dict[str, str]:
    addresses = {f"endpoints.{name}": text for name, text in there.endpoints.items()}
    form = {"system_name": "custom", "name": "Works", "client_id": CLIENT, "client_secret": SECRET}
    return form | addresses | {"scopes": " ".join(SCOPES[:2])} | changes


async def _register(member: httpx.AsyncClient, there: Provider, **changes: str) -> str:
    """The address of the registration."""
    answer = await member.post(HOME, data=_form(there, **changes))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def _begin(member: httpx.AsyncClient, provider_id: str, back: str = "") -> tuple[str, str]:
    """The connection, and where the person is sent to agree."""
    asked = {"factory": factory("jira"), "strategy": "strategy_oauth", "back": back}
    form = {"name": "Ours", "scope": "private", "oauth_provider_id": provider_id}
    answer = await member.post(NEW, params=asked, data=form)
    assert answer.status_code == 200, answer.text
    return await _only(member), _onward(answer)


async def _only(member: httpx.AsyncClient) -> str:
    found = set(
        re.findall(r'href="(/connections/[\w-]{36})"', (await member.get("/connections")).text)
    )
    assert len(found) == 1
    return found.pop()


def _onward(answer: httpx.Response) -> str:
    """A page that leads elsewhere: no redirect of a form could."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert found, answer.text
    assert f'href="{found[1]}"' in answer.text
    return html.unescape(found[1])


async def test_there_and_back(tenant: Tenant, there: Provider) -> None:
    member = tenant.member()
    provider_id = (await _register(member, there)).rpartition("/")[2]
    where, url = await _begin(member, provider_id, back="/agents?q=1")
    assert "Not finished" in (await member.get(where)).text
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [REDIRECT]

    came = await there.agree(url)
    answer = await member.get(CALLBACK_PATH, params=dict(came.params))

    location = answer.headers["Location"]
    assert (answer.status_code, location) == (303, f"/agents?q=1&credential={where[-36:]}")
    shown = (await member.get(where)).text
    assert "Ours works. You are Ada Lovelace" in shown
    assert "Renews itself" in shown
    assert "Reconnect" in shown
    for secret in (SECRET, came.params["code"]):
        assert secret not in shown

    again = await member.get(CALLBACK_PATH, params=dict(came.params))
    assert again.status_code == 404
    assert "It is not connected" in again.text


async def test_who_says_no_reads_so_and_tries_again(tenant: Tenant, there: Provider) -> None:
    member = tenant.member()
    provider_id = (await _register(member, there)).rpartition("/")[2]
    where, url = await _begin(member, provider_id)
    state = parse_qs(urlsplit(url).query)["state"][0]

    no = {"state": state, "error": "access_denied", "error_description": "I will not."}
    answer = await member.get(CALLBACK_PATH, params=no)

    assert 400 <= answer.status_code < 500
    assert f'href="{where}"' in answer.text
    again = await member.post(f"{where}/authorize")
    came = await there.agree(_onward(again))
    assert (await member.get(CALLBACK_PATH, params=dict(came.params))).status_code == 303
    assert "Working" in (await member.get(where)).text


async def test_answers_that_nobody_asked_for(tenant: Tenant, there: Provider) -> None:
    member = tenant.member()
    for asked in ({}, {"state": "x" * 501}, {"state": "a\0b", "code": "x"}):
        assert (await member.get(CALLBACK_PATH, params=asked)).status_code == 422
    answer = await member.get(CALLBACK_PATH, params={"state": "unknown", "code": "x"})
    assert answer.status_code == 404

    provider_id = (await _register(member, there)).rpartition("/")[2]
    _, url = await _begin(member, provider_id)
    came = await there.agree(url)
    colleague = tenant.member()  # into whose browser the answer was put
    assert (await colleague.get(CALLBACK_PATH, params=dict(came.params))).status_code == 404
    assert (
        await tenant.member("viewer").get(CALLBACK_PATH, params={"state": "x"})
    ).status_code == 403


async def test_a_code_for_a_device(tenant: Tenant, there: Provider) -> None:
    member = tenant.member()
    provider_id = (await _register(member, there)).rpartition("/")[2]
    where, _ = await _begin(member, provider_id)

    shown = await member.post(f"{where}/device")
    assert shown.status_code == 200, shown.text
    poll = re.search(r'hx-post="([^"]+)"', shown.text)
    link = re.search(r'href="(http://127[^"]+)"', shown.text)
    assert poll
    assert link
    assert (await member.post(html.unescape(poll[1]))).status_code == 204

    await there.type_code(html.unescape(link[1]))

    answer = await member.post(html.unescape(poll[1]), headers={"HX-Request": "true"})
    while answer.status_code == 204:  # not asked more often than the provider wants
        answer = await member.post(html.unescape(poll[1]), headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith(where)
    assert "Working" in (await member.get(where)).text


async def test_without_a_registration_one_is_led_to_make_it(tenant: Tenant) -> None:
    asked = {"factory": factory("jira"), "strategy": "strategy_oauth"}
    shown = await tenant.member().get(NEW, params=asked)
    assert "Monster is not registered there yet" in shown.text
    assert f'href="{HOME}/new?system=atlassian"' in shown.text
    answer = await tenant.member().post(NEW, params=asked, data={"name": "Ours"})
    assert answer.status_code == 422
    assert "It is not connected" in answer.text


async def test_registrations_are_listed_changed_and_deleted(
    tenant: Tenant, there: Provider
) -> None:
    member = tenant.member()
    assert "There is no registration of your own" in (await member.get(HOME)).text
    kinds = (await member.get(f"{HOME}/new")).text
    assert f'href="{HOME}/new?system=google"' in kinds
    form = (await member.get(f"{HOME}/new", params={"system": "google"})).text
    assert REDIRECT in form

    where = await _register(member, there)
    shown = (await member.get(where)).text
    assert f"{there.url}/token" in shown
    assert SECRET not in shown
    assert "Works" in (await member.get(HOME, params={"q": "wORk"})).text
    assert "No provider matches" in (await member.get(HOME, params={"q": "none"})).text

    changed = {"name": "Renamed", "client_id": CLIENT, "client_secret": "", "scopes": "openid"}
    assert (await member.post(where, data=changed)).headers["Location"] == HOME
    assert "Renamed" in (await member.get(HOME)).text
    assert "Set. Type to replace it." in (await member.get(where)).text  # the secret stayed

    connection, _ = await _begin(member, where.rpartition("/")[2])
    refused = await member.post(f"{where}/delete")
    assert refused.status_code == 409
    assert "It is still needed" in refused.text
    await member.post(f"{connection}/delete")
    assert (await member.post(f"{where}/delete")).headers["Location"] == HOME
    assert (await member.get(where)).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("client_id", "two words"),
        ("client_id", ""),
        ("endpoints.token_url", "ftp://x"),
        ("endpoints.authorize_url", "https://user:password@x.example"),
        ("scopes", 'with"quotes'),
    ],
)
async def test_bad_registrations_are_said_at_the_field(
    tenant: Tenant, there: Provider, field: str, value: str
) -> None:
    member = tenant.member()
    form = _form(there, name="Typed")
    answer = await member.post(HOME, data=form | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert SECRET not in answer.text
    assert "There is no registration" in (await member.get(HOME)).text

    where = await _register(member, there)
    if "endpoints" not in field:
        answer = await member.post(where, data=form | {field: value})
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text


async def test_a_viewer_sees_no_registrations(tenant: Tenant, there: Provider) -> None:
    where, viewer = await _register(tenant.member(), there), tenant.member("viewer")
    for path in (HOME, f"{HOME}/new", where, f"{where}/delete"):
        assert (await viewer.get(path)).status_code == 403
    for path in (HOME, where, f"{where}/delete"):
        assert (await viewer.post(path, data=_form(there))).status_code == 403


async def test_what_is_another_tenants_does_not_exist(acme: Tenant, there: Provider) -> None:
    where = await _register(Tenant(acme.dashboard, acme.engine).member(), there)
    stranger = Tenant(acme.dashboard, acme.engine).member()
    for path in (where, f"{HOME}/{new_id()}"):
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get(f"{path}/delete")).status_code == 404
        assert (await stranger.post(path, data=_form(there))).status_code == 404
        assert (await stranger.post(f"{path}/delete")).status_code == 404


async def test_a_stranger_is_led_to_the_door(dashboard: FastAPI) -> None:
    stranger, some = client(dashboard), new_id()
    for method, path in [
        ("GET", HOME),
        ("GET", f"{HOME}/new"),
        ("POST", HOME),
        ("GET", f"{HOME}/{some}"),
        ("POST", f"{HOME}/{some}/delete"),
        ("GET", CALLBACK_PATH),
        ("POST", f"/connections/{some}/authorize"),
        ("POST", f"/connections/{some}/device"),
        ("POST", f"/connections/{some}/device/poll"),
    ]:
        assert (await stranger.request(method, path)).status_code == 401
