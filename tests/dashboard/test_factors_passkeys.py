"""Passkeys, held by an authenticator in software: registered, asked for, checked to the letter."""

import copy
from typing import Any

import pytest
from fastapi import FastAPI

from monster.dashboard.passkeys.schemas import RelyingParty
from monster.kit import clock
from tests.authenticator import ORIGIN, Authenticator, text
from tests.builders import client
from tests.second_factor import SECOND, Account, Clock, code, run

PASSKEYS = "/api/factors/passkeys"


@pytest.fixture
async def ada(dashboard: FastAPI) -> Account:
    account = await Account(dashboard).settle()
    await account.with_passkey(await account.enter())
    return account


async def test_a_passkey_makes_a_session(ada: Account) -> None:
    challenge = await ada.challenge()
    options = await ada.asked(challenge)
    assert options["rpId"] == "localhost"
    assert options["userVerification"] == "preferred"
    assert [key["id"] for key in options["allowCredentials"]] == [text(ada.passkey.id)]

    answer = await ada.sign(challenge, ada.passkey.get(options))

    assert answer.status_code == 201
    mine = (await client(ada.app, answer.json()["token"]).get("/api/factors")).json()
    (passkey,) = mine["passkeys"]
    assert passkey["name"] == "Blue key"
    assert passkey["last_used_at"] is not None
    assert mine["recovery_codes_left"] == 10
    assert ada.audited()[-2:] == [
        ("CREATE", "passkey", None),
        ("LOGIN", "user", "passkey"),
    ]


