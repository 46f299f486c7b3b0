"""A stranger becomes the owner of a workspace, and nobody becomes one by accident."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from monster.dashboard import database
from monster.dashboard.app import create_app
from monster.kit.embedded import Embedded
from tests.builders import client, create_agent, dashboard_settings, transport
from tests.people import FORM, PAGE, Person, Post, audited, run, send, token_of

pytestmark = pytest.mark.usefixtures("quick_hashes")


async def test_a_stranger_registers_confirms_and_is_in(
    dashboard: FastAPI, post: Post, postgres: Embedded
) -> None:
    eve = Person(email=f"Eve.{Person().email}")
    page = await client(dashboard).get("/register", headers=PAGE)
    assert page.status_code == 200
    answer = await send(dashboard, "/register", eve.registers())
    assert answer.status_code == 200
    assert "Look into your mailbox" in answer.text
    assert not run(postgres, 'select 1 from "user" where email = %s', eve.email)

    letter = await post.last(eve.email)
    assert letter.subject == "Confirm your e-mail address"
    assert letter.link.startswith("http://127.0.0.1:8700/register/verify?token=")
    assert "Hello Ada Lovelace," in letter.text
    assert letter.link.replace("&", "&amp;") in letter.html
    visitor = client(dashboard)
    for _ in range(3):  # whoever looks for bad links does no harm
        page = await visitor.get(letter.path, headers=PAGE)
        assert (page.status_code, "Open Acme" in page.text) == (200, True)

    answer = await visitor.post("/register/verify", data={"token": letter.token}, headers=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert (await create_agent(client(dashboard, token_of(visitor))))["name"] == "Scout"
    assert [(action, kind) for action, kind, *_ in audited(postgres, eve)] == [
        ("CREATE", "tenant"),
        ("CREATE", "user"),
        ("LOGIN", "user"),
        ("CREATE", "agent"),
    ]
    assert eve.password not in str(audited(postgres, eve))
    assert (await send(dashboard, "/sign-in", eve.says())).status_code == 303


async def test_programs_register_too(dashboard: FastAPI, post: Post) -> None:
    eve, program = Person(), client(dashboard)
    answer = await program.post("/api/registrations", json=eve.registers())
    assert answer.status_code == 202
    token = (await post.last(eve.email)).token
    answer = await program.post("/api/registrations/verify", json={"token": token})
    assert answer.status_code == 201
    mine = await client(dashboard, answer.json()["token"]).get("/api/profile")
    assert mine.json() == {
        "id": mine.json()["id"],
        "name": "Ada Lovelace",
        "email": eve.email,
        "has_password": True,
    }


async def test_an_address_that_is_taken_gets_another_letter(
    dashboard: FastAPI, ada: Person, post: Post, postgres: Embedded
) -> None:
    answer = await send(dashboard, "/register", ada.registers(email=ada.email.upper()))
    unknown = Person()
    other = await send(dashboard, "/register", unknown.registers())
    assert answer.text.replace(ada.email.upper(), "x") == other.text.replace(unknown.email, "x")

    (letter,) = await post.to(ada.email)
    assert letter.subject == "You already have an account"
    assert "token" not in letter.text + letter.html
    run(postgres, 'update "user" set is_active = false where email = %s', ada.email)
    await send(dashboard, "/register", ada.registers())
    assert (await post.last(ada.email)).subject == "You already have an account"


async def test_a_link_works_once_also_for_two_at_once(
    dashboard: FastAPI, post: Post, postgres: Embedded
) -> None:
    eve = Person()
    await send(dashboard, "/register", eve.registers())
    letter = await post.last(eve.email)

    answers = await asyncio.gather(
        *[send(dashboard, "/register/verify", {"token": letter.token}) for _ in range(5)]
    )

    assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422, 422]
    assert run(postgres, 'select count(*) from "user" where email = %s', eve.email) == [(1,)]
    page = await client(dashboard).get(letter.path, headers=PAGE)
    assert (page.status_code, "This link does not work" in page.text) == (422, True)
    again = await client(dashboard).post("/api/registrations/verify", json={"token": letter.token})
    assert (again.status_code, again.json()["error"]["code"]) == (422, "token_worthless")


async def test_of_two_links_for_one_address_the_second_finds_it_taken(
    dashboard: FastAPI, post: Post, postgres: Embedded
) -> None:
    eve = Person()
    for _ in range(2):
        await send(dashboard, "/register", eve.registers())
    first, second = await post.to(eve.email)
    assert (await send(dashboard, "/register/verify", {"token": first.token})).status_code == 303

    late = await send(dashboard, "/register/verify", {"token": second.token})

    assert late.status_code == 409
    assert "This address has an account" in late.text
    assert "Set-Cookie" not in late.headers
    mine = "select count(*) from tenant where lower(email) = lower(%s)"
    assert run(postgres, mine, eve.email) == [(1,)]


@pytest.mark.parametrize("kind", ["reset", "email", "invite"])
async def test_a_link_for_something_else_opens_nothing(
    dashboard: FastAPI, post: Post, postgres: Embedded, kind: str
) -> None:
    eve = Person()
    await send(dashboard, "/register", eve.registers())
    letter = await post.last(eve.email)
    run(postgres, "update one_time_token set kind = %s where email = %s", kind, eve.email)
    assert (await client(dashboard).get(letter.path, headers=PAGE)).status_code == 422
    assert (await send(dashboard, "/register/verify", {"token": letter.token})).status_code == 422


async def test_a_link_that_is_too_old_opens_nothing(
    dashboard: FastAPI, post: Post, postgres: Embedded
) -> None:
    eve = Person()
    await send(dashboard, "/register", eve.registers())
    letter = await post.last(eve.email)
    earlier = "update one_time_token set expires_at = expires_at - %s::interval where email = %s"
    run(postgres, earlier, "23 hours 59 minutes", eve.email)
    assert (await client(dashboard).get(letter.path, headers=PAGE)).status_code == 200
    run(postgres, earlier, "1 minute", eve.email)
    assert (await send(dashboard, "/register/verify", {"token": letter.token})).status_code == 422


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"company": " "}, "company"),
        ({"email": "eve"}, "email"),
        ({"email": "e\0ve@example.com"}, "email"),
        ({"email": "eve@example.com\r\nBcc: all@example.com"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 1001}, "password"),
        ({"password": "nul\0nul\0nul\0"}, "password"),
        ({"password": "Password123"}, "password"),
        ({"password": "aaaaaaaaaaaa"}, "password"),
        (
            {"email": "eve.the.first@example.com", "password": "Eve.the.first@example.com"},
            "password",
        ),
    ],
)
async def test_bad_input_is_said_at_its_field(
    dashboard: FastAPI, changes: dict[str, str], wrong: str
) -> None:
    body = Person().registers(**changes)
    answer = await client(dashboard).post("/api/registrations", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, wrong)
    page = await send(dashboard, "/register", body)
    assert page.status_code == 422
    assert f'id="{wrong}-error"' in page.text
    assert body["password"] not in page.text


@pytest.mark.parametrize("token", ["", "x", "ä", "a\0b", "x" * 5000, "%00"])
async def test_odd_tokens_are_refused(dashboard: FastAPI, token: str) -> None:
    visitor = client(dashboard)
    for path in ("/register/verify", "/reset", "/settings/email/confirm"):
        page = await visitor.get(path, params={"token": token}, headers=PAGE)
        assert page.status_code == 422
        form = {"token": token, "password": "correct horse battery"}
        assert (await send(dashboard, path, form)).status_code == 422
    for path in ("registrations/verify", "password-resets/redeem", "email-changes/confirm"):
        body = {"token": token} | ({"password": "x" * 20} if "redeem" in path else {})
        assert (await visitor.post(f"/api/{path}", json=body)).status_code == 422


async def test_names_with_line_breaks_stay_in_their_place(dashboard: FastAPI, post: Post) -> None:
    eve = Person()
    await send(dashboard, "/register", eve.registers(name="Eve\r\nBcc: all@example.com <b>"))
    letter = await post.last(eve.email)
    assert "\n" not in letter.subject
    assert "<b>" in letter.text
    assert "<b>" not in letter.html


async def test_links_lead_where_the_settings_say(dashboard: FastAPI, post: Post) -> None:
    eve = Person()
    evil = {"Host": "evil.com", "Origin": "http://evil.com", "X-Forwarded-Host": "evil.com"}
    await client(dashboard).post("/api/registrations", json=eve.registers(), headers=evil)
    letter = await post.last(eve.email)
    assert "evil" not in letter.text + letter.html


async def test_another_site_cannot_use_a_link(dashboard: FastAPI) -> None:
    for path in ("/register", "/register/verify", "/forgot", "/reset", "/settings/email/confirm"):
        answer = await client(dashboard).post(
            path, data={"token": "x"}, headers=PAGE | {"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 403, path


async def test_too_many_from_one_address_have_to_wait(dashboard: FastAPI, post: Post) -> None:
    visitor = client(dashboard)
    for _ in range(10):
        body = Person().registers()
        assert (await visitor.post("/api/registrations", json=body)).status_code == 202
    last = Person()
    answer = await visitor.post("/api/registrations", json=last.registers())
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) == 360
    page = await visitor.post("/register", data=last.registers(), headers=FORM)
    assert page.status_code == 429
    assert "Too many attempts" in page.text
    assert f'value="{last.email}"' in page.text
    assert (await send(dashboard, "/register", last.registers())).status_code == 200
    assert len(await post.to(last.email)) == 1


async def test_too_many_for_one_e_mail_have_to_wait(
    dashboard: FastAPI, ada: Person, post: Post
) -> None:
    for person in (ada, Person()):
        tries = [await send(dashboard, "/register", person.registers()) for _ in range(4)]
        assert [answer.status_code for answer in tries] == [200, 200, 200, 429]
        assert len(await post.to(person.email)) == 3


@pytest.fixture
async def closed(postgres: Embedded, engine: FastAPI) -> AsyncIterator[FastAPI]:
    url = postgres.url(database.NAME, database.ROLE)
    app = create_app(dashboard_settings(url, registration=False), transport(engine))
    async with app.router.lifespan_context(app):
        yield app


async def test_where_registration_is_closed_there_is_no_way_in(
    closed: FastAPI, dashboard: FastAPI, post: Post
) -> None:
    eve = Person()
    await send(dashboard, "/register", eve.registers())
    token = (await post.last(eve.email)).token
    visitor = client(closed)
    for path in ("/register", f"/register/verify?token={token}"):
        assert (await visitor.get(path, headers=PAGE)).status_code == 404
    for path, form in (("/register", eve.registers()), ("/register/verify", {"token": token})):
        assert (await send(closed, path, form)).status_code == 404
    for path, body in (("", eve.registers()), ("/verify", {"token": token})):
        answer = await visitor.post(f"/api/registrations{path}", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "registration_closed")
    assert "/register" not in (await visitor.get("/sign-in", headers=PAGE)).text
    assert "/register" in (await client(dashboard).get("/sign-in", headers=PAGE)).text
