"""What each provider has of its own, over the wire as its documentation has it."""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
from fastapi import FastAPI

from monster.engine.oauth import answers, client
from monster.engine.oauth.client import OAuth
from monster.engine.oauth.errors import Dead, NotYet, ProviderError, Refused, Unreachable
from monster.engine.oauth.kinds import BUILT_IN
from monster.engine.oauth.schemas import Attempt, Provider, Registration
from monster.kit import logs, outbound
from monster.kit.addresses import Guard
from tests.oauth.provider import REDIRECT
from tests.oauth.quirks import CLIENT, SECRET, Quirks
from tests.upstream import LOOPBACK

TOLD = Attempt(REDIRECT, "state-0123456789", "verifier-0123456789-0123456789-0123456789-0123")
ALL = sorted(BUILT_IN)


@pytest.fixture
async def there() -> AsyncIterator[Quirks]:
    served = Quirks()
    async with served.serving():
        yield served


@pytest.fixture
async def oauth() -> AsyncIterator[OAuth]:
    async with outbound.session(LOOPBACK) as http:
        yield OAuth(http)


Registered: TypeAlias = Callable[[str], Registration]


@pytest.fixture
def registered(engine: FastAPI, there: Quirks) -> Registered:
    """As the platform is known at a provider."""

    def known(name: str) -> Registration:
        return replace(engine.state.registry, apps={name: there.app(name)}).platform(name)

    return known


@pytest.mark.parametrize("name", ALL)
async def test_a_code_becomes_tokens(
    registered: Registered, there: Quirks, oauth: OAuth, name: str
) -> None:
    known = registered(name)
    tokens = await oauth.exchange(known, TOLD, "code-0123456789")
    sent = there.sent[0]
    assert (sent["client_id"], sent["client_secret"]) == (CLIENT, SECRET)
    assert (sent["grant_type"], sent["code"]) == ("authorization_code", "code-0123456789")
    assert sent["redirect_uri"] == REDIRECT
    assert sent.get("code_verifier") == (TOLD.verifier if known.provider.pkce else None)
    assert "-token-1" in tokens.access_token
    ends = {"github": None, "notion": None, "salesforce": None}
    assert (tokens.expires_in is None) == (name in ends)
    assert (tokens.refresh_token is None) == (name in ("github", "notion"))
    masked = logs.mask(f"{tokens.access_token} {tokens.refresh_token} code-0123456789")
    assert tokens.access_token not in masked
    assert "code-0123456789" not in masked


@pytest.mark.parametrize("name", [one for one in ALL if one not in ("github", "notion")])
async def test_a_refresh_token_becomes_tokens(
    registered: Registered, there: Quirks, oauth: OAuth, name: str
) -> None:
    known = registered(name)
    tokens = await oauth.refresh(known, "the-old-refresh-token")
    assert there.sent[0]["grant_type"] == "refresh_token"
    assert there.sent[0]["refresh_token"] == "the-old-refresh-token"
    assert there.sent[0]["client_id"] == CLIENT
    assert tokens.access_token


def asked_of(known: Registration, scopes: tuple[str, ...] = ("a", "b")) -> dict[str, str]:
    url = client.authorization_url(known, TOLD, scopes)
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("name", ALL)
async def test_people_are_sent_with_what_the_provider_wants(
    registered: Registered, name: str
) -> None:
    known = registered(name)
    asked = asked_of(known)
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
    assert (asked["redirect_uri"], asked["state"]) == (REDIRECT, TOLD.state)
    if known.provider.pkce:
        digest = hashlib.sha256(TOLD.verifier.encode()).digest()
        assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
        assert asked["code_challenge_method"] == "S256"
    wanted = {
        "google": {"access_type": "offline", "prompt": "consent"},
        "atlassian": {"audience": "api.atlassian.com", "prompt": "consent"},
        "dropbox": {"token_access_type": "offline"},
        "notion": {"owner": "user"},
        "slack": {"scope": "a,b"},
        "linear": {"scope": "a,b"},
    }.get(name, {"scope": "a b"})
    assert wanted.items() <= asked.items()
    assert SECRET not in str(asked)