async def test_either_factor_makes_a_session(ada: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", Clock().now)  # no half minute ends meanwhile
    entered = await ada.answer(ada.codes[0])
    await ada.with_app(client(ada.app, entered.json()["token"]))
    assert len(ada.codes) == 10  # those of the first factor go on
    answer = await client(ada.app).post("/api/sessions", json=ada.says)
    assert answer.json()["methods"] == ["passkey", "totp"]
    assert (await ada.answer(ada.now(), answer.json()["challenge"])).status_code == 201
    challenge = await ada.challenge()
    signed = ada.passkey.get(await ada.asked(challenge))
    assert (await ada.sign(challenge, signed)).status_code == 201


async def test_the_document_tells_of_the_second_step(dashboard: FastAPI) -> None:
    refusals = dashboard.openapi()["paths"]["/api/sessions"]["post"]["responses"]
    schema = refusals["401"]["content"]["application/json"]["schema"]
    either = [{"$ref": f"#/components/schemas/{name}"} for name in ("ChallengeOut", "ProblemOut")]
    assert schema["anyOf"] == either


async def test_a_recovery_code_stands_in_for_a_passkey(ada: Account) -> None:
    assert code(await ada.answer("123456")) == (401, "wrong_code")  # there is no app
    assert (await ada.answer(ada.codes[3])).status_code == 201


async def test_registering_asks_for_what_a_second_factor_needs(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    http = await account.enter()
    options = (await http.post(f"{PASSKEYS}/options")).json()["options"]
    assert options["rp"] == {"name": "Monster", "id": "localhost"}
    assert options["attestation"] == "none"
    assert options["user"]["name"] == account.email
    await account.with_passkey(http)
    again = (await http.post(f"{PASSKEYS}/options")).json()["options"]
    assert [key["id"] for key in again["excludeCredentials"]] == [text(account.passkey.id)]


LIES: list[tuple[str, dict[str, Any]]] = [
    ("another site", {"origin": "https://evil.example"}),
    ("another scheme", {"origin": "https://localhost:8700"}),
    ("another port", {"origin": "http://localhost:9999"}),
    ("another domain", {"rp_id": "evil.example"}),
]


@pytest.mark.parametrize("lie", [lie for _, lie in LIES], ids=[name for name, _ in LIES])
async def test_a_passkey_made_for_elsewhere_is_refused(
    dashboard: FastAPI, lie: dict[str, Any]
) -> None:
    account = await Account(dashboard, passkey=Authenticator(**lie)).settle()
    http = await account.enter()
    refused = await http.post(PASSKEYS, json=await account.offer(http))
    assert code(refused) == (422, "passkey_refused")
    assert (await http.get("/api/factors")).json()["passkeys"] == []


@pytest.mark.parametrize("lie", [lie for _, lie in LIES], ids=[name for name, _ in LIES])
async def test_what_was_signed_for_elsewhere_is_refused(ada: Account, lie: dict[str, str]) -> None:
    challenge = await ada.challenge()
    options = await ada.asked(challenge)
    honest = Authenticator(counter=7, id=ada.passkey.id, key=ada.passkey.key)
    liar = Authenticator(counter=7, id=ada.passkey.id, key=ada.passkey.key, **lie)
    assert code(await ada.sign(challenge, liar.get(options))) == (401, "wrong_passkey")
    assert ada.audited()[-1] == ("LOGIN_FAILED", "user", "passkey")
    assert (await ada.sign(challenge, honest.get(options))).status_code == 201


async def test_an_answer_cannot_be_replayed(ada: Account) -> None:
    challenge = await ada.challenge()
    signed = ada.passkey.get(await ada.asked(challenge))
    assert (await ada.sign(challenge, signed)).status_code == 201
    assert code(await ada.sign(challenge, signed)) == (422, "token_worthless")
    assert code(await ada.sign(await ada.challenge(), signed)) == (401, "wrong_passkey")


async def test_a_registration_cannot_be_replayed(dashboard: FastAPI) -> None:
    account = await Account(dashboard).settle()
    http = await account.enter()
    offer = await account.offer(http)
    assert (await http.post(PASSKEYS, json=offer)).status_code == 201
    assert code(await http.post(PASSKEYS, json=offer)) == (422, "token_worthless")
    later = await account.offer(http) | {"credential": offer["credential"]}
    assert code(await http.post(PASSKEYS, json=later)) == (422, "passkey_refused")


async def test_a_counter_must_go_up(ada: Account) -> None:
    copied = Authenticator(id=ada.passkey.id, key=ada.passkey.key)
    for _ in range(2):
        challenge = await ada.challenge()
        signed = ada.passkey.get(await ada.asked(challenge))
        assert (await ada.sign(challenge, signed)).status_code == 201
    for counter in (0, 1):  # one less than was seen, and the same
        copied.counter = counter
        challenge = await ada.challenge()
        signed = copied.get(await ada.asked(challenge))
        assert code(await ada.sign(challenge, signed)) == (401, "wrong_passkey")
    copied.counter = 2
    challenge = await ada.challenge()
    assert (await ada.sign(challenge, copied.get(await ada.asked(challenge)))).status_code == 201


async def test_another_key_under_the_same_id_is_refused(ada: Account) -> None:
    forged = Authenticator(id=ada.passkey.id)
    challenge = await ada.challenge()
    signed = forged.get(await ada.asked(challenge))
    assert code(await ada.sign(challenge, signed)) == (401, "wrong_passkey")


async def test_passkeys_of_others_do_not_count(ada: Account) -> None:
    bob = await Account(ada.app).settle()
    http = await bob.enter()
    key = await bob.with_passkey(http)
    challenge = await ada.challenge()
    options = await ada.asked(challenge)
    assert code(await ada.sign(challenge, bob.passkey.get(options))) == (401, "wrong_passkey")
    # nor can they be registered, looked at or removed
    eve = await Account(ada.app, passkey=bob.passkey).settle()
    mine = await eve.enter()
    assert code(await mine.post(PASSKEYS, json=await eve.offer(mine))) == (409, "passkey_known")
    password = {"password": eve.password}
    gone = await mine.post(f"{PASSKEYS}/{key}/remove", json=password)
    assert code(gone) == (404, "passkey_not_found")
    page = await mine.get(f"/settings/security/passkeys/{key}/remove")
    assert page.status_code == 404
    assert len((await http.get("/api/factors")).json()["passkeys"]) == 1


async def test_what_somebody_else_asked_for_cannot_be_used(dashboard: FastAPI) -> None:
    ada, bob = await Account(dashboard).settle(), await Account(dashboard).settle()
    offer = await ada.offer(await ada.enter())
    answer = await (await bob.enter()).post(PASSKEYS, json=offer)
    assert code(answer) == (422, "token_worthless")


async def test_attempts_of_one_challenge_are_limited(ada: Account) -> None:
    challenge = await ada.challenge()
    signed = Authenticator(id=ada.passkey.id).get(await ada.asked(challenge))
    for _ in range(5):
        assert (await ada.sign(challenge, signed)).status_code == 401
    assert code(await ada.sign(challenge, signed)) == (429, "too_many_requests")


async def test_the_last_passkey_takes_the_recovery_codes_with_it(ada: Account) -> None:
    challenge = await ada.challenge()
    signed = ada.passkey.get(await ada.asked(challenge))
    http = client(ada.app, (await ada.sign(challenge, signed)).json()["token"])
    first, ada.passkey = ada.passkey, Authenticator()
    second = await ada.with_passkey(http, "Laptop")
    assert len(ada.codes) == 10  # no more were made
    (one, two) = (await http.get("/api/factors")).json()["passkeys"]
    assert [one["name"], two["name"]] == ["Blue key", "Laptop"]
    password = {"password": ada.password}
    wrong = await http.post(f"{PASSKEYS}/{second}/remove", json={"password": "wrong"})
    assert code(wrong) == (422, "password_mismatch")
    assert (await http.post(f"{PASSKEYS}/{second}/remove", json=password)).status_code == 204
    challenge = await ada.challenge()
    assert (await ada.sign(challenge, first.get(await ada.asked(challenge)))).status_code == 201
    assert (await http.post(f"{PASSKEYS}/{one['id']}/remove", json=password)).status_code == 204
    assert (await http.get("/api/factors")).json()["recovery_codes_left"] == 0
    await ada.enter()


async def test_twenty_are_enough(ada: Account) -> None:
    add = """insert into passkey (id, user_id, credential_id, public_key, sign_count, name)
        select gen_random_uuid(), %s, sha256(gen_random_uuid()::text::bytea), '', 0, 'x'
        from generate_series(1, 19)"""
    http = client(ada.app, (await ada.answer(ada.codes[0])).json()["token"])
    assert (await http.post(f"{PASSKEYS}/options")).status_code == 201
    run(ada.app, add, ada.id)
    assert code(await http.post(f"{PASSKEYS}/options")) == (409, "too_many_passkeys")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("rawId",), "x"),
        (("rawId",), "ä"),
        (("id",), "eHh4"),
        (("type",), "password"),
        (("response", "attestationObject"), "AAAA"),
        (("response", "attestationObject"), text(b"\x9f" * 2000)),
        (("response", "attestationObject"), text(b"\xbb" + b"\xff" * 8)),
        (("response", "clientDataJSON"), text(b"[]")),
        (("response", "clientDataJSON"), text(b"[" * 50_000)),
        (("response", "clientDataJSON"), text(b"\xff\xfe")),
        (("response",), None),
    ],
)
async def test_nonsense_is_refused_not_survived(
    dashboard: FastAPI, place: tuple[str, ...], value: object
) -> None:
    account = await Account(dashboard).settle()
    http = await account.enter()
    offer = await account.offer(http)
    spoilt = copy.deepcopy(offer)
    inner = spoilt["credential"]
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    assert (await http.post(PASSKEYS, json=spoilt)).status_code == 422
    # nothing was used up
    assert (await http.post(PASSKEYS, json=offer)).status_code == 201


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authenticatorData", text(b"x")),
        ("authenticatorData", text(b"\xff" * 60)),
        ("clientDataJSON", text(b"[" * 50_000)),
        ("signature", text(b"x")),
    ],
)
async def test_a_nonsense_answer_is_refused_not_survived(
    ada: Account, name: str, value: str
) -> None:
    challenge = await ada.challenge()
    signed = ada.passkey.get(await ada.asked(challenge))
    signed["response"][name] = value
    assert code(await ada.sign(challenge, signed)) == (401, "wrong_passkey")


@pytest.mark.parametrize(
    ("public", "asked", "host", "origins"),
    [
        (
            "https://m.example",
            "http://m.example/x",
            "m.example",
            ("https://m.example", "http://m.example"),
        ),
        ("https://m.example:444", "https://evil/", "m.example", ("https://m.example:444",)),
        (
            "http://127.0.0.1:8700",
            "http://localhost:9/",
            "localhost",
            (ORIGIN, "http://localhost:9"),
        ),
        ("http://[::1]:8700", "http://[::1]:8700/", "localhost", (ORIGIN,)),
    ],
)
def test_a_passkey_belongs_to_the_public_name(
    public: str, asked: str, host: str, origins: tuple[str, ...]
) -> None:
    assert RelyingParty.at(public, asked) == RelyingParty(host, origins)


def test_there_are_no_passkeys_for_a_bare_address() -> None:
    assert RelyingParty.at("http://192.168.1.20:8700", "http://192.168.1.20:8700/") is None


async def test_a_stranger_is_asked_for_nothing(ada: Account) -> None:
    stranger = client(ada.app)
    answer = await stranger.post(f"{SECOND}/passkey/options", json={"challenge": "x"})
    assert code(answer) == (422, "token_worthless")
