"""Single sign-on against a real, strict provider: who gets in, as what, and who does not."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from monster.dashboard.identity.scope import COOKIE
from monster.dashboard.sso.pages import BROWSER
from monster.kit.ids import new_id
from tests.builders import ORIGIN, Tenant
from tests.oidc.company import PUBLIC_CLIENT, Company, company
from tests.oidc.people import (
    CALLBACK,
    PAGE,
    add_provider,
    begin,
    come,
    come_back,
    log,
    role_of,
    rows,
    stranger,
)


def refused(answer: httpx.Response, code: str, status: int = 403) -> bool:
    assert (answer.status_code, COOKIE in answer.cookies) == (status, False), answer.text
    assert "You are not signed in" in answer.text
    return f">{code}<" in answer.text


async def test_somebody_new_comes_in_and_works(tenant: Tenant, works: Company) -> None:
    provider = await add_provider(tenant, works.issuer, default_role="editor")
    grace, address = f"grace-{new_id()}", f"Grace.{new_id()}@company.example"
    works.hire(grace, email=address, name="Grace Hopper")

    browser, answer = await come(tenant, works, grace, onward="/agents?q=x")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/agents?q=x")
    assert (await browser.get("/api/agents")).json() == []
    assert await role_of(tenant, address) == "editor"
    person = """select name, password_hash, is_active, email_verified, tenant_id, is_admin
        from "user" where email = %s"""
    assert rows(tenant.dashboard, person, address) == [
        ("Grace Hopper", None, True, True, tenant.id, False)
    ]
    assert log(tenant, "LOGIN") == [{"by": "Company"}]
    assert log(tenant, "CREATE")[-1] == {"after": {"role": "editor"}, "by": "Company"}

    again = await come(tenant, works, grace)
    assert again.answer.status_code == 303
    assert len(log(tenant, "LOGIN")) == 2
    links = "select user_id from external_identity where identity_provider_id = %s"
    assert len(rows(tenant.dashboard, links, provider["id"])) == 1


async def test_the_request_is_bound_to_this_browser_and_to_nothing_else(
    tenant: Tenant, works: Company
) -> None:
    await add_provider(tenant, works.issuer)
    answer = await stranger(tenant).get(f"/sign-in/sso/{tenant.id}", headers=PAGE)

    asked = {
        name: value
        for name, (value,) in parse_qs(urlsplit(answer.headers["Location"]).query).items()
    }
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == ORIGIN + CALLBACK
    assert asked["response_type"] == "code"
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{BROWSER}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/sign-in/sso"} <= set(cookie.split("; "))
    assert asked["state"] not in cookie


async def test_a_client_without_a_secret_is_protected_by_pkce_alone(
    tenant: Tenant, works: Company
) -> None:
    await add_provider(tenant, works.issuer, client_id=PUBLIC_CLIENT, client_secret=None)
    works.hire(login := f"ida-{new_id()}", email=f"{new_id()}@company.example")
    assert (await come(tenant, works, login)).answer.status_code == 303


async def test_the_provider_refuses_a_wrong_verifier(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}")
    browser, url = await begin(tenant)
    change = """update one_time_token
        set data = jsonb_set(data, '{verifier}', to_jsonb(repeat('x', 64))) where tenant_id = %s"""
    rows(tenant.dashboard, change, tenant.id)

    _, answer = await come_back(browser, await works.sign_in(url, login))

    assert refused(answer, "code_refused", 502)
    assert log(tenant, "LOGIN_FAILED") == [{"reason": "code_refused"}]


async def test_a_wrong_client_secret_is_refused(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer, client_secret="guessed")
    works.hire(login := f"ida-{new_id()}")
    assert refused((await come(tenant, works, login)).answer, "code_refused", 502)


async def test_a_wrong_nonce_is_refused(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}")
    browser, url = await begin(tenant)
    change = """update one_time_token set data = jsonb_set(data, '{nonce}', '"another"')
        where tenant_id = %s"""
    rows(tenant.dashboard, change, tenant.id)
    _, answer = await come_back(browser, await works.sign_in(url, login))
    assert refused(answer, "bad_id_token", 502)


async def test_an_answer_is_worth_one_use_in_the_browser_that_asked(
    tenant: Tenant, works: Company
) -> None:
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}", email=f"{new_id()}@company.example")
    browser, url = await begin(tenant)
    address = await works.sign_in(url, login)
    another, _ = await begin(tenant)

    assert refused((await come_back(stranger(tenant), address)).answer, "bad_state")
    assert refused((await come_back(another, address)).answer, "bad_state")
    other = address.replace("state=", "state=x")
    assert refused((await come_back(browser, other)).answer, "bad_state")
    assert (await come_back(browser, address)).answer.status_code == 303
    assert refused((await come_back(browser, address)).answer, "bad_state")
    assert refused((await come_back(browser, CALLBACK)).answer, "bad_state")


async def test_it_must_not_take_longer_than_ten_minutes(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}", email=f"{new_id()}@company.example")
    shift = "update one_time_token set expires_at = expires_at - %s::interval where tenant_id = %s"
    for interval, code in (("9 minutes", 303), ("10 minutes", 403)):
        browser, url = await begin(tenant)
        rows(tenant.dashboard, shift, interval, tenant.id)
        answer = (await come_back(browser, await works.sign_in(url, login))).answer
        assert answer.status_code == code


async def test_an_answer_of_somebody_else_is_refused(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}")
    for issuer in ({}, {"iss": "https://evil.example"}):
        browser, url = await begin(tenant)
        address = await works.sign_in(url, login)
        query = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
        del query["iss"]
        answer = await browser.get(CALLBACK, params=query | issuer, headers=PAGE)
        assert refused(answer, "wrong_issuer")
    assert log(tenant, "LOGIN_FAILED") == [{"reason": "wrong_issuer"}] * 2


async def test_what_the_provider_refuses_is_a_page(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer)
    browser, url = await begin(tenant)
    state = parse_qs(urlsplit(url).query)["state"][0]
    query = {"state": state, "error": "access_denied<b>", "iss": works.issuer}
    answer = await browser.get(CALLBACK, params=query, headers=PAGE)
    assert refused(answer, "provider_error")
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"email_verified": False}, "email_unverified"),
        ({"email_verified": None}, "email_unverified"),
        ({"email_verified": "false"}, "email_unverified"),
        ({"email": None}, "email_missing"),
        ({"email": "not an address"}, "bad_claims"),
    ],
)
async def test_an_address_must_be_verified(
    tenant: Tenant, works: Company, claims: dict[str, object], code: str
) -> None:
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}", **({"email": f"{new_id()}@x.example"} | claims))
    assert refused((await come(tenant, works, login)).answer, code)
    assert log(tenant, "LOGIN_FAILED") == [{"reason": code}]


async def test_verified_may_be_a_word(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}", email=f"{new_id()}@x.example", email_verified="true")
    assert (await come(tenant, works, login)).answer.status_code == 303


async def test_a_provider_never_reaches_people_of_other_workspaces(
    tenant: Tenant, other: Tenant, works: Company
) -> None:
    """The attack: a workspace of one's own, whose provider says what one likes."""
    other.member("owner", other.user_id)
    victim = f"{other.user_id}@example.com"
    await add_provider(tenant, works.issuer)
    works.hire(login := f"eve-{new_id()}", email=victim.upper())

    _, answer = await come(tenant, works, login)

    assert refused(answer, "not_a_member")
    assert "accept" in answer.text
    assert victim not in answer.text
    nothing = "select 1 from external_identity where user_id = %s"
    assert rows(tenant.dashboard, nothing, other.user_id) == []
    assert await role_of(tenant, victim) is None
    assert log(tenant, "LOGIN_FAILED") == [{"reason": "not_a_member"}]