def test_parameters_of_a_registration_displace_nothing_that_protects() -> None:
    said = {"state": "mine", "redirect_uri": "https://evil.example", "code_challenge": "mine"}
    provider = Provider("custom", "X", authorize_url="https://x.example/a?state=y&z=1", params=said)
    asked = asked_of(Registration(provider, CLIENT, None))
    assert (asked["state"], asked["redirect_uri"], asked["z"]) == (TOLD.state, REDIRECT, "1")
    assert asked["code_challenge"] != "mine"


@pytest.mark.parametrize(
    ("name", "account"),
    [("slack", "Acme Team"), ("notion", "ada@acme.example"), ("google", None)],
)
async def test_some_say_with_the_tokens_whose_they_are(
    registered: Registered, oauth: OAuth, name: str, account: str | None
) -> None:
    tokens = await oauth.exchange(registered(name), TOLD, "code")
    assert tokens.account == account


@pytest.mark.parametrize(("name", "who"), [("google", "ada@acme.example"), ("github", "ada")])
async def test_others_are_asked(registered: Registered, oauth: OAuth, name: str, who: str) -> None:
    assert await oauth.account(registered(name), "access") == who


async def test_salesforce_says_where_it_answers(registered: Registered, oauth: OAuth) -> None:
    tokens = await oauth.exchange(registered("salesforce"), TOLD, "code")
    assert tokens.facts == {"instance_url": "https://acme.my.salesforce.com"}


async def test_slack_puts_the_token_of_a_person_further_down(
    registered: Registered, there: Quirks, oauth: OAuth
) -> None:
    inner = {"id": "U1", "access_token": "xoxp-person-token", "token_type": "user"}
    there.says.append((200, {"ok": True, "team": {"name": "Acme"}, "authed_user": inner}))
    tokens = await oauth.exchange(registered("slack"), TOLD, "code")
    assert (tokens.access_token, tokens.account) == ("xoxp-person-token", "Acme")


GITHUB = {"error": "bad_refresh_token", "error_description": "The refresh token is incorrect"}
No: TypeAlias = tuple[str, int, object, type[ProviderError]]
NO: list[No] = [
    ("google", 400, {"error": "invalid_grant", "error_description": "Token revoked."}, Dead),
    ("microsoft", 400, {"error": "interaction_required"}, Dead),
    ("atlassian", 403, {"error": "invalid_grant", "error_description": "Unknown token"}, Dead),
    ("slack", 200, {"ok": False, "error": "invalid_refresh_token"}, Dead),
    ("github", 200, GITHUB, Dead),
    ("google", 401, {"error": "invalid_client"}, Refused),
    ("google", 400, {"error": "authorization_pending"}, NotYet),
    ("google", 428, {"error": "slow_down"}, NotYet),
    ("hubspot", 404, "<html>", Refused),
    ("google", 302, {}, Refused),
    ("google", 429, {"error": "rate_limit_exceeded"}, Unreachable),
    ("google", 500, {"error": "invalid_grant"}, Unreachable),
    ("google", 503, "<html>", Unreachable),
    ("google", 200, "<html>", Unreachable),
    ("google", 200, [], Unreachable),
    ("google", 200, {}, Refused),
    ("google", 200, {"access_token": 5}, Refused),
    ("google", 200, {"access_token": "two words"}, Refused),
    ("google", 200, {"access_token": "line\r\nX-Evil: 1"}, Refused),
    ("google", 200, {"access_token": "x" * 20_000}, Refused),
    ("google", 200, {"access_token": "good-token", "token_type": "mac"}, Refused),
    ("google", 200, {"access_token": "good-token", "refresh_token": {"a": 1}}, Refused),
]


