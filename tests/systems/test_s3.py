"""S3 against moto, which checks signatures as AWS does."""

import hashlib
import hmac
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

import aiohttp
import pytest
from yarl import URL

from monster.engine.toolkit import xml
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.s3 import S3
from monster.kit import clock
from tests.systems.connect import connected, do

_POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


async def _iam(url: str, **form: str) -> Element:
    sent = {"Version": "2010-05-08", **form}
    day = f"{clock.now():%Y%m%d}"
    who = {"Authorization": f"AWS4-HMAC-SHA256 Credential=x/{day}/us-east-1/iam/aws4_request"}
    async with aiohttp.ClientSession() as http, http.post(url, data=sent, headers=who) as answer:
        text = await answer.text()
        assert answer.status == 200, text
        return xml.read(text.encode())


async def _until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    async with aiohttp.ClientSession() as http:
        while process.poll() is None:
            try:
                async with http.get(f"{url}/moto-api/"):
                    return
            except aiohttp.ClientConnectionError:
                continue
    raise AssertionError("moto did not start")


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603


@pytest.fixture(scope="module")
async def keys() -> AsyncGenerator[dict[str, str]]:
    """Of a user who may do all in S3; from here on moto checks every signature."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = _start(command)
    url = f"http://127.0.0.1:{port}"
    try:
        await _until_up(url, process)
        await _iam(url, Action="CreateUser", UserName="ada")
        policy = {"PolicyName": "s3", "PolicyDocument": _POLICY, "UserName": "ada"}
        await _iam(url, Action="PutUserPolicy", **policy)
        made = await _iam(url, Action="CreateAccessKey", UserName="ada")
        found = {one.tag.rpartition("}")[2]: one.text or "" for one in made.iter()}
        async with aiohttp.ClientSession() as http:
            switch = f"{url}/moto-api/reset-auth"
            async with http.post(switch, data="0") as answer:
                assert answer.status == 200
        yield {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "region": "eu-central-1",
            "endpoint": url,
        }
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
async def s3(keys: dict[str, str]) -> AsyncGenerator[S3]:
    files = MemoryFiles({"photo.png": (b"\x89PNG\0\1", "image/png")})
    async with connected(S3, None, keys, files=files) as system:
        yield system


async def bucket(system: S3, name: str) -> str:
    """An agent makes no buckets; the test does, signed by the same code."""
    send: Any = vars(S3)["_send"]
    region = b"<LocationConstraint>eu-central-1</LocationConstraint>"
    place = b"<CreateBucketConfiguration>" + region + b"</CreateBucketConfiguration>"
    await send(system, "PUT", f"/{name}", content=place)
    return name


async def test_writes_lists_and_reads(s3: S3) -> None:
    name = await bucket(s3, "letters")
    assert name in await do(s3, "list_buckets")
    keys = ["a/one.txt", "a/two words+more=&.txt", "a/ünï!*'();:@,$.txt", "b/three.txt"]
    for key in keys:
        made = await do(s3, "write_object", bucket=name, key=key, text=f"This is {key}")
        assert made["key"] == key
    page: dict[str, Any] = {"next": ""}
    seen = list[str]()
    while page["next"] is not None:
        asked = {"bucket": name, "prefix": "a/", "limit": 2, "page": page["next"]}
        page = await do(s3, "list_objects", **asked)
        seen += [one["key"] for one in page["objects"]]
    assert sorted(seen) == sorted(keys[:3])
    for key in keys:
        read = await do(s3, "read_object", bucket=name, key=key)
        assert read["text"] == f"This is {key}"


async def test_files_come_and_go(s3: S3) -> None:
    name = await bucket(s3, "pictures")
    await do(s3, "write_object", bucket=name, key="x/photo.png", file="photo.png")
    read = await do(s3, "read_object", bucket=name, key="x/photo.png", save_as="copy.png")
    assert read == {"file": "copy.png", "type": "image/png", "size": 6}
    assert await s3.connection.files.read("copy.png") == b"\x89PNG\0\1"
    shown = await do(s3, "read_object", bucket=name, key="x/photo.png")
    assert shown["file"] == "photo.png"


async def test_a_presigned_link_is_open_to_anybody(s3: S3) -> None:
    name = await bucket(s3, "links")
    await do(s3, "write_object", bucket=name, key="a b.txt", text="hello")
    url = URL((await do(s3, "presign", bucket=name, key="a b.txt", minutes=5))["url"], encoded=True)
    assert url.query["X-Amz-Expires"] == "300"
    assert s3.values["secret_key"] not in str(url)
    assert url.query["X-Amz-Signature"] == _signature(url, s3.values["secret_key"])
    plain = "http://" + url.authority
    async with aiohttp.ClientSession() as http:
        # moto cannot check a signature in a query: it looks for the header.
        async with http.post(f"{plain}/moto-api/reset-auth", data="inf"):
            pass
        async with http.get(url) as answer:
            assert await answer.text() == "hello"
        async with http.post(f"{plain}/moto-api/reset-auth", data="0"):
            pass


def _signature(url: URL, secret: str) -> str:
    """By the letter of AWS's description of Signature Version 4."""
    pairs = [pair for pair in url.raw_query_string.split("&") if "X-Amz-Signature" not in pair]
    encoded = [
        "=".join(quote(unquote(part), safe="") for part in pair.split("=")) for pair in pairs
    ]
    lines = ["GET", url.raw_path, "&".join(sorted(encoded)), f"host:{url.authority}", "", "host"]
    canonical = "\n".join([*lines, "UNSIGNED-PAYLOAD"])
    _, day, region, service, last = url.query["X-Amz-Credential"].split("/")
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, last):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    scope = f"{day}/{region}/{service}/{last}"
    text = "\n".join(["AWS4-HMAC-SHA256", url.query["X-Amz-Date"], scope, digest])
    return hmac.digest(key, text.encode(), "sha256").hex()


async def test_a_wrong_secret_is_a_dead_connection(keys: dict[str, str]) -> None:
    async with connected(S3, None, keys | {"secret_key": "wrong"}) as system:
        with pytest.raises(ConnectionRefused, match="SignatureDoesNotMatch"):
            await system.account()
    async with connected(S3, None, keys | {"access_key": "AKIAWRONG"}) as system:
        with pytest.raises(ConnectionRefused, match="InvalidAccessKeyId"):
            await do(system, "list_buckets")


async def test_says_who_we_are(s3: S3) -> None:
    assert await s3.account()


async def test_what_is_not_there(s3: S3) -> None:
    name = await bucket(s3, "empty")
    with pytest.raises(ToolFailed, match="NoSuchKey"):
        await do(s3, "read_object", bucket=name, key="none")
    with pytest.raises(ToolFailed, match=r"\. or \.\."):
        await do(s3, "read_object", bucket=name, key="../letters/one.txt")
    with pytest.raises(ToolFailed, match="bucket"):
        await do(s3, "read_object", bucket="a/../b", key="x")


def test_aws_is_where_it_is_by_default() -> None:
    checked = S3.auth().strategy(None).check({"access_key": "AK", "secret_key": "s"})
    assert checked["region"] == "us-east-1"
    assert "endpoint" not in checked