async def test_a_member_is_recognised_and_bound_to_the_workspace(
    tenant: Tenant, other: Tenant, works: Company
) -> None:
    """Also somebody whose home is elsewhere, who is more there, or an admin of the platform."""
    person = other.user_id
    other.member("owner", person)
    tenant.member("viewer", person)
    rows(tenant.dashboard, 'update "user" set is_admin = true where id = %s', person)
    await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}", email=f"{person}@example.com")

    browser, answer = await come(tenant, works, login)

    assert answer.status_code == 303
    bound = """select tenant_id, identity_provider_id is not null from login_session
        where user_id = %s order by created_at desc limit 1"""
    assert rows(tenant.dashboard, bound, person) == [(tenant.id, True)]
    assert (await browser.get("/api/identity-providers")).status_code == 403  # a viewer here
    assert 'href="/admin"' not in (await browser.get("/", headers=PAGE)).text


async def test_nobody_becomes_owner_by_single_sign_on(tenant: Tenant, works: Company) -> None:
    """Whoever sets it up could say of themselves that they are the owner."""
    tenant.member("owner", tenant.user_id)
    address = f"{tenant.user_id}@example.com"
    await add_provider(tenant, works.issuer, role_claim="groups", roles={"staff": "viewer"})
    works.hire(login := f"boss-{new_id()}", email=address, groups=["staff"])

    browser, answer = await come(tenant, works, login)

    assert answer.status_code == 303
    assert await role_of(tenant, address) == "owner"
    page = await browser.get("/settings/sso", headers=PAGE)
    assert page.status_code == 200  # what admins may, the owner still does
    assert "<small>Admin</small>" in page.text


