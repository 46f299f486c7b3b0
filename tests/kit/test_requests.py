"""What every service does with requests that are not as they should be."""

import base64
import json

import psycopg
import pytest
from fastapi import FastAPI
from joserfc.jwk import OKPKey
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, TimeoutError  # noqa: A004 (not ours)

from monster.contracts.knowledge import SearchQuery
from monster.kit import http_errors, tokens
from monster.kit.errors import Unauthenticated
from tests.builders import client

_GONE = psycopg.OperationalError("the connection is lost")

KEY = OKPKey.generate_key("Ed25519")


@pytest.mark.parametrize("crit", [None, 1, [1], [[]], "x", 1e400])
def test_a_token_with_an_odd_header_is_not_valid(crit: object) -> None:
    header = json.dumps({"alg": "Ed25519", "crit": crit}).encode()
    token = base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.AA"
    with pytest.raises(Unauthenticated):
        tokens.verify(KEY, token, audience="somebody")


CODECS = ["undefined", "punycode", "unicode_escape", "utf-7", "utf-16", '"idna"']


@pytest.mark.parametrize("charset", CODECS)
async def test_a_form_in_a_strange_charset_is_refused(dashboard: FastAPI, charset: str) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n\\ud800+2AA-\r\n--x--\r\n'
    headers = {
        "Content-Type": f"multipart/form-data; boundary=x; charset={charset}",
        "Sec-Fetch-Site": "same-origin",
    }
    answer = await client(dashboard).post("/sign-in", content=form, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"


async def test_utf8_may_be_said(dashboard: FastAPI) -> None:
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    answer = await client(dashboard).post("/api/sessions", content=b"{}", headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/agents", "GET, POST"),
        ("/api/agents/00000000-0000-0000-0000-000000000001", "DELETE, GET, PATCH"),
        ("/static/app.css", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    dashboard: FastAPI, path: str, methods: str
) -> None:
    answer = await client(dashboard).options(path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == methods


@pytest.mark.parametrize("number", [True, "5", 5.5, None, [5]])
def test_a_number_is_a_number(number: object) -> None:
    assert SearchQuery.model_validate({"query": "x", "limit": 5.0}).limit == 5
    with pytest.raises(ValidationError):
        SearchQuery.model_validate({"query": "x", "limit": number})


@pytest.mark.parametrize(
    "error", [_GONE, OperationalError("select 1", None, _GONE), TimeoutError("no connection left")]
)
async def test_a_database_that_does_not_answer_is_no_bug(error: Exception) -> None:
    app = FastAPI()
    http_errors.install(app)

    @app.get("/")
    async def ask() -> None:
        raise error

    answer = await client(app).get("/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json()["error"]["code"] == "unavailable"
