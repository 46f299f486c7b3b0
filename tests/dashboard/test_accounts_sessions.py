"""Where a person is signed in, and how they end it."""

import uuid

import httpx
import pytest
from fastapi import FastAPI

from monster.dashboard.profile.schemas import device_name
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client
from tests.people import PAGE, Person, audited, disguise, run, send, settle, sign_in, token_of

pytestmark = pytest.mark.usefixtures("quick_hashes")

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (LINUX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/138.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME}", "Chrome on Mac"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME}", "Chrome on ChromeOS"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME}", "Chrome on Android"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.5 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("curl/8.5.0", "curl"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("Mozilla/5.0", "Unknown device"),
        ("<script>", "Unknown device"),
        ("", "Unknown device"),
        (None, "Unknown device"),
    ],
)
def test_a_device_has_a_name(agent: str | None, name: str) -> None:
    assert device_name(agent) == name


async def ids(browser: httpx.AsyncClient) -> list[str]:
    return [row["id"] for row in (await browser.get("/api/sessions")).json()]


async def test_a_person_sees_where_they_are_signed_in(
    dashboard: FastAPI, ada: Person, postgres: Embedded, sessions: SessionMaker
) -> None:
    phone = await sign_in(dashboard, ada, **{"User-Agent": IPHONE})
    disguise(postgres, ada, await settle(sessions, Person()))
    desk = await sign_in(dashboard, ada, **{"User-Agent": LINUX})
    await sign_in(dashboard, await settle(sessions, Person()))

    here, there = (await desk.get("/api/sessions")).json()

    assert (here["device"], here["current"], here["impersonated"]) == (
        "Firefox on Linux",
        True,
        False,
    )
    assert here["ip_address"].startswith("127.")
    assert (there["device"], there["current"], there["impersonated"]) == (
        "A platform admin",
        False,
        True,
    )
    assert there["ip_address"] is None
    page = (await desk.get("/settings/sessions", headers=PAGE)).text
    for said in ("Firefox on Linux", "This one", "Acts as you"):
        assert page.count(said) == 1
    assert len(await ids(phone)) == 1  # whoever acts as her sees nothing of hers


async def test_one_session_is_ended_at_once(
    dashboard: FastAPI, ada: Person, postgres: Embedded
) -> None:
    lost, phone, desk = [await sign_in(dashboard, ada) for _ in range(3)]
    newest, middle, oldest = await ids(desk)
    path = f"/settings/sessions/{oldest}/end"
    assert (await desk.post(path, headers=PAGE)).status_code == 303
    assert (await lost.get("/api/sessions")).status_code == 401
    assert (await desk.delete(f"/api/sessions/{middle}")).status_code == 204
    assert (await phone.get("/api/sessions")).status_code == 401
    assert await ids(desk) == [newest]
    assert (await desk.delete(f"/api/sessions/{newest}")).status_code == 204
    assert (await desk.get("/api/sessions")).status_code == 401
    assert [row[:3] for row in audited(postgres, ada)][-3:] == [("REVOKE", "session", "user")] * 3


async def test_all_others_are_ended(dashboard: FastAPI, ada: Person, postgres: Embedded) -> None:
    others = [await sign_in(dashboard, ada) for _ in range(2)]
    desk = await sign_in(dashboard, ada)
    assert (await desk.post("/settings/sessions/end-others", headers=PAGE)).status_code == 303
    for other in others:
        assert (await other.get("/api/sessions")).status_code == 401
    other = await sign_in(dashboard, ada)
    assert (await desk.delete("/api/sessions")).status_code == 204
    assert (await other.get("/api/sessions")).status_code == 401
    assert len(await ids(desk)) == 1
    assert audited(postgres, ada)[-1] == ("REVOKE", "session", "user", {"count": 1})


