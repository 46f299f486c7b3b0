"""Providers that lie, are careless, or are not who they say: nobody gets in."""

import asyncio
import base64
import hmac
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from monster.dashboard.identity.scope import COOKIE
from monster.dashboard.oidc.client import LARGEST
from monster.kit.ids import new_id
from tests.builders import Tenant
from tests.oidc.company import CLIENT, SECRET, Liar, unsigned
from tests.oidc.people import CALLBACK, PAGE, add_provider, begin, role_of, rows, stranger

Forge: TypeAlias = Callable[[Liar, str], str]


async def visit(tenant: Tenant, liar: Liar, forge: Forge, **provider: object) -> httpx.Response:
    """All the way, with the ID token that `forge` makes of the authorization request."""
    await add_provider(tenant, liar.issuer, **provider)
    return await again(tenant, liar, forge)


async def again(tenant: Tenant, liar: Liar, forge: Forge) -> httpx.Response:
    browser, url = await begin(tenant)
    liar.id_token = forge(liar, url)
    query = {"state": httpx.URL(url).params["state"], "code": "code"}
    return await browser.get(CALLBACK, params=query, headers=PAGE)


def told(**changes: object) -> Forge:
    return lambda liar, url: liar.sign(liar.claims(url, **changes))


async def test_what_a_liar_says_truly_counts(tenant: Tenant, mallory: Liar) -> None:
    """Else the refusals below would prove nothing."""
    address = f"{new_id()}@liar.example"
    answer = await visit(tenant, mallory, told(email=address))
    assert answer.status_code == 303
    assert await role_of(tenant, address) == "viewer"


async def test_what_is_published_is_asked_for_once(tenant: Tenant, mallory: Liar) -> None:
    forge = told(email=f"{new_id()}@liar.example")
    assert (await visit(tenant, mallory, forge)).status_code == 303
    assert (await again(tenant, mallory, forge)).status_code == 303
    assert mallory.asked.count("/.well-known/openid-configuration") == 1
    assert mallory.asked.count("/jwks") == 1


def _with_public_key(liar: Liar, url: str) -> str:
    """The classic: the public key, which everybody knows, as a shared secret."""
    signed = unsigned(liar.claims(url), alg="HS256", kid="liar").removesuffix(".")
    mac = hmac.digest(liar.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _with_client_secret(liar: Liar, url: str) -> str:
    key = OctKey.import_key(SECRET.encode() * 2)
    return jwt.encode({"alg": "HS256", "kid": "liar"}, liar.claims(url), key, ["HS256"])


def _with_another_key(liar: Liar, url: str) -> str:
    another = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": "liar"}, liar.claims(url), another, ["RS256"])


def _unsigned(liar: Liar, url: str) -> str:
    return unsigned(liar.claims(url))


def _nothing(_: Liar, __: str) -> str:
    return ""


def _nonsense(_: Liar, __: str) -> str:
    return "a.b.c"


def _with_an_unknown_key(liar: Liar, url: str) -> str:
    return liar.sign(liar.claims(url), kid="never published")


def _changed(liar: Liar, url: str) -> str:
    head, body, signature = liar.sign(liar.claims(url)).split(".")
    return f"{head}.{body[:-4]}AAAA.{signature}"


@pytest.mark.parametrize(
    "forge",
    [
        _unsigned,
        _with_public_key,
        _with_client_secret,
        _with_another_key,
        _changed,
        _nothing,
        _nonsense,
        _with_an_unknown_key,
        told(iss="https://somebody.else"),
        told(aud="another client"),
        told(aud=["monster", "another client"]),  # without azp
        told(aud=["monster", "another client"], azp="another client"),
        told(azp="another client"),
        told(exp=1_000_000_000),
        told(exp=None),
        told(exp="tomorrow"),
        told(iat=4_000_000_000, exp=4_000_000_060),
        told(nonce="another"),
        told(nonce=None),
        told(sub=None),
        told(sub=7),
        told(at_hash="of another token"),
    ],
)
async def test_id_tokens_that_are_not_good(tenant: Tenant, mallory: Liar, forge: Forge) -> None:
    answer = await visit(tenant, mallory, forge)
    assert answer.status_code == 502
    assert ">bad_id_token<" in answer.text
    assert COOKIE not in answer.cookies


async def test_a_key_that_both_sides_know_is_none_of_the_keys(
    tenant: Tenant, mallory: Liar
) -> None:
    mallory.keys = [{"kty": "oct", "kid": "liar", "k": "c2VjcmV0" * 8}, {"kty": "new"}]
    answer = await visit(tenant, mallory, told())
    assert ">bad_answer<" in answer.text


@pytest.mark.parametrize(
    "claims",
    [{"sub": ""}, {"sub": "x" * 256}, {"sub": "a\0b"}, {"email": "a\0@b.example"}, {"email": 7}],
)
async def test_claims_that_cannot_be_stored(
    tenant: Tenant, mallory: Liar, claims: dict[str, Any]
) -> None:
    answer = await visit(tenant, mallory, told(**claims))
    assert answer.status_code in {403, 502}
    assert COOKIE not in answer.cookies


async def test_a_name_that_cannot_be_stored_is_not_taken(tenant: Tenant, mallory: Liar) -> None:
    address = f"{new_id()}@liar.example"
    answer = await visit(tenant, mallory, told(email=address, name="a\0b", given_name=["x"]))
    assert answer.status_code == 303


async def test_userinfo_about_somebody_else(tenant: Tenant, mallory: Liar) -> None:
    mallory.userinfo = {"sub": "the boss", "email": "boss@liar.example", "email_verified": True}
    answer = await visit(tenant, mallory, told(email=None))
    assert ">wrong_subject<" in answer.text


async def test_userinfo_fills_in_what_the_id_token_lacks(tenant: Tenant, mallory: Liar) -> None:
    address = f"{new_id()}@liar.example"
    mallory.userinfo = {"sub": "mallory", "email": address, "email_verified": True}
    answer = await visit(tenant, mallory, told(email=None, email_verified=None))
    assert answer.status_code == 303
    assert await role_of(tenant, address) == "viewer"


async def test_an_address_is_verified_where_it_is_told(tenant: Tenant, mallory: Liar) -> None:
    mallory.userinfo = {"sub": "mallory", "email": "own@liar.example", "email_verified": True}
    forge = told(email="boss@liar.example", email_verified=None)
    answer = await visit(tenant, mallory, forge, role_claim="groups", roles={"x": "editor"})
    assert ">email_unverified<" in answer.text


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"issuer": "https://login.example.com"}, "wrong_issuer"),
        ({"issuer": None}, "bad_answer"),
        ({"jwks_uri": "http://192.168.0.1/jwks"}, "provider_insecure"),
        ({"token_endpoint": "http://login.example.com/token"}, "provider_insecure"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "bad_answer"),
        ({"authorization_endpoint": "/auth"}, "bad_answer"),
        ({"authorization_endpoint": "https://[x]/"}, "bad_answer"),
        ({"authorization_endpoint": "https://login.example.com/a\r\nX: y"}, "bad_answer"),
        ({"userinfo_endpoint": "https://a@b.example/"}, "bad_answer"),
        ({"response_types_supported": ["id_token"]}, "provider_unsuitable"),
        ({"code_challenge_methods_supported": ["plain"]}, "provider_unsuitable"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "provider_unsuitable"),
    ],
)
async def test_metadata_that_is_not_good_enough(
    tenant: Tenant, mallory: Liar, metadata: dict[str, Any], code: str
) -> None:
    mallory.metadata = metadata
    provider = await add_provider(tenant, mallory.issuer)

    answer = await stranger(tenant).get(f"/sign-in/sso/{tenant.id}", headers=PAGE)
    assert answer.status_code == 502
    assert f">{code}<" in answer.text

    path = f"/api/identity-providers/{provider['id']}/test"
    result = (await tenant.member("admin").post(path)).json()
    assert (result["works"], result["code"]) == (False, code)


