"""The screens of second factors: settings, the second step at the door, what is demanded."""

import json
import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from fastapi import FastAPI
from pyotp.totp import TOTP
from starlette.datastructures import State

from monster.dashboard.identity.pages import CHALLENGE
from monster.dashboard.identity.scope import COOKIE
from monster.kit import clock
from monster.kit.testing import Statements
from tests.builders import Tenant, browser, client
from tests.second_factor import Account, Clock, code, run

PAGE = {"Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin"}
HOME = "/settings/security"
STEP = "/sign-in/second-factor"


@pytest.fixture(autouse=True)
def time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half minute ends between a code and its use."""
    monkeypatch.setattr(clock, "now", Clock().now)


@pytest.fixture
async def ada(dashboard: FastAPI) -> Account:
    account = await Account(dashboard).settle()
    await account.with_app(await account.enter())
    return account


@pytest.fixture
def settings(dashboard: FastAPI) -> Iterator[State]:
    """The application's state; what a test sets there is set back."""
    before = dashboard.state.settings
    yield dashboard.state
    dashboard.state.settings = before


async def knock(account: Account, onward: str = "/") -> tuple[httpx.AsyncClient, httpx.Response]:
    visitor = client(account.app)
    form = account.says | {"next": onward}
    return visitor, await visitor.post("/sign-in", data=form, headers=PAGE | OURS)


async def at_home(account: Account) -> httpx.AsyncClient:
    """A browser that has signed in with the password alone."""
    visitor, answer = await knock(account)
    assert answer.headers["Location"] == "/"
    read = "select csrf from login_session where user_id = %s order by created_at desc"
    ((csrf,), *_) = run(account.app, read, account.id)
    signed_in = browser(account.app, visitor.cookies[COOKIE], csrf)
    signed_in.headers["Accept"] = "text/html"
    return signed_in


