"""What a person changes about themselves: name, address, password."""

import asyncio
import uuid

import httpx
import pytest
from fastapi import FastAPI

from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from tests.builders import client
from tests.people import (
    PAGE,
    Person,
    Post,
    audited,
    disguise,
    run,
    send,
    settle,
    sign_in,
    token_of,
)

pytestmark = pytest.mark.usefixtures("quick_hashes")

NEW = "staple battery horse"


@pytest.fixture
async def browser(dashboard: FastAPI, ada: Person) -> httpx.AsyncClient:
    return await sign_in(dashboard, ada)


def user_id(postgres: Embedded, person: Person) -> uuid.UUID:
    ((found,),) = run(postgres, 'select id from "user" where email = %s', person.email)
    assert isinstance(found, uuid.UUID)
    return found


async def test_settings_begin_with_the_profile(browser: httpx.AsyncClient, ada: Person) -> None:
    answer = await browser.get("/settings", headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/profile")
    page = await browser.get("/settings/profile", headers=PAGE)
    assert 'value="Ada"' in page.text
    assert f"You sign in as {ada.email}." in page.text


async def test_a_name_is_changed(
    browser: httpx.AsyncClient, ada: Person, postgres: Embedded
) -> None:
    answer = await browser.post("/settings/profile", data={"name": "Ada King"}, headers=PAGE)
    assert answer.status_code == 303
    assert (await browser.get("/api/profile")).json()["name"] == "Ada King"
    assert (await browser.patch("/api/profile", json={"name": "Countess"})).status_code == 204
    changes = [details for *_, details in audited(postgres, ada)][-2:]
    assert changes == [
        {"before": {"name": "Ada"}, "after": {"name": "Ada King"}},
        {"before": {"name": "Ada King"}, "after": {"name": "Countess"}},
    ]


@pytest.mark.parametrize("name", ["", " ", "a\0b", "x" * 201])
async def test_an_odd_name_is_refused(browser: httpx.AsyncClient, name: str) -> None:
    page = await browser.post("/settings/profile", data={"name": name}, headers=PAGE)
    assert (page.status_code, 'id="name-error"' in page.text) == (422, True)
    answer = await browser.patch("/api/profile", json={"name": name})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "name")


async def test_an_address_moves_when_the_new_one_is_confirmed(
    dashboard: FastAPI, browser: httpx.AsyncClient, ada: Person, post: Post, postgres: Embedded
) -> None:
    new = Person(password=ada.password)
    await send(dashboard, "/forgot", {"email": ada.email})
    reset = await post.last(ada.email)
    form = {"email": new.email, "password": ada.password}
    answer = await browser.post("/settings/profile/email", data=form, headers=PAGE)
    assert answer.status_code == 303
    (letter,) = await post.to(new.email)
    assert letter.link.startswith("http://127.0.0.1:8700/settings/email/confirm?token=")
    for _ in range(3):
        page = await client(dashboard).get(letter.path, headers=PAGE)
        assert f"sign in as {new.email}" in page.text
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 303

    answers = await asyncio.gather(
        *[send(dashboard, "/settings/email/confirm", {"token": letter.token}) for _ in range(3)]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 422, 422]
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 401
    assert (await send(dashboard, "/sign-in", new.says())).status_code == 303
    told = await post.last(ada.email)
    assert told.subject == "Your e-mail address was changed"
    assert new.email in told.text
    moved = {"before": {"email": ada.email}, "after": {"email": new.email}}
    assert moved in [details for *_, details in audited(postgres, new)]
    late = await send(dashboard, "/reset", {"token": reset.token, "password": NEW})
    assert late.status_code == 422  # what went to the old address is worth nothing


async def test_programs_move_an_address(
    dashboard: FastAPI, browser: httpx.AsyncClient, ada: Person, post: Post
) -> None:
    new = Person(password=ada.password)
    program = client(dashboard, token_of(browser))
    answer = await program.post("/api/profile/email", json=new.says())
    assert answer.status_code == 202
    token = (await post.last(new.email)).token
    stranger = client(dashboard)
    for status in (204, 422):
        answer = await stranger.post("/api/email-changes/confirm", json={"token": token})
        assert answer.status_code == status
    assert (await program.get("/api/profile")).json()["email"] == new.email


async def test_a_taken_address_stays_where_it_is(
    dashboard: FastAPI, browser: httpx.AsyncClient, ada: Person, post: Post, postgres: Embedded
) -> None:
    """The answer does not tell; the letter is not sent; who comes first has it."""
    eve, free = Person(), Person()
    await send(dashboard, "/register", eve.registers())
    answers = [
        await browser.post("/api/profile/email", json=ada.says(email=person.email))
        for person in (eve, free)
    ]
    assert answers[0].text == answers[1].text
    first, second = await post.to(eve.email)
    subjects = {first.subject, second.subject}
    assert subjects == {"Confirm your e-mail address", "Confirm your new e-mail address"}
    register, move = sorted((first, second), key=lambda letter: len(letter.subject))
    await send(dashboard, "/register/verify", {"token": register.token})

    answer = await send(dashboard, "/settings/email/confirm", {"token": move.token})

    assert (answer.status_code, "This address has an account" in answer.text) == (409, True)
    assert user_id(postgres, ada) != user_id(postgres, eve)
    await browser.post("/api/profile/email", json=ada.says(email=eve.email))
    assert len(await post.to(eve.email)) == 2