async def test_a_code_may_be_anything(tenant: Tenant, mallory: Liar) -> None:
    mallory.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await add_provider(tenant, mallory.issuer)
    browser, url = await begin(tenant)
    mallory.id_token = mallory.sign(mallory.claims(url, email=f"{new_id()}@liar.example"))
    query = {"state": httpx.URL(url).params["state"], "code": "ü \0\r\n<&=%zz"}
    answer = await browser.get(CALLBACK, params=query, headers=PAGE)
    assert answer.status_code == 303
    sent = parse_qs(mallory.sent)
    assert (sent["code"], sent["client_id"]) == ([query["code"]], [CLIENT])
    assert sent["client_secret"] == [SECRET]


async def test_an_answer_that_is_too_long_is_not_read(tenant: Tenant, mallory: Liar) -> None:
    mallory.metadata = {"more": "x" * (LARGEST + 1)}
    made = await add_provider(tenant, mallory.issuer)
    path = f"/api/identity-providers/{made['id']}/test"
    result = (await tenant.member("admin").post(path)).json()
    assert (result["works"], result["code"]) == (False, "provider_unreachable")


async def test_of_two_who_come_at_once_both_are_in(tenant: Tenant, mallory: Liar) -> None:
    """The same new person, in two browsers."""
    address = f"{new_id()}@liar.example"
    await add_provider(tenant, mallory.issuer)
    begun = [await begin(tenant) for _ in range(2)]
    nonces = [httpx.URL(url).params["nonce"] for _, url in begun]
    mallory.id_tokens = {
        nonce: mallory.sign(mallory.claims(url, email=address))
        for nonce, (_, url) in zip(nonces, begun, strict=True)
    }
    queries = [
        {"state": httpx.URL(url).params["state"], "code": nonce}
        for nonce, (_, url) in zip(nonces, begun, strict=True)
    ]
    answers = await asyncio.gather(
        *(
            browser.get(CALLBACK, params=query, headers=PAGE)
            for (browser, _), query in zip(begun, queries, strict=True)
        )
    )
    assert [answer.status_code for answer in answers] == [303, 303]
    members = "select count(*) from tenant_member where tenant_id = %s and role = 'viewer'"
    assert rows(tenant.dashboard, members, tenant.id) == [(1,)]


async def test_private_addresses_are_refused_unless_an_admin_allows_them(
    dashboard: FastAPI, engine: FastAPI, mallory: Liar
) -> None:
    """As an issuer, and as what an issuer's name resolves to."""
    tenant = Tenant(dashboard, engine)  # of the usual dashboard, which allows none
    admin = tenant.member("admin")
    body = {"name": "Company", "issuer": mallory.issuer, "client_id": "monster"}
    answer = await admin.post("/api/identity-providers", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "issuer")

    for host in ("localhost", "127.0.0.1", "[::1]", "169.254.169.254"):
        made = await admin.post(
            "/api/identity-providers",
            json=body
            | {"name": host, "issuer": f"https://{host}:{httpx.URL(mallory.issuer).port}"},
        )
        path = f"/api/identity-providers/{made.json()['id']}/test"
        result = (await admin.post(path)).json()
        assert (result["works"], result["code"]) == (False, "provider_blocked"), host
    assert mallory.asked == []
