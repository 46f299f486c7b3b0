"""Back in without the password, and nobody else gets in that way."""

import asyncio

import pytest
from fastapi import FastAPI

from monster.kit.embedded import Embedded
from tests.builders import client
from tests.people import PAGE, Person, Post, audited, run, send, sign_in

pytestmark = pytest.mark.usefixtures("quick_hashes")

NEW = "staple battery horse"


async def test_a_forgotten_password_is_replaced(
    dashboard: FastAPI, ada: Person, post: Post, postgres: Embedded
) -> None:
    before = [await sign_in(dashboard, ada) for _ in range(2)]
    assert (await client(dashboard).get("/forgot", headers=PAGE)).status_code == 200
    answer = await send(dashboard, "/forgot", {"email": f" {ada.email.upper()} "})
    assert "Look into your mailbox" in answer.text
    letter = await post.last(ada.email)
    assert letter.subject == "Choose a new password"
    assert letter.link.startswith("http://127.0.0.1:8700/reset?token=")
    for _ in range(3):
        page = await client(dashboard).get(letter.path, headers=PAGE)
        assert 'name="password"' in page.text
    assert (await before[0].get("/api/agents")).status_code == 200

    answer = await send(dashboard, "/reset", {"token": letter.token, "password": NEW})

    assert (answer.status_code, "Your password is changed" in answer.text) == (200, True)
    for browser in before:
        assert (await browser.get("/api/agents")).status_code == 401
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 401
    assert (await send(dashboard, "/sign-in", ada.says(password=NEW))).status_code == 303
    assert (await post.last(ada.email)).subject == "Your password was changed"
    assert ("UPDATE", "user", "user", {"changed": ["password"]}) in audited(postgres, ada)


