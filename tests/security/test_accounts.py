"""What somebody can learn or try at the door, and what they cannot."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import bcrypt
import httpx
import pytest
from fastapi import FastAPI

from monster.dashboard.accounts import service as accounts
from monster.dashboard.identity import service as identity
from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from monster.kit.passwords import COST
from monster.kit.rates import Limits, Rate
from monster.kit.testing import Statements
from tests.builders import client
from tests.people import FORM, Person, Post, audited, run, send, settle

ROUNDS = 9
FREELY = Limits(Rate(10_000, timedelta(minutes=1)), Rate(10_000, timedelta(minutes=1)))
UNSEEN = {"x-request-id", "content-length", "date"}

Ask = Callable[[FastAPI, Person], Awaitable[httpx.Response]]


async def sign_in_page(app: FastAPI, person: Person) -> httpx.Response:
    return await send(app, "/sign-in", person.says(password="not this one"))


async def sign_in_api(app: FastAPI, person: Person) -> httpx.Response:
    return await client(app).post("/api/sessions", json=person.says(password="not this one"))


async def register_page(app: FastAPI, person: Person) -> httpx.Response:
    return await send(app, "/register", person.registers())


async def register_api(app: FastAPI, person: Person) -> httpx.Response:
    return await client(app).post("/api/registrations", json=person.registers())


async def forgot_page(app: FastAPI, person: Person) -> httpx.Response:
    return await send(app, "/forgot", {"email": person.email})


async def forgot_api(app: FastAPI, person: Person) -> httpx.Response:
    return await client(app).post("/api/password-resets", json={"email": person.email})


QUESTIONS = [sign_in_page, sign_in_api, register_page, register_api, forgot_page, forgot_api]
cheaply = pytest.mark.usefixtures("quick_hashes")
each_question = pytest.mark.parametrize("ask", QUESTIONS, ids=lambda ask: ask.__name__)


@pytest.fixture
async def known(sessions: SessionMaker) -> Person:
    return await settle(sessions, Person(), cost=COST)


def seen(answer: httpx.Response, person: Person) -> tuple[object, ...]:
    headers = {name: value for name, value in answer.headers.items() if name not in UNSEEN}
    return answer.status_code, headers, answer.text.replace(person.email, "THEM")


@cheaply
@each_question
async def test_the_answer_does_not_tell_who_exists(
    dashboard: FastAPI, known: Person, ask: Ask
) -> None:
    """Up to the attempt that locks, and beyond what one may ask."""
    unknown, codes = Person(), set[object]()
    for attempt in range(12):
        answers = [seen(await ask(dashboard, person), person) for person in (known, unknown)]
        assert answers[0] == answers[1], attempt
        codes.add(answers[0][0])
    assert 429 in codes
    assert len(codes) == 2


@cheaply
@each_question
async def test_the_database_is_asked_the_same(
    dashboard: FastAPI,
    known: Person,
    ask: Ask,
    statements: Statements,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The attempt that locks among them."""
    freely(monkeypatch)
    unknown = Person()
    await ask(dashboard, Person())  # whatever is done but once
    for attempt in range(7):
        sent = list[list[str]]()
        for person in (known, unknown):
            before = len(statements)
            await ask(dashboard, person)
            sent.append(statements[before:])
        assert sent[0], "nothing was observed"
        assert sent[0] == sent[1], attempt


