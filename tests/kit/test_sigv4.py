"""Requests are signed as AWS has published it, and as its own library signs them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from monster.kit.sigv4 import Signer

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_the_published_examples(method: str, signature: str) -> None:
    """`get-vanilla` and `post-vanilla` of the test suite that AWS has published."""
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    signer = Signer(KEY, SECRET, "us-east-1", "service")
    sent = signer.sign(method, "https://example.amazonaws.com/", {}, b"", at)
    assert sent["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={KEY}/20150830/us-east-1/service/aws4_request,"
        f" SignedHeaders=host;x-amz-date, Signature={signature}"
    )


words = st.text("abcXYZ019-_.~", min_size=1, max_size=8)
steps = words.filter(lambda word: word not in {".", ".."})  # no client sends those
pairs = st.lists(st.tuples(words, words | st.just("")), max_size=4, unique_by=lambda pair: pair[0])


@given(st.sampled_from(["kms", "s3"]), st.lists(steps, max_size=3), pairs, st.binary(max_size=50))
def test_as_their_own_library_does_it(
    service: str, path: list[str], query: list[tuple[str, str]], body: bytes
) -> None:
    url = f"https://{service}.eu-central-1.amazonaws.com/{'/'.join(path)}"
    if query:
        url += "?" + "&".join(f"{name}={text}" for name, text in query)
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "A.B"}
    request = AWSRequest("POST", url, headers, body)
    their: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    their(Credentials(KEY, SECRET, "token"), service, "eu-central-1").add_auth(request)
    at = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signer = Signer(KEY, SECRET, "eu-central-1", service, "token")
    assert signer.sign("POST", url, headers, body, at) == dict(request.headers.items())


def test_it_does_not_show_what_it_signs_with() -> None:
    assert SECRET not in repr(Signer(KEY, SECRET, "us-east-1", "kms", SECRET))