async def test_signing_in_takes_a_second_step(ada: Account) -> None:
    visitor, answer = await knock(ada, "/agents?q=x")
    assert answer.headers["Location"] == f"{STEP}?next=%2Fagents%3Fq%3Dx"
    assert COOKIE not in visitor.cookies
    (cookie,) = [c for c in answer.headers.get_list("Set-Cookie") if c.startswith(CHALLENGE)]
    assert {"HttpOnly", "SameSite=lax", "Path=/sign-in"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert int(re.findall(r"Max-Age=(\d+)", cookie)[0]) in range(
        270, 330
    )  # the clock of the test stands

    page = await visitor.get(answer.headers["Location"], headers=PAGE)
    assert page.status_code == 200
    assert 'value="/agents?q=x"' in page.text
    assert ada.email not in page.text
    assert "Ada" not in page.text
    assert "/static/passkey." not in page.text

    wrong = {"code": "000000", "next": "/agents?q=x"}
    refused = await visitor.post(STEP, data=wrong, headers=PAGE | OURS)
    assert refused.status_code == 401
    assert 'id="code-error"' in refused.text

    form = {"code": ada.now(1), "next": "/agents?q=x"}
    done = await visitor.post(STEP, data=form, headers=PAGE | OURS)
    assert (done.status_code, done.headers["Location"]) == (303, "/agents?q=x")
    assert CHALLENGE not in visitor.cookies
    assert (await visitor.get(HOME, headers=PAGE)).status_code == 200


async def test_over_tls_the_challenge_stays_there(ada: Account) -> None:
    answer = await client(ada.app).post(
        "https://monster/sign-in", data=ada.says, headers=PAGE | OURS
    )
    assert "; Secure" in answer.headers["Set-Cookie"]


async def test_the_second_step_begins_with_the_first(dashboard: FastAPI) -> None:
    visitor = client(dashboard)
    page = await visitor.get(STEP, params={"next": "/chat"}, headers=PAGE)
    assert (page.status_code, page.headers["Location"]) == (303, "/sign-in?next=%2Fchat")
    late = await visitor.post(STEP, data={"code": "123456"}, headers=PAGE | OURS)
    assert late.status_code == 422
    assert "that was too long ago" in late.text


async def test_the_second_step_comes_from_our_own_page(ada: Account) -> None:
    visitor, _ = await knock(ada)
    for path in (STEP, f"{STEP}/passkey"):
        answer = await visitor.post(
            path, data={"code": ada.now(1)}, headers=PAGE | {"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 403


@pytest.mark.parametrize("target", ["//evil.com", "https://evil.com", "x"])
async def test_nobody_is_sent_elsewhere(ada: Account, target: str) -> None:
    visitor, answer = await knock(ada, target)
    assert answer.headers["Location"] == f"{STEP}?next=%2F"
    form = {"code": ada.now(1), "next": target}
    done = await visitor.post(STEP, data=form, headers=PAGE | OURS)
    assert done.headers["Location"] == "/"


async def test_too_many_codes_are_said_on_the_page(ada: Account) -> None:
    visitor, _ = await knock(ada)
    for _ in range(5):
        await visitor.post(STEP, data={"code": "000000"}, headers=PAGE | OURS)
    answer = await visitor.post(STEP, data={"code": ada.now(1)}, headers=PAGE | OURS)
    assert answer.status_code == 429
    assert "Too many attempts" in answer.text


async def test_a_passkey_signs_in_on_the_page(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    await account.with_passkey(await account.enter())
    visitor, _ = await knock(account)
    page = (await visitor.get(STEP, headers=PAGE)).text
    assert "/static/passkey." in page
    options = json.loads(unescape(re.findall(r'data-options="([^"]*)"', page)[0]))

    for nonsense in ({}, {"credential": "["}, {"credential": "{}"}):
        refused = await visitor.post(f"{STEP}/passkey", data=nonsense, headers=PAGE | OURS)
        assert refused.status_code == 401
        assert "You are not signed in" in refused.text
    form = {"credential": json.dumps(account.passkey.get(options)), "next": "/chat"}
    done = await visitor.post(f"{STEP}/passkey", data=form, headers=PAGE | OURS)
    assert (done.status_code, done.headers["Location"]) == (303, "/chat")


async def test_an_app_is_set_up_and_removed_on_pages(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    http = await at_home(account)
    assert "Set up" in (await http.get(HOME)).text
    assert (await http.get(f"{HOME}/totp")).headers["Location"] == HOME  # nothing was begun

    begun = await http.post(f"{HOME}/totp/begin")
    assert begun.headers["Location"] == f"{HOME}/totp"
    page = (await http.get(f"{HOME}/totp")).text
    assert 'src="data:image/svg+xml' in page
    (spaced,) = re.findall(r'key-text">([A-Z2-7 ]+)<', page)
    account.totp = TOTP(spaced.replace(" ", ""))
    for wrong in ("", "000000"):
        refused = await http.post(f"{HOME}/totp", data={"code": wrong})
        assert refused.status_code == 422
        assert 'id="code-error"' in refused.text
        assert spaced in refused.text  # the same one: what was scanned stays good

    done = await http.post(f"{HOME}/totp", data={"code": account.now()})
    codes = re.findall(r"(?m)\b(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}\b", done.text)
    assert len(set(codes)) == 10
    assert 'download="monster-recovery-codes.txt"' in done.text
    assert done.headers["Cache-Control"] == "no-store"
    home = (await http.get(HOME)).text
    assert "10 left" in home
    assert not [one for one in codes if one in home]

    assert (await http.get(f"{HOME}/totp/remove")).status_code == 200
    for wrong in ({}, {"password": ""}, {"password": "wrong"}):
        refused = await http.post(f"{HOME}/totp/remove", data=wrong)
        assert refused.status_code == 422
        assert 'id="password-error"' in refused.text
    gone = await http.post(f"{HOME}/totp/remove", data={"password": account.password})
    assert gone.headers["Location"] == HOME
    assert "Recovery codes" not in (await http.get(HOME)).text


async def test_passkeys_are_added_and_removed_on_pages(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    http = await at_home(account)
    assert "/static/passkey." in (await http.get(f"{HOME}/passkeys/new")).text
    offer = await account.offer(http, "<Blue>")
    form = offer | {"credential": json.dumps(offer["credential"])}
    for spoilt, said in (
        ({"name": ""}, 'id="name-error"'),
        ({"credential": ""}, "It is not registered"),
    ):
        refused = await http.post(f"{HOME}/passkeys", data=form | spoilt)
        assert refused.status_code == 422
        assert said in refused.text
    done = await http.post(f"{HOME}/passkeys", data=form)
    assert "shown only here" in done.text
    home = (await http.get(HOME)).text
    assert "&lt;Blue&gt;" in home
    (path,) = re.findall(rf'"({HOME}/passkeys/[^"]+/remove)"', home)
    assert "&lt;Blue&gt;" in (await http.get(path)).text
    assert (await http.post(path, data={"password": "wrong"})).status_code == 422
    assert (await http.post(path, data={"password": account.password})).status_code == 303
    assert (await http.get(path)).status_code == 404


async def test_new_recovery_codes_are_shown_once(ada: Account) -> None:
    http = client(ada.app, (await ada.answer(ada.now(1))).json()["token"])
    assert (await http.get(f"{HOME}/recovery-codes", headers=PAGE)).status_code == 200
    made = await http.post(f"{HOME}/recovery-codes", data={"password": ada.password}, headers=PAGE)
    assert made.status_code == 200
    assert ada.codes[0] not in made.text
    assert len(set(re.findall(r"(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}", made.text))) == 10


@pytest.mark.parametrize(
    ("public", "asked", "said"),
    [
        (
            "http://127.0.0.1:8700",
            "http://127.0.0.1:8700",
            "http://localhost:8700/settings/security",
        ),
        ("http://10.0.0.5", "http://10.0.0.5", "reached by an IP address"),
        ("https://m.example", "https://m.example", "/settings/security/passkeys/new"),
    ],
)
async def test_the_page_says_where_passkeys_work(
    tenant: Tenant, settings: State, public: str, asked: str, said: str
) -> None:
    settings.settings = settings.settings.model_copy(update={"public_url": public})
    member = client(tenant.dashboard, tenant.member().cookies[COOKIE])
    page = await member.get(f"{asked}{HOME}", headers=PAGE)
    assert said in page.text
    options = await member.post(f"{asked}/api/factors/passkeys/options")
    if "10.0" in public:
        assert code(options) == (409, "passkeys_unavailable")
    else:
        assert options.status_code == 201


async def test_who_acts_for_somebody_sees_and_changes_nothing(tenant: Tenant) -> None:
    member = tenant.member("owner", tenant.user_id)
    run(tenant.dashboard, 'update "user" set is_admin = true where id = %s', tenant.user_id)
    disguise = "update login_session set impersonator_id = user_id where user_id = %s"
    run(tenant.dashboard, disguise, tenant.user_id)
    page = await member.get(HOME, headers=PAGE)
    assert "You can look, but not change" in page.text
    assert f'action="{HOME}' not in page.text
    for path in ("totp", "totp/remove", "passkeys/new", "recovery-codes"):
        assert (await member.get(f"{HOME}/{path}", headers=PAGE)).status_code == 403
    for path in ("totp/begin", "totp/remove", "passkeys", "recovery-codes"):
        assert (await member.post(f"{HOME}/{path}", headers=PAGE)).status_code == 403


# What a workspace may demand


def demand(tenant: Tenant, value: str = "true") -> None:
    change = """update tenant set settings = jsonb_build_object('require_second_factor', %s::jsonb)
        where id = %s"""
    run(tenant.dashboard, change, value, tenant.id)


async def test_a_workspace_may_demand_a_second_factor(tenant: Tenant, other: Tenant) -> None:
    member, elsewhere = tenant.member("owner", tenant.user_id), other.member("owner")
    demand(tenant)
    assert code(await member.get("/api/agents")) == (403, "second_factor_required")
    led = await member.get("/agents", headers=PAGE)
    assert (led.status_code, led.headers["Location"]) == (303, HOME)
    part = await member.get("/agents", headers=PAGE | {"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == HOME
    page = await member.get(HOME, headers=PAGE)
    assert "Set up a second factor to go on" in page.text
    assert (await tenant.member("viewer").post("/sign-out", headers=PAGE)).status_code == 303
    assert (await elsewhere.get("/api/agents")).status_code == 200

    secret = (await member.post("/api/factors/totp")).json()["secret"]
    assert (await member.get("/api/agents")).status_code == 403  # it is not confirmed
    body = {"code": TOTP(secret).at(clock.now())}
    assert (await member.post("/api/factors/totp/confirm", json=body)).status_code == 200
    assert (await member.get("/api/agents")).status_code == 200


@pytest.mark.parametrize("value", ["false", "null", '"maybe"', "0"])
async def test_only_true_demands(tenant: Tenant, value: str) -> None:
    member = tenant.member()
    demand(tenant, value)
    assert (await member.get("/api/agents")).status_code == 200


async def test_single_sign_on_answers_for_its_own(tenant: Tenant) -> None:
    """The identity provider asks for what it wants; no factor could be set up here."""
    member = tenant.member("owner", tenant.user_id)
    add = """insert into identity_provider (tenant_id, id, name, issuer, client_id, scopes,
        default_role) values (%s, %s, 'x', 'x', 'x', 'x', 'viewer')"""
    run(tenant.dashboard, add, tenant.id, tenant.id)
    bind = "update login_session set identity_provider_id = tenant_id where user_id = %s"
    run(tenant.dashboard, bind, tenant.user_id)
    demand(tenant)
    assert (await member.get("/api/agents")).status_code == 200


async def test_the_demand_costs_nothing_where_there_is_none(
    tenant: Tenant, statements: Statements
) -> None:
    member = tenant.member()
    with statements.exactly(4):  # session, role; set the tenant, read the page
        await member.get("/api/agents")
    demand(tenant)
    with statements.exactly(3):  # session, role, factors
        await member.get("/api/agents")


async def test_the_settings_page_reads_in_few_statements(
    tenant: Tenant, statements: Statements
) -> None:
    member = tenant.member()
    with statements.exactly(6):  # session, role; enter; app, passkeys, codes
        assert (await member.get(HOME, headers=PAGE)).status_code == 200