@each_question
async def test_the_time_does_not_tell_who_exists(
    dashboard: FastAPI, sessions: SessionMaker, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    freely(monkeypatch)
    await ask(dashboard, Person())
    took = dict[bool, list[float]]({True: [], False: []})
    for _ in range(ROUNDS):
        for exists in (True, False):
            person = await settle(sessions, Person(), cost=COST) if exists else Person()
            began = time.perf_counter()
            await ask(dashboard, person)
            took[exists].append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.5 < known / unknown < 2, (known, unknown)
    if ask in {sign_in_page, sign_in_api}:  # so that a hash was computed at all
        assert min(known, unknown) > 0.05


@cheaply
async def test_an_account_that_is_locked_or_gone_answers_alike(
    dashboard: FastAPI, sessions: SessionMaker, postgres: Embedded, statements: Statements
) -> None:
    people = [await settle(sessions, Person(), cost=COST) for _ in range(3)]
    changes = ("locked_until = now() + '9 min'", "is_active = false", "password_hash = null")
    for person, change in zip(people, changes, strict=True):
        run(postgres, f'update "user" set {change} where email = %s', person.email)
    answers, sent = set[str](), set[tuple[str, ...]]()
    for person in (*people, Person()):
        before = len(statements)
        answer = await client(dashboard).post("/api/sessions", json=person.says())
        answers.add(f"{answer.status_code} {answer.text}")
        sent.add(tuple(statements[before:]))
    assert (len(answers), len(sent)) == (1, 1)


def freely(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as one likes: what the limits cover up is looked at."""
    monkeypatch.setattr(identity, "SIGN_IN", FREELY)
    monkeypatch.setattr(accounts, "REGISTER", FREELY)
    monkeypatch.setattr(accounts, "RESET", FREELY)


def watch(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a password was compared with which hash."""
    checked, check = Counter[str](), bcrypt.checkpw

    def record(password: bytes, known: bytes) -> bool:
        checked[known.decode()] += 1
        return check(password, known)

    monkeypatch.setattr(bcrypt, "checkpw", record)
    return checked


def hash_of(postgres: Embedded, person: Person) -> str:
    return str(
        run(postgres, 'select password_hash from "user" where email = %s', person.email)[0][0]
    )


async def guess(app: FastAPI, person: Person, number: int) -> int:
    """Each from an address of its own."""
    body = person.says(password=f"guess {number}")
    return (await client(app).post("/api/sessions", json=body)).status_code


@cheaply
@pytest.mark.parametrize("limits", ["as they are", "none"])
async def test_of_200_guesses_at_once_five_are_looked_at(
    dashboard: FastAPI,
    sessions: SessionMaker,
    postgres: Embedded,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
    limits: str,
) -> None:
    ada, eve = [await settle(sessions, Person()) for _ in range(2)]
    hers = hash_of(postgres, ada)
    checked = watch(monkeypatch)
    if limits == "none":
        freely(monkeypatch)

    answers = Counter(await asyncio.gather(*[guess(dashboard, ada, n) for n in range(200)]))

    assert answers == ({401: 200} if limits == "none" else {401: 10, 429: 190})
    assert checked[hers] == 5
    assert checked.total() == answers[401]  # the others cost as much
    row = 'select failed_login_attempts, locked_until > now() from "user" where email = %s'
    assert run(postgres, row, ada.email) == [(5, True)]
    logged = Counter(action for action, *_ in audited(postgres, ada))
    assert logged == {"LOGIN_FAILED": 5, "LOCK": 1}

    run(postgres, "delete from rate_bucket")  # so that only the lock is in the way
    shift = 'update "user" set locked_until = locked_until - %s::interval where email = %s'
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 401
    assert (await send(dashboard, "/sign-in", eve.says())).status_code == 303
    run(postgres, shift, "29 minutes", ada.email)
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 401
    assert checked[hers] == 5
    run(postgres, shift, "1 minute", ada.email)
    assert (await send(dashboard, "/sign-in", ada.says())).status_code == 303
    letters = [letter.subject for letter in await post.to(ada.email)]
    assert letters == ["Your account is locked for half an hour"]


@cheaply
async def test_each_lock_is_told_once(
    dashboard: FastAPI,
    sessions: SessionMaker,
    postgres: Embedded,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    freely(monkeypatch)
    ada = await settle(sessions, Person())
    for round_ in range(1, 3):
        for number in range(7):
            assert await guess(dashboard, ada, number) == 401
        assert len(await post.to(ada.email)) == round_
        over = 'update "user" set locked_until = now() where email = %s'
        run(postgres, over, ada.email)
    logged = Counter(action for action, *_ in audited(postgres, ada))
    assert logged == {"LOGIN_FAILED": 10, "LOCK": 2}


@cheaply
async def test_one_address_cannot_try_many_accounts(dashboard: FastAPI) -> None:
    visitor = client(dashboard)
    answers = await asyncio.gather(
        *[visitor.post("/sign-in", data=Person().says(), headers=FORM) for _ in range(33)]
    )
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) == {401, 429}
    assert 30 <= codes[401] <= 31  # one comes back every two seconds
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["Retry-After"] == "2"
    assert "Too many attempts" in refused.text
    assert (await send(dashboard, "/sign-in", Person().says())).status_code == 401


async def test_a_whole_network_of_ipv6_is_one_address(dashboard: FastAPI) -> None:
    codes = Counter[int]()
    for number in range(33):
        there = httpx.ASGITransport(
            dashboard, raise_app_exceptions=False, client=(f"2001:db8:77:1::{number:x}", 1)
        )
        async with httpx.AsyncClient(transport=there, base_url="http://monster") as visitor:
            body = Person().says(password="x" * 1001)  # refused before it is counted
            assert (await visitor.post("/api/sessions", json=body)).status_code == 422
            answer = await visitor.post("/api/password-resets", json={"email": Person().email})
            codes[answer.status_code] += 1
    assert codes == {202: 10, 429: 23}


@cheaply
async def test_nothing_that_was_typed_is_kept(dashboard: FastAPI, postgres: Embedded) -> None:
    """People type their password where the e-mail belongs."""
    typed = f"my-secret-{Person().email}"
    await client(dashboard).post("/api/sessions", json=Person(email=typed).says())
    for table in ("audit_log", "procrastinate_jobs", "one_time_token", "rate_bucket"):
        rows = run(postgres, f"select t::text from {table} t")
        assert not any("my-secret" in str(row) for row in rows)
    last = "select principal, user_id, resource_id, details from audit_log where tenant_id = %s"
    row = run(postgres, f"{last} order by seq desc limit 1", identity.PLATFORM)
    assert row == [("anonymous", None, None, {})]