async def test_programs_do_it_too(dashboard: FastAPI, ada: Person, post: Post) -> None:
    program = client(dashboard)
    answer = await program.post("/api/password-resets", json={"email": ada.email})
    assert answer.status_code == 202
    body = {"token": (await post.last(ada.email)).token, "password": NEW}
    assert (await program.post("/api/password-resets/redeem", json=body)).status_code == 204
    answer = await program.post("/api/sessions", json=ada.says(password=NEW))
    assert answer.status_code == 201
    again = await program.post("/api/password-resets/redeem", json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (422, "token_worthless")


async def test_it_opens_a_locked_account(dashboard: FastAPI, ada: Person, post: Post) -> None:
    for _ in range(5):
        await send(dashboard, "/sign-in", ada.says(password="wrong"))
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 401
    assert len(await post.to(ada.email)) == 1  # about the lock
    await send(dashboard, "/forgot", {"email": ada.email})
    token = (await post.last(ada.email)).token
    await send(dashboard, "/reset", {"token": token, "password": NEW})
    assert (await send(dashboard, "/sign-in", ada.says(password=NEW))).status_code == 303


async def test_of_two_at_once_one_gets_it(dashboard: FastAPI, ada: Person, post: Post) -> None:
    await send(dashboard, "/forgot", {"email": ada.email})
    token = (await post.last(ada.email)).token
    passwords = [f"{NEW} {number}" for number in range(4)]
    answers = await asyncio.gather(
        *[send(dashboard, "/reset", {"token": token, "password": one}) for one in passwords]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
    entries = [
        (await send(dashboard, "/sign-in", ada.says(password=one))).status_code
        for one in passwords[:4]
    ]
    assert sorted(entries) == [303, 401, 401, 401]


async def test_the_first_used_link_makes_the_others_worthless(
    dashboard: FastAPI, ada: Person, post: Post
) -> None:
    for _ in range(2):
        await send(dashboard, "/forgot", {"email": ada.email})
    first, second = await post.to(ada.email)
    await send(dashboard, "/reset", {"token": first.token, "password": NEW})
    late = await send(dashboard, "/reset", {"token": second.token, "password": f"{NEW}!"})
    assert late.status_code == 422
    assert "This link does not work" in late.text


async def test_a_link_lives_for_an_hour(
    dashboard: FastAPI, ada: Person, post: Post, postgres: Embedded
) -> None:
    await send(dashboard, "/forgot", {"email": ada.email})
    letter = await post.last(ada.email)
    earlier = "update one_time_token set expires_at = expires_at - %s::interval where email = %s"
    run(postgres, earlier, "59 minutes", ada.email)
    assert (await client(dashboard).get(letter.path, headers=PAGE)).status_code == 200
    run(postgres, earlier, "1 minute", ada.email)
    for answer in (
        await client(dashboard).get(letter.path, headers=PAGE),
        await send(dashboard, "/reset", {"token": letter.token, "password": NEW}),
    ):
        assert (answer.status_code, "Ask for a new link" in answer.text) == (422, True)


async def test_a_weak_password_leaves_the_link_as_it_is(
    dashboard: FastAPI, ada: Person, post: Post
) -> None:
    await send(dashboard, "/forgot", {"email": ada.email})
    token = (await post.last(ada.email)).token
    for weak in ("short", "password123", ada.email.upper(), ""):
        answer = await send(dashboard, "/reset", {"token": token, "password": weak})
        assert (answer.status_code, 'id="password-error"' in answer.text) == (422, True)
        assert f'value="{token}"' in answer.text
    answer = await send(dashboard, "/reset", {"token": token, "password": NEW})
    assert answer.status_code == 200


async def test_nobody_gets_a_letter_who_cannot_use_one(
    dashboard: FastAPI, ada: Person, post: Post, postgres: Embedded
) -> None:
    unknown = Person()
    run(postgres, 'update "user" set is_active = false where email = %s', ada.email)
    for person in (unknown, ada):
        assert (await send(dashboard, "/forgot", {"email": person.email})).status_code == 200
        assert await post.to(person.email) == []


async def test_who_has_no_password_is_told_how_to_get_in(
    dashboard: FastAPI, ada: Person, post: Post, postgres: Embedded
) -> None:
    await send(dashboard, "/forgot", {"email": ada.email})
    early = await post.last(ada.email)
    run(postgres, 'update "user" set password_hash = null where email = %s', ada.email)
    answer = await send(dashboard, "/reset", {"token": early.token, "password": NEW})
    assert answer.status_code == 422
    await send(dashboard, "/forgot", {"email": ada.email})
    letter = await post.last(ada.email)
    assert letter.subject == "How you sign in"
    assert "token" not in letter.text + letter.html


async def test_who_is_deactivated_after_the_letter_stays_out(
    dashboard: FastAPI, ada: Person, post: Post, postgres: Embedded
) -> None:
    await send(dashboard, "/forgot", {"email": ada.email})
    token = (await post.last(ada.email)).token
    run(postgres, 'update "user" set is_active = false where email = %s', ada.email)
    answer = await send(dashboard, "/reset", {"token": token, "password": NEW})
    assert answer.status_code == 422


async def test_too_many_have_to_wait(dashboard: FastAPI, ada: Person) -> None:
    for person in (ada, Person()):
        tries = [await send(dashboard, "/forgot", {"email": person.email}) for _ in range(4)]
        assert [answer.status_code for answer in tries] == [200, 200, 200, 429]
        assert int(tries[-1].headers["Retry-After"]) == 1200
    visitor = client(dashboard)
    body = {"token": "x", "password": NEW}
    for _ in range(10):
        assert (await visitor.post("/api/password-resets/redeem", json=body)).status_code == 422
    assert (await visitor.post("/api/password-resets/redeem", json=body)).status_code == 429


@pytest.mark.parametrize("email", ["", "ada", "a\0da@example.com", "a@b\r\nBcc: c@d", "x" * 300])
async def test_bad_input_is_said_at_its_field(dashboard: FastAPI, email: str) -> None:
    page = await send(dashboard, "/forgot", {"email": email})
    assert (page.status_code, 'id="email-error"' in page.text) == (422, True)
    answer = await client(dashboard).post("/api/password-resets", json={"email": email})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "email")