@pytest.mark.parametrize(
    "off",
    [
        'update "user" set is_active = false where id = %(user)s',
        "update tenant_member set is_active = false where user_id = %(user)s",
        "delete from tenant_member where user_id = %(user)s",
    ],
)
@pytest.mark.parametrize("known", ["known", "unknown"])
async def test_who_was_switched_off_or_removed_stays_out(
    tenant: Tenant, works: Company, off: str, known: str
) -> None:
    await add_provider(tenant, works.issuer)
    tenant.member("editor", tenant.user_id)
    works.hire(login := f"ida-{new_id()}", email=f"{tenant.user_id}@example.com")
    if known == "known":
        assert (await come(tenant, works, login)).answer.status_code == 303
    rows(tenant.dashboard, off.replace("%(user)s", "%s"), tenant.user_id)

    answer = (await come(tenant, works, login)).answer

    assert refused(answer, "not_a_member" if off.startswith("delete") else "inactive")


async def test_roles_follow_the_claim_at_every_sign_in(tenant: Tenant, works: Company) -> None:
    roles = {"it": "admin", "writers": "editor"}
    await add_provider(tenant, works.issuer, role_claim="groups", roles=roles)
    address = f"{new_id()}@company.example"
    login = f"ida-{new_id()}"
    for groups, role in (
        (["writers"], "editor"),
        (["writers", "it"], "admin"),
        ("writers", "editor"),
        ([], "viewer"),
        (None, "viewer"),
        ({"it": 1}, "viewer"),
        (["owner"], "viewer"),
    ):
        works.hire(login, email=address, groups=groups)
        assert (await come(tenant, works, login)).answer.status_code == 303
        assert await role_of(tenant, address) == role, groups
    assert log(tenant, "UPDATE")[0] == {
        "before": {"role": "editor"},
        "after": {"role": "admin"},
        "by": "Company",
    }


async def test_without_a_mapping_roles_are_given_here(tenant: Tenant, works: Company) -> None:
    await add_provider(tenant, works.issuer)
    tenant.member("admin", tenant.user_id)
    works.hire(login := f"ida-{new_id()}", email=f"{tenant.user_id}@example.com")
    assert (await come(tenant, works, login)).answer.status_code == 303
    assert await role_of(tenant, f"{tenant.user_id}@example.com") == "admin"


@pytest.mark.parametrize("way", ["delete", "disable", "move"])
async def test_without_the_provider_its_sessions_end(
    tenant: Tenant, works: Company, way: str
) -> None:
    provider = await add_provider(tenant, works.issuer)
    works.hire(login := f"ida-{new_id()}", email=f"{new_id()}@company.example")
    browser, _ = await come(tenant, works, login)
    begun, url = await begin(tenant)
    assert (await browser.get("/api/agents")).status_code == 200

    path, admin = f"/api/identity-providers/{provider['id']}", tenant.member("admin")
    moved = {"issuer": "https://elsewhere.example", "client_secret": "new"}
    await {
        "delete": lambda: admin.delete(path),
        "disable": lambda: admin.patch(path, json={"enabled": False}),
        "move": lambda: admin.patch(path, json=moved),
    }[way]()

    assert (await browser.get("/api/agents")).status_code == 401
    assert (await admin.get("/api/agents")).status_code == 200
    if way != "move":
        answer = (await come_back(begun, await works.sign_in(url, login))).answer
        assert refused(answer, "provider_gone")
        gone = await stranger(tenant).get(f"/sign-in/sso/{tenant.id}", headers=PAGE)
        assert gone.status_code == 404