async def test_nobody_touches_the_sessions_of_others(
    dashboard: FastAPI, ada: Person, sessions: SessionMaker
) -> None:
    hers = await sign_in(dashboard, ada)
    (her_id,) = await ids(hers)
    eve = await sign_in(dashboard, await settle(sessions, Person()))
    for session_id in (her_id, str(new_id())):
        answer = await eve.delete(f"/api/sessions/{session_id}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        page = await eve.post(f"/settings/sessions/{session_id}/end", headers=PAGE)
        assert page.status_code == 404
    assert (await eve.delete("/api/sessions")).status_code == 204
    assert await ids(hers) == [her_id]
    assert (await eve.delete("/api/sessions/nonsense")).status_code == 422


async def test_a_workspaces_single_sign_on_sees_its_own_sessions_only(
    dashboard: FastAPI, ada: Person, postgres: Embedded
) -> None:
    own, through = await sign_in(dashboard, ada), await sign_in(dashboard, ada)
    newest, _ = await ids(own)
    run(
        postgres,
        """
        with p as (
            insert into identity_provider (tenant_id, id, name, issuer, client_id, scopes,
                default_role)
            select tenant_id, %s, 'IdP', 'https://idp', 'x', 'openid', 'viewer' from "user"
            where email = %s returning id
        )
        update login_session set identity_provider_id = p.id from p where login_session.id = %s
        """,
        new_id(),
        ada.email,
        uuid.UUID(newest),
    )
    assert await ids(through) == [newest]
    assert (await through.delete("/api/sessions")).status_code == 204
    assert len(await ids(own)) == 2


async def test_what_is_over_is_not_listed(
    dashboard: FastAPI, ada: Person, postgres: Embedded
) -> None:
    for change in ("expires_at = now()", "last_seen_at = now() - interval '25 hours'"):
        await sign_in(dashboard, ada)
        run(
            postgres,
            f'update login_session s set {change} from "user" u '
            "where u.id = s.user_id and u.email = %s",
            ada.email,
        )
    desk = await sign_in(dashboard, ada)
    assert len(await ids(desk)) == 1


async def test_the_list_is_paged_and_costs_the_same(
    dashboard: FastAPI, ada: Person, postgres: Embedded, statements: Statements
) -> None:
    desk = await sign_in(dashboard, ada)
    await desk.get("/settings/sessions", headers=PAGE)
    with statements.exactly(4):  # session, role; name the person, the list
        await desk.get("/api/sessions")
    run(
        postgres,
        """
        insert into login_session (id, user_id, tenant_id, token_hash, csrf, expires_at)
        select gen_random_uuid(), id, tenant_id, sha256(gen_random_uuid()::text::bytea), 'x',
            now() + interval '1 hour'
        from "user", generate_series(1, 70) where email = %s
        """,
        ada.email,
    )
    with statements.exactly(4):
        first = (await desk.get("/api/sessions?limit=30")).json()
    assert len(first) == 30
    page = await desk.get("/settings/sessions", headers=PAGE)
    assert f"after={first[-1]['id']}" in page.text
    rest = (await desk.get(f"/api/sessions?after={first[-1]['id']}&limit=200")).json()
    assert len(rest) == 41
    assert not {row["id"] for row in first} & {row["id"] for row in rest}


async def test_signing_in_and_out_is_recorded(
    dashboard: FastAPI, ada: Person, postgres: Embedded
) -> None:
    browser = await sign_in(dashboard, ada)
    await send(dashboard, "/sign-in", ada.says(password="my other password"))
    await browser.post("/sign-out", headers=PAGE)
    program = (await client(dashboard).post("/api/sessions", json=ada.says())).json()["token"]
    await client(dashboard, program).delete("/api/sessions/current")
    rows = audited(postgres, ada)
    assert [(action, principal) for action, _, principal, _ in rows] == [
        ("LOGIN", "user"),
        ("LOGIN_FAILED", "anonymous"),
        ("LOGOUT", "user"),
        ("LOGIN", "user"),
        ("LOGOUT", "user"),
    ]
    assert "other" not in str(rows)


async def test_who_belongs_nowhere_can_leave(
    dashboard: FastAPI, ada: Person, postgres: Embedded
) -> None:
    browser = await sign_in(dashboard, ada)
    run(
        postgres,
        'delete from tenant_member m using "user" u where u.id = m.user_id and u.email = %s',
        ada.email,
    )
    assert (await browser.get("/settings/sessions", headers=PAGE)).status_code == 200
    assert (await browser.get("/settings/profile", headers=PAGE)).status_code == 200
    cookie = token_of(browser)
    assert (await browser.post("/sign-out", headers=PAGE)).status_code == 303
    assert (await client(dashboard, cookie).get("/api/profile")).status_code == 401


async def test_every_role_has_a_profile(tenant: Tenant) -> None:
    for role in ("viewer", "editor", "admin", "owner"):
        member = tenant.member(role)
        for path in ("/settings/profile", "/settings/sessions"):
            assert (await member.get(path, headers=PAGE)).status_code == 200