async def test_the_spelling_of_an_address_may_change(
    dashboard: FastAPI, browser: httpx.AsyncClient, ada: Person, post: Post
) -> None:
    shouted = ada.email.upper()
    await browser.post("/api/profile/email", json=ada.says(email=shouted))
    token = (await post.last(shouted)).token
    await send(dashboard, "/settings/email/confirm", {"token": token})
    assert (await browser.get("/api/profile")).json()["email"] == shouted


async def test_a_password_is_changed_and_other_sessions_end(
    dashboard: FastAPI, browser: httpx.AsyncClient, ada: Person, post: Post, postgres: Embedded
) -> None:
    other = await sign_in(dashboard, ada)
    form = {"current": ada.password, "new": NEW}
    answer = await browser.post("/settings/profile/password", data=form, headers=PAGE)
    assert answer.status_code == 303
    assert (await browser.get("/api/profile")).status_code == 200
    assert (await other.get("/api/profile")).status_code == 401
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 401
    assert (await post.last(ada.email)).subject == "Your password was changed"
    assert ("UPDATE", "user", "user", {"changed": ["password"]}) in audited(postgres, ada)
    body = {"current": NEW, "new": ada.password}
    assert (await browser.post("/api/profile/password", json=body)).status_code == 204
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 303


@pytest.mark.parametrize(
    ("form", "status", "wrong"),
    [
        ({"current": "wrong", "new": NEW}, 401, "current"),
        ({"current": "", "new": NEW}, 422, "current"),
        ({"current": "correct horse battery", "new": "short"}, 422, "new"),
        ({"current": "correct horse battery", "new": "qwertyuiop"}, 422, "new"),
        ({"current": "correct horse battery", "new": "n\0n\0n\0n\0n\0n"}, 422, "new"),
        ({"current": "correct horse battery"}, 422, "new"),
    ],
)
async def test_a_bad_change_is_said_at_its_field(
    browser: httpx.AsyncClient, form: dict[str, str], status: int, wrong: str
) -> None:
    page = await browser.post("/settings/profile/password", data=form, headers=PAGE)
    assert (page.status_code, f'id="{wrong}-error"' in page.text) == (status, True)
    answer = await browser.post("/api/profile/password", json=form)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, wrong)


async def test_guesses_at_the_old_password_lock_the_account(
    dashboard: FastAPI, browser: httpx.AsyncClient, ada: Person, post: Post
) -> None:
    for number in range(5):
        path, body = (
            ("password", {"current": f"guess {number}", "new": NEW}),
            ("email", {"email": Person().email, "password": f"guess {number}"}),
        )[number % 2]
        assert (await browser.post(f"/api/profile/{path}", json=body)).status_code == 401
    body = {"current": ada.password, "new": NEW}
    assert (await browser.post("/api/profile/password", json=body)).status_code == 401
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 401
    assert (await post.last(ada.email)).subject == "Your account is locked for half an hour"


async def test_who_is_there_for_somebody_else_changes_nothing(
    browser: httpx.AsyncClient, ada: Person, postgres: Embedded, sessions: SessionMaker
) -> None:
    disguise(postgres, ada, await settle(sessions, Person()))
    page = await browser.get("/settings/profile", headers=PAGE)
    assert page.status_code == 200
    assert "You can look, but not change" in page.text
    for method, path, body in (
        ("PATCH", "/api/profile", {"name": "Mallory"}),
        ("POST", "/api/profile/email", ada.says(email=Person().email)),
        ("POST", "/api/profile/password", {"current": ada.password, "new": NEW}),
    ):
        answer = await browser.request(method, path, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_your_account")
    answer = await browser.post("/settings/profile", data={"name": "Mallory"})
    assert answer.status_code == 403


async def test_who_has_no_password_is_told_so(
    browser: httpx.AsyncClient, ada: Person, postgres: Embedded
) -> None:
    run(postgres, 'update "user" set password_hash = null where email = %s', ada.email)
    page = await browser.get("/settings/profile", headers=PAGE)
    assert "You have no password here" in page.text
    assert 'type="password"' not in page.text
    answer = await browser.post("/api/profile/password", json={"current": "x", "new": NEW})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_password")


async def test_a_link_of_a_deactivated_person_moves_nothing(
    dashboard: FastAPI, browser: httpx.AsyncClient, ada: Person, post: Post, postgres: Embedded
) -> None:
    new = Person()
    await browser.post("/api/profile/email", json=ada.says(email=new.email))
    token = (await post.last(new.email)).token
    run(postgres, 'update "user" set is_active = false where email = %s', ada.email)
    answer = await send(dashboard, "/settings/email/confirm", {"token": token})
    assert answer.status_code == 422