async def test_no_single_sign_on_looks_like_no_workspace(tenant: Tenant, other: Tenant) -> None:
    tenant.member("owner")
    suspended = await add_provider(other, "https://login.example.com")
    rows(other.dashboard, "update tenant set suspended_at = now() where id = %s", other.id)
    assert suspended["enabled"]
    visitor = stranger(tenant)
    slugs = (str(tenant.id), str(other.id), str(new_id()), "nobody", "%00", "Ünï")
    answers = [await visitor.get(f"/sign-in/sso/{slug}", headers=PAGE) for slug in slugs]
    assert {answer.status_code for answer in answers} == {404}
    texts = {a.text.replace(s, "") for a, s in zip(answers[:4], slugs[:4], strict=True)}
    assert len(texts) == 1


async def test_the_way_from_the_sign_in_page(tenant: Tenant, works: Company) -> None:
    visitor = stranger(tenant)
    assert 'href="/sign-in/sso?next=/chat"' in (await visitor.get("/sign-in?next=/chat")).text
    page = await visitor.get("/sign-in/sso?next=/chat", headers=PAGE)
    assert 'value="/chat"' in page.text
    await add_provider(tenant, works.issuer, name="First")
    second = await add_provider(tenant, works.issuer, name="Second")
    asked = {"workspace": f" {str(tenant.id).upper()} ", "next": "//evil.example"}
    answer = await visitor.get("/sign-in/sso", params=asked, headers=PAGE)
    assert answer.status_code == 200
    assert "evil" not in answer.text
    link = f"/sign-in/sso/{tenant.id}?provider={second['id']}&amp;next=/"
    assert link in answer.text
    several = await visitor.get(f"/sign-in/sso/{tenant.id}", headers=PAGE)
    assert link in several.text
    chosen = await visitor.get(link.replace("&amp;", "&"), headers=PAGE)
    assert chosen.headers["Location"].startswith(works.issuer)
    wrong = await visitor.get(f"/sign-in/sso/{tenant.id}?provider={new_id()}", headers=PAGE)
    assert link in wrong.text


async def test_a_new_key_of_the_provider_is_fetched_once(tenant: Tenant) -> None:
    with company(ORIGIN + CALLBACK) as moving:
        await add_provider(tenant, moving.issuer)
        moving.hire("ida", email=f"{new_id()}@company.example")
        assert (await come(tenant, moving, "ida")).answer.status_code == 303
        moving.stop()
        moving.start(kid="two")
        assert (await come(tenant, moving, "ida")).answer.status_code == 303


async def test_a_provider_that_is_down_is_a_page(tenant: Tenant) -> None:
    with company(ORIGIN + CALLBACK) as closed:
        issuer = closed.issuer
    await add_provider(tenant, issuer)
    answer = await stranger(tenant).get(f"/sign-in/sso/{tenant.id}", headers=PAGE)
    assert refused(answer, "provider_unreachable", 502)


async def test_addresses_knock_only_so_often(tenant: Tenant) -> None:
    busy = stranger(tenant)
    # As if all the tries had been made, and an hour were to pass until there are new ones.
    spend = """update rate_bucket b set at = b.at + interval '1 hour' from
        (select key from rate_bucket where tokens = 119 order by at desc limit 1) latest
        where b.key = latest.key returning b.tokens"""
    for path in (f"/sign-in/sso/{tenant.id}", CALLBACK):
        assert (await busy.get(path)).status_code < 429
        assert rows(tenant.dashboard, spend) == [(119,)]
        answer = await busy.get(path)
        assert answer.status_code == 429
        assert "Retry-After" in answer.headers
        forget = "delete from rate_bucket where at > now() + interval '30 minutes'"
        rows(tenant.dashboard, forget)
    assert (await stranger(tenant).get(CALLBACK)).status_code == 403
