"""The door: who gets in, who does not, and what a session is worth."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlencode

import bcrypt
import httpx
import psycopg
import pytest
from fastapi import FastAPI

from monster.dashboard import database
from monster.dashboard.identity.errors import EmailTaken
from monster.dashboard.identity.scope import COOKIE
from monster.dashboard.tenancy.service import create_tenant_with_owner
from monster.kit import passwords, tenancy
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant, client, create_agent

PAGE = {"Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin"}


NOBODYS = passwords.NOBODYS  # before it is made cheap


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "NOBODYS", bcrypt.hashpw(b"", bcrypt.gensalt(4)).decode())


@dataclass(frozen=True)
class Person:
    email: str = field(default_factory=lambda: f"Ada.{new_id()}@example.com")
    password: str = "correct horse"

    def says(self, **changes: str) -> dict[str, str]:
        return {"email": self.email, "password": self.password} | changes


async def settle(sessions: SessionMaker, person: Person) -> Person:
    hashed = await passwords.hash_password(person.password, cost=4)
    async with tenancy.outside(sessions) as session:
        await create_tenant_with_owner(session, "Acme", person.email, "Ada", hashed)
    return person


@pytest.fixture
async def ada(sessions: SessionMaker) -> Person:
    return await settle(sessions, Person())


async def knock(app: FastAPI, **form: str) -> httpx.Response:
    return await client(app).post("/sign-in", data=form, headers=PAGE | OURS)


def run(postgres: Embedded, statement: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(postgres.conninfo(database.NAME), autocommit=True) as owner:
        cursor = owner.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


async def test_a_person_signs_in_works_and_signs_out(dashboard: FastAPI, ada: Person) -> None:
    visitor = client(dashboard)
    page = await visitor.get("/sign-in", params={"next": "/agents?q=x"}, headers=PAGE)
    assert page.status_code == 200
    assert 'value="/agents?q=x"' in page.text

    form = ada.says(next="/agents?q=x", email=f" {ada.email.upper()} ")
    answer = await visitor.post("/sign-in", data=form, headers=PAGE | OURS)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/agents?q=x")
    (cookie,) = [c for c in answer.headers.get_list("Set-Cookie") if c.startswith(COOKIE)]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert (await visitor.get("/api/agents")).json() == []


async def test_over_tls_the_cookie_stays_there(dashboard: FastAPI, ada: Person) -> None:
    visitor = client(dashboard)
    answer = await visitor.post("https://monster/sign-in", data=ada.says(), headers=PAGE | OURS)
    assert "; Secure" in answer.headers["Set-Cookie"]


async def test_whoever_signs_out_is_out_at_once(tenant: Tenant) -> None:
    member = tenant.member()
    cookie = member.cookies[COOKIE]

    answer = await member.post("/sign-out", headers=PAGE)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    stolen = await client(tenant.dashboard, cookie).get("/api/agents")
    assert stolen.status_code == 401


async def test_the_answer_does_not_tell_who_exists(
    dashboard: FastAPI, ada: Person, sessions: SessionMaker, postgres: Embedded
) -> None:
    gone, sso = await settle(sessions, Person()), await settle(sessions, Person())
    run(postgres, 'update "user" set is_active = false where email = %s', gone.email)
    run(postgres, 'update "user" set password_hash = null where email = %s', sso.email)

    answers = [
        await client(dashboard).post("/api/sessions", json=body)
        for body in (ada.says(password="wrong"), Person().says(), gone.says(), sso.says())
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["error"]["code"] for answer in answers} == {"wrong_password"}
    assert len({answer.text for answer in answers}) == 1
    page = await knock(dashboard, **ada.says(password="wrong"))
    assert page.status_code == 401
    assert "You are not signed in" in page.text
    assert f'value="{ada.email}"' in page.text
    assert "wrong" not in page.text.replace("wrong passwords", "")


def test_nobodys_hash_takes_as_long_as_anybodys() -> None:
    assert NOBODYS.startswith(f"$2b${passwords.COST}$")


async def test_five_wrong_passwords_lock_for_half_an_hour(
    dashboard: FastAPI, ada: Person, postgres: Embedded
) -> None:
    for _ in range(5):
        await knock(dashboard, **ada.says(password="wrong"))
    assert (await knock(dashboard, **ada.says())).status_code == 401

    shift = 'update "user" set locked_until = locked_until - %s::interval where email = %s'
    run(postgres, shift, "29 minutes", ada.email)
    assert (await knock(dashboard, **ada.says())).status_code == 401
    run(postgres, shift, "1 minute", ada.email)
    assert (await knock(dashboard, **ada.says())).status_code == 303


async def test_success_forgives(dashboard: FastAPI, ada: Person) -> None:
    for _ in range(2):
        for _ in range(4):
            await knock(dashboard, **ada.says(password="wrong"))
        assert (await knock(dashboard, **ada.says())).status_code == 303


async def test_guesses_made_at_once_are_counted_before_they_are_checked(
    dashboard: FastAPI, ada: Person, postgres: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((hashed,),) = run(postgres, 'select password_hash from "user" where email = %s', ada.email)
    checked = list[str]()
    check = bcrypt.checkpw

    def record(password: bytes, known: bytes) -> bool:
        checked.append(known.decode())
        return check(password, known)

    monkeypatch.setattr(bcrypt, "checkpw", record)
    guesses = [knock(dashboard, **ada.says(password=f"guess {n}")) for n in range(10)]
    answers = await asyncio.gather(*guesses)

    assert {answer.status_code for answer in answers} == {401}
    assert checked.count(str(hashed)) == 5
    assert len(checked) == 10  # the others cost as much


async def test_long_passwords_are_not_cut(sessions: SessionMaker, dashboard: FastAPI) -> None:
    same = "ä" * 40  # 80 bytes
    ada = await settle(sessions, Person(password=same + "!"))

    assert (await knock(dashboard, **ada.says(password=same + "?"))).status_code == 401
    assert (await knock(dashboard, **ada.says(password=same))).status_code == 401
    assert (await knock(dashboard, **ada.says())).status_code == 303


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"email": ""}, "email"),
        ({"email": "ada"}, "email"),
        ({"email": "a\0da@example.com"}, "email"),
        ({"email": f"{'a' * 255}@example.com"}, "email"),
        ({"password": ""}, "password"),
        ({"password": "a\0b"}, "password"),
        ({"password": "x" * 1001}, "password"),
    ],
)
async def test_bad_input_is_said_at_its_field(
    dashboard: FastAPI, ada: Person, changes: dict[str, str], wrong: str
) -> None:
    page = await knock(dashboard, **ada.says(**changes))
    assert page.status_code == 422
    assert f'id="{wrong}-error"' in page.text
    answer = await client(dashboard).post("/api/sessions", json=ada.says(**changes))
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, wrong)


@pytest.mark.parametrize("body", [b"", b"email=a&email=%ff%fe", b"x" * 2_000_000, b"\0=\0"])
async def test_nonsense_is_refused_not_survived(dashboard: FastAPI, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client(dashboard).post("/sign-in", content=body, headers=PAGE | OURS | form)
    assert answer.status_code in {413, 422}


@pytest.mark.parametrize(
    "target",
    [
        "//evil.com",
        "https://evil.com",
        "/\\evil.com",
        "/\t/evil.com",
        "javascript:alert()",
        "x",
        "",
    ],
)
async def test_nobody_is_sent_elsewhere(dashboard: FastAPI, ada: Person, target: str) -> None:
    page = await client(dashboard).get(f"/sign-in?{urlencode({'next': target})}", headers=PAGE)
    assert 'name="next" value="/"' in page.text
    answer = await knock(dashboard, **ada.says(next=target))
    assert answer.headers["Location"] == "/"


async def test_a_planted_session_is_worth_nothing(dashboard: FastAPI, ada: Person) -> None:
    visitor = client(dashboard)
    visitor.cookies.set(COOKIE, "planted", domain="monster")

    answer = await visitor.post("/sign-in", data=ada.says(), headers=PAGE | OURS)

    assert "planted" not in answer.headers["Set-Cookie"]
    assert (await client(dashboard, "planted").get("/api/agents")).status_code == 401


async def test_signing_in_again_ends_the_session_before(dashboard: FastAPI, ada: Person) -> None:
    visitor = client(dashboard)
    await visitor.post("/sign-in", data=ada.says(), headers=OURS)
    first = visitor.cookies[COOKIE]
    await visitor.post("/sign-in", data=ada.says(), headers=OURS)

    assert visitor.cookies[COOKIE] != first
    assert (await client(dashboard, first).get("/api/agents")).status_code == 401
    assert (await visitor.get("/api/agents")).status_code == 200


async def test_programs_use_a_token(dashboard: FastAPI, ada: Person) -> None:
    answer = await client(dashboard).post("/api/sessions", json=ada.says())
    assert answer.status_code == 201
    program = client(dashboard, answer.json()["token"])

    await create_agent(program)  # without a CSRF token: no browser adds this header by itself
    assert (await program.delete("/api/sessions/current")).status_code == 204
    assert (await program.get("/api/agents")).status_code == 401


async def test_a_session_is_stored_hashed(tenant: Tenant, postgres: Embedded) -> None:
    token = tenant.member().cookies[COOKIE]
    rows = run(postgres, "select login_session::text from login_session")
    assert rows
    assert not any(str(token) in str(row) for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        "update login_session set expires_at = now() where tenant_id = %s",
        "update login_session set last_seen_at = now() - interval '24 hours' where tenant_id = %s",
        'update "user" set is_active = false where tenant_id = %s',
    ],
)
async def test_a_session_ends_with_its_time_and_with_its_person(
    tenant: Tenant, postgres: Embedded, change: str
) -> None:
    member = tenant.member()
    assert (await member.get("/api/agents")).status_code == 200
    run(postgres, change, tenant.id)
    assert (await member.get("/api/agents")).status_code == 401


async def test_a_new_role_counts_on_the_next_request(tenant: Tenant, postgres: Embedded) -> None:
    member = tenant.member("editor")
    await create_agent(member)
    run(postgres, "update tenant_member set role = 'viewer' where tenant_id = %s", tenant.id)
    answer = await member.post("/api/agents", json={"name": "Mole", "model": "m"})
    assert answer.status_code == 403


async def test_a_session_that_is_used_stays(
    tenant: Tenant, postgres: Embedded, statements: Statements
) -> None:
    member = tenant.member()
    ago = "update login_session set last_seen_at = now() - interval '2 minutes' where tenant_id=%s"
    run(postgres, ago, tenant.id)

    with statements.exactly(5):  # session, role, seen again; set the tenant, read the page
        await member.get("/api/agents")
    with statements.exactly(4):
        await member.get("/api/agents")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "", "Origin": "http://monster"}, True),
        ({"Sec-Fetch-Site": "", "Origin": "http://evil.com"}, False),
        ({"Sec-Fetch-Site": "", "Origin": "null"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"X-CSRF-Token": "wrong"}, False),
        ({"X-CSRF-Token": ""}, False),
        ({"X-CSRF-Token": "ä"}, False),
    ],
)
async def test_a_change_must_come_from_our_own_page(
    tenant: Tenant, headers: dict[str, str], *, allowed: bool
) -> None:
    member = tenant.member()
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]

    answer = await member.post("/api/agents", json={"name": "Scout", "model": "m"}, headers=sent)

    assert answer.status_code == (201 if allowed else 403)
    if not allowed:
        assert answer.json()["error"]["code"] == "csrf"
    assert (await member.get("/api/agents", headers=sent)).status_code == 200


async def test_a_form_brings_the_token_in_a_field(tenant: Tenant) -> None:
    member = tenant.member()
    csrf = member.headers.pop("X-CSRF-Token")
    for form in ({}, {"csrf": "wrong"}):
        answer = await member.post("/sign-out", data=form, headers=PAGE)
        assert answer.status_code == 403
    assert (await member.post("/sign-out", files={"csrf": (None, csrf)})).status_code == 303


async def test_signing_in_from_another_site_is_refused(dashboard: FastAPI, ada: Person) -> None:
    for headers in ({"Origin": "http://evil.com"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        answer = await client(dashboard).post("/sign-in", data=ada.says(), headers=PAGE | headers)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


async def test_strangers_are_asked_to_sign_in_and_brought_back(dashboard: FastAPI) -> None:
    visitor = client(dashboard)
    page = await visitor.get("/api/agents?limit=5", headers=PAGE)
    assert (page.status_code, page.headers["Location"]) == (
        303,
        "/sign-in?next=%2Fapi%2Fagents%3Flimit%3D5",
    )
    part = await visitor.get("/api/agents", headers=PAGE | {"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/sign-in")
    program = await visitor.get("/api/agents")
    assert (program.status_code, program.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_an_address_belongs_to_one_person(sessions: SessionMaker, ada: Person) -> None:
    with pytest.raises(EmailTaken):
        await settle(sessions, Person(email=ada.email.upper()))


async def test_who_belongs_nowhere_gets_in_and_sees_nothing(
    dashboard: FastAPI, ada: Person, postgres: Embedded
) -> None:
    run(
        postgres,
        'delete from tenant_member using "user" u where u.id = user_id and u.email = %s',
        ada.email,
    )
    token = (await client(dashboard).post("/api/sessions", json=ada.says())).json()["token"]
    answer = await client(dashboard, token).get("/api/agents")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "no_workspace")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("delete from tenant_member where tenant_id = %s", "no_workspace"),
        ("update tenant_member set is_active = false where tenant_id = %s", "no_workspace"),
        ("update tenant set suspended_at = now() where id = %s", "workspace_suspended"),
    ],
)
async def test_a_workspace_that_is_lost_is_lost_at_once(
    tenant: Tenant, postgres: Embedded, change: str, code: str
) -> None:
    member = tenant.member()
    run(postgres, change, tenant.id)
    answer = await member.get("/api/agents")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
