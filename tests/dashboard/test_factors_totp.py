"""Authenticator apps: set up, asked for, worth one use, limited, sealed, removed."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from monster.kit import clock, rates, tenancy
from tests.builders import Tenant, client
from tests.second_factor import SECOND, Account, Clock, code, run


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stands = Clock()
    monkeypatch.setattr(clock, "now", stands.now)
    return stands


@pytest.fixture
async def ada(dashboard: FastAPI) -> Account:
    account = await Account(dashboard).settle()
    await account.with_app(await account.enter())
    return account


async def test_without_a_factor_the_password_is_enough(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    mine = (await (await account.enter()).get("/api/factors")).json()
    assert mine == {"totp_since": None, "passkeys": [], "recovery_codes_left": 0}


async def test_password_and_code_make_a_session(ada: Account) -> None:
    answer = await ada.answer(ada.now())
    assert answer.status_code == 201
    session = client(ada.app, answer.json()["token"])
    mine = (await session.get("/api/factors")).json()
    assert mine["totp_since"] is not None
    assert mine["recovery_codes_left"] == 10
    assert ada.audited()[-1] == ("LOGIN", "user", "totp")


async def test_the_password_alone_makes_no_session(ada: Account) -> None:
    answer = await client(ada.app).post("/api/sessions", json=ada.says)
    assert set(answer.json()) == {"error", "challenge", "methods"}
    assert answer.json()["methods"] == ["totp"]
    challenge = answer.json()["challenge"]
    assert code(await client(ada.app, challenge).get("/api/factors")) == (401, "unauthenticated")
    assert ada.email not in answer.text


async def test_a_wrong_password_tells_nothing_of_a_second_factor(ada: Account) -> None:
    answer = await client(ada.app).post("/api/sessions", json=ada.says | {"password": "wrong"})
    assert code(answer) == (401, "wrong_password")
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
async def test_a_code_may_be_half_a_minute_off(ada: Account, steps: int, *, right: bool) -> None:
    run(ada.app, "update totp set last_step = 0 where user_id = %s", ada.id)
    assert (await ada.answer(ada.now(steps))).status_code == (201 if right else 401)


async def test_a_code_is_taken_once(ada: Account, time: Clock) -> None:
    assert (await ada.answer(ada.now())).status_code == 201
    for steps in (0, -1):  # nor one from before
        assert code(await ada.answer(ada.now(steps))) == (401, "wrong_code")
    time.on(1)
    assert (await ada.answer(ada.now())).status_code == 201


async def test_the_code_that_confirmed_is_used(ada: Account) -> None:
    assert code(await ada.answer(ada.now(-1))) == (401, "wrong_code")


async def test_of_two_at_once_with_one_code_one_gets_in(ada: Account) -> None:
    challenges = [await ada.challenge() for _ in range(4)]
    answers = await asyncio.gather(*(ada.answer(ada.now(), one) for one in challenges))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]


async def test_a_challenge_is_worth_one_session(ada: Account, time: Clock) -> None:
    challenge = await ada.challenge()
    assert (await ada.answer(ada.now(), challenge)).status_code == 201
    time.on(1)
    assert code(await ada.answer(ada.now(), challenge)) == (422, "token_worthless")


async def test_a_challenge_lasts_five_minutes(ada: Account) -> None:
    challenge = await ada.challenge()
    shift = "update one_time_token set expires_at = expires_at - %s::interval where user_id = %s"
    run(ada.app, shift, "4 minutes 50 seconds", ada.id)
    assert (await ada.answer(ada.now(), challenge)).status_code == 201
    challenge = await ada.challenge()
    run(ada.app, shift, "5 minutes", ada.id)
    assert code(await ada.answer(ada.now(1), challenge)) == (422, "token_worthless")


async def test_a_challenge_is_for_its_own_person(ada: Account) -> None:
    bob = await Account(ada.app).settle()
    await bob.with_app(await bob.enter())
    challenge = await bob.challenge()
    assert code(await bob.answer(ada.now(), challenge)) == (401, "wrong_code")
    assert code(await bob.answer(ada.codes[0], challenge)) == (401, "wrong_code")
    assert (await bob.answer(bob.now(), challenge)).status_code == 201


async def test_guesses_are_counted_for_the_person_over_all_challenges(ada: Account) -> None:
    for _ in range(5):
        assert code(await ada.answer("000000")) == (401, "wrong_code")
    limited = await ada.answer(ada.now())
    assert code(limited) == (429, "too_many_requests")
    assert int(limited.headers["Retry-After"]) == 120
    assert ada.audited().count(("LOGIN_FAILED", "user", "code")) == 5


async def test_guesses_made_at_once_are_counted_before_they_are_checked(ada: Account) -> None:
    challenges = [await ada.challenge() for _ in range(4)] * 2
    answers = await asyncio.gather(*(ada.answer("000000", one) for one in challenges))
    assert sorted(a.status_code for a in answers) == [401] * 5 + [429] * 3


async def test_who_is_right_is_not_counted(ada: Account, time: Clock) -> None:
    for _ in range(7):
        assert (await ada.answer(ada.now())).status_code == 201
        time.on(1)


async def test_a_recovery_code_works_once_however_it_is_written(ada: Account) -> None:
    assert len(set(ada.codes)) == 10
    spare = ada.codes[0]
    assert len(spare.replace("-", "")) == 16  # of 5 bits each
    assert (await ada.answer(spare.replace("-", " ").lower())).status_code == 201
    assert ada.audited()[-1] == ("LOGIN", "user", "recovery_code")
    assert code(await ada.answer(spare)) == (401, "wrong_code")
    answer = await ada.answer(ada.codes[1])
    mine = await client(ada.app, answer.json()["token"]).get("/api/factors")
    assert mine.json()["recovery_codes_left"] == 8


async def test_of_two_at_once_with_one_recovery_code_one_gets_in(ada: Account) -> None:
    challenges = [await ada.challenge() for _ in range(4)]
    answers = await asyncio.gather(*(ada.answer(ada.codes[0], one) for one in challenges))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]


async def test_neither_secret_nor_codes_can_be_read_in_the_database(ada: Account) -> None:
    ((secret,),) = run(ada.app, "select secret from totp where user_id = %s", ada.id)
    raw = bytes(secret)
    assert ada.totp.secret.encode() not in raw
    assert ada.totp.byte_secret() not in raw
    opened = ada.app.state.account_key.open(raw, ada.id, "totp")
    assert opened.decode() == ada.totp.secret
    rows = run(ada.app, "select code_hash from recovery_code where user_id = %s", ada.id)
    assert {len(bytes(row[0])) for row in rows} == {32}


@pytest.mark.parametrize("table", ["totp", "passkey", "recovery_code"])
async def test_the_database_shows_factors_to_their_person_alone(ada: Account, table: str) -> None:
    http = client(ada.app, (await ada.answer(ada.codes[0])).json()["token"])
    await ada.with_passkey(http)
    bob = await Account(ada.app).settle()
    seen = text(f"select count(*) > 0 from {table}")
    for person, sees in ((None, False), (bob, False), (ada, True)):
        async with tenancy.outside(ada.app.state.sessions) as session:
            if person:
                await tenancy.enter_person(session, uuid.UUID(person.id))
            assert await session.scalar(seen) is sees


async def test_a_secret_moved_to_another_person_does_not_open(ada: Account) -> None:
    bob = await Account(ada.app).settle()
    await bob.with_app(await bob.enter())
    move = (
        "update totp set secret = (select secret from totp where user_id = %s) where user_id = %s"
    )
    run(ada.app, move, ada.id, bob.id)
    assert (await bob.answer(ada.now())).status_code == 500  # sealed for another place


async def test_an_app_counts_only_when_it_is_confirmed(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    http = await account.enter()
    confirm = "/api/factors/totp/confirm"
    assert code(await http.post(confirm, json={"code": "123456"})) == (409, "totp_missing")
    first = (await http.post("/api/factors/totp")).json()
    assert first["uri"].startswith("otpauth://totp/Monster:")
    await account.enter()  # still by the password alone
    second = (await http.post("/api/factors/totp")).json()
    assert second["secret"] != first["secret"]
    refused = await http.post(confirm, json={"code": "000000"})
    assert (*code(refused), refused.json()["error"]["field"]) == (422, "code_mismatch", "code")
    await account.with_app(http)
    assert code(await http.post("/api/factors/totp")) == (409, "totp_exists")
    assert code(await http.post(confirm, json={"code": account.now()})) == (409, "totp_missing")


@pytest.mark.parametrize(
    "body", [{}, {"code": ""}, {"code": "1" * 41}, {"code": "\0"}, {"code": 1}]
)
async def test_bad_input_is_refused(ada: Account, body: dict[str, object]) -> None:
    challenge = await ada.challenge()
    answer = await client(ada.app).post(SECOND, json=body | {"challenge": challenge})
    assert (*code(answer), answer.json()["error"]["field"]) == (422, "invalid", "code")


@pytest.mark.parametrize("challenge", ["", "x", "ä" * 200, "x" * 201])
async def test_a_made_up_challenge_is_worth_nothing(dashboard: FastAPI, challenge: str) -> None:
    for path in ("", "/passkey/options"):
        body = {"challenge": challenge} | ({} if path else {"code": "123456"})
        answer = await client(dashboard).post(SECOND + path, json=body)
        assert answer.status_code == 422


async def test_removing_asks_the_password(ada: Account) -> None:
    token = (await ada.answer(ada.now())).json()["token"]
    http = client(ada.app, token)
    path = "/api/factors/totp/remove"
    wrong = await http.post(path, json={"password": "wrong"})
    assert (*code(wrong), wrong.json()["error"]["field"]) == (422, "password_mismatch", "password")
    assert code(await http.post(path, json={})) == (422, "invalid")
    assert (await http.post(path, json={"password": ada.password})).status_code == 204
    assert code(await http.post(path, json={"password": ada.password})) == (409, "totp_missing")
    await ada.enter()
    mine = await http.get("/api/factors")
    assert mine.json() == {"totp_since": None, "passkeys": [], "recovery_codes_left": 0}
    assert ("DELETE", "totp", None) in ada.audited()


async def test_passwords_cannot_be_tried_without_end(ada: Account) -> None:
    http = client(ada.app, (await ada.answer(ada.now())).json()["token"])
    for _ in range(5):
        await http.post("/api/factors/recovery-codes", json={"password": "wrong"})
    for path in ("recovery-codes", "totp/remove"):
        answer = await http.post(f"/api/factors/{path}", json={"password": ada.password})
        assert code(answer) == (429, "too_many_requests")


async def test_new_recovery_codes_replace_the_old(ada: Account) -> None:
    http = client(ada.app, (await ada.answer(ada.now())).json()["token"])
    answer = await http.post("/api/factors/recovery-codes", json={"password": ada.password})
    fresh = answer.json()["recovery_codes"]
    assert len(fresh) == 10
    assert not set(fresh) & set(ada.codes)
    assert code(await ada.answer(ada.codes[0])) == (401, "wrong_code")
    assert (await ada.answer(fresh[0])).status_code == 201
    assert ("CREATE", "recovery_codes", None) in ada.audited()


async def test_recovery_codes_need_a_factor(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    http = await account.enter()
    body = {"password": account.password}
    answer = await http.post("/api/factors/recovery-codes", json=body)
    assert code(answer) == (409, "second_factor_missing")


@pytest.mark.parametrize("disguise", ["impersonator_id", "identity_provider_id"])
async def test_only_who_signed_in_by_themselves_may_change_factors(
    tenant: Tenant, disguise: str
) -> None:
    member = tenant.member("owner", tenant.user_id)
    if disguise == "impersonator_id":
        run(tenant.dashboard, 'update "user" set is_admin = true where id = %s', tenant.user_id)
        who = tenant.user_id
    else:
        add = """insert into identity_provider (tenant_id, id, name, issuer, client_id, scopes,
            default_role) values (%s, %s, 'x', 'x', 'x', 'x', 'viewer')"""
        who = tenant.id
        run(tenant.dashboard, add, tenant.id, who)
    run(
        tenant.dashboard,
        f"update login_session set {disguise} = %s where user_id = %s",
        who,
        tenant.user_id,
    )
    assert (await member.get("/api/factors")).status_code == 200
    password = {"password": "x"}
    for path, body in (
        ("totp", None),
        ("totp/confirm", {"code": "123456"}),
        ("totp/remove", password),
        ("passkeys/options", None),
        (f"passkeys/{tenant.id}/remove", password),
        ("recovery-codes", password),
    ):
        answer = await member.post(f"/api/factors/{path}", json=body)
        assert code(answer) == (403, "not_your_account"), path


async def test_rates_are_given_back_up_to_what_was_there(ada: Account) -> None:
    rate = rates.Rate(1, timedelta(hours=1))
    async with ada.app.state.sessions.begin() as session:
        for _ in range(2):
            await rates.give_back(session, rate, "nobody", ada.id)  # nothing was taken
        await rates.take(session, rate, "nobody", ada.id)
        await rates.give_back(session, rate, "nobody", ada.id)
        await rates.give_back(session, rate, "nobody", ada.id)
        await rates.take(session, rate, "nobody", ada.id)
        with pytest.raises(rates.TooMany):
            await rates.take(session, rate, "nobody", ada.id)