@pytest.mark.parametrize("case", NO, ids=lambda case: f"{case[0]} {case[1]} {str(case[2])[:40]}")
async def test_what_goes_wrong_is_told_apart(
    registered: Registered, oauth: OAuth, there: Quirks, case: No
) -> None:
    name, status, body, error = case
    there.says.append((status, body))
    with pytest.raises(ProviderError) as caught:
        await oauth.refresh(registered(name), "refresh-0123456789")
    assert type(caught.value) is error, caught.value
    assert "refresh-0123456789" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(3600, 3600), ("3600", 3600), (0, None), (-1, None), (None, None), (True, None), (0.5, 1),
     ("soon", None), (10**30, 315360000), ([], None)],
)  # fmt: skip
def test_lifetimes_are_numbers(said: object, seconds: int | None) -> None:
    told = {"access_token": "good-token", "expires_in": said}
    assert answers.read_tokens(BUILT_IN["google"], told).expires_in == seconds


async def test_an_endless_answer_is_not_read_to_its_end(
    registered: Registered, there: Quirks, oauth: OAuth
) -> None:
    there.says.append((200, {"access_token": "x" * (client.LARGEST + 1)}))
    with pytest.raises(Unreachable, match="longer than"):
        await oauth.refresh(registered("google"), "refresh")


async def test_private_addresses_are_out_of_reach(registered: Registered, there: Quirks) -> None:
    known = registered("google")
    async with outbound.session(Guard()) as http:
        with pytest.raises(Refused, match="not a public address"):
            await OAuth(http).refresh(known, "refresh")
    assert there.requests == []


async def test_google_spells_the_place_to_type_a_code_differently(
    registered: Registered, oauth: OAuth
) -> None:
    device = await oauth.device(registered("google"), ("openid",))
    assert device.verification_uri == "https://www.google.com/device"
    assert (device.user_code, device.interval, device.expires_in) == ("ABCD-EFGH", 5, 1800)


async def test_a_code_to_type_leads_to_the_web_and_nowhere_else() -> None:
    told = {"device_code": "d-12345678", "user_code": "X", "verification_uri": "javascript:1"}
    with pytest.raises(Refused):
        answers.read_device(BUILT_IN["google"], told)


@pytest.mark.parametrize("name", ALL)
async def test_grants_are_given_back_in_each_providers_way(
    registered: Registered, there: Quirks, oauth: OAuth, name: str
) -> None:
    await oauth.revoke(registered(name), "access-0123456789", "refresh-0123456789")
    ((method, proof, body),) = there.revoked
    if name == "github":
        assert (method, proof[:6]) == ("DELETE", "Basic ")
        assert orjson.loads(body) == {"access_token": "access-0123456789"}
        assert there.requests[0].path == f"/github/applications/{CLIENT}/grant"
    elif name in ("slack", "dropbox"):
        assert (method, proof) == ("POST", "Bearer access-0123456789")
    else:
        assert method == "POST"
        assert "refresh-0123456789" in body


async def test_a_provider_that_cannot_revoke_is_not_asked(
    registered: Registered, oauth: OAuth, there: Quirks
) -> None:
    known = registered("microsoft")
    provider = replace(known.provider, revoke_url=BUILT_IN["microsoft"].revoke_url)
    await oauth.revoke(replace(known, provider=provider), "access", "refresh")
    assert there.requests == []


def test_what_is_built_in_is_complete() -> None:
    assert set(BUILT_IN) == {
        "google", "microsoft", "slack", "atlassian", "github", "dropbox", "notion", "salesforce",
        "hubspot", "linear",
    }  # fmt: skip
    for one in BUILT_IN.values():
        addresses = [one.authorize_url, one.token_url, one.revoke_url, one.userinfo_url]
        for url in filter(None, addresses):
            assert httpx.URL(url).scheme == "https", url
        assert one.help
