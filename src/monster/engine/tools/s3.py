"""Object storage that speaks Amazon's S3: AWS, MinIO, Cloudflare R2, Backblaze and others."""

import hashlib
import mimetypes
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import quote
from xml.etree.ElementTree import Element

from pydantic import Field

from monster.engine.toolkit import xml
from monster.engine.toolkit.effects import ConnectionRefused, Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer

_LONGEST = 50_000  # characters of an object that a model is shown
_DEAD = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"})

Bucket = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$")]
Key = Annotated[str, Field(min_length=1, max_length=1024)]


class S3(ToolFactory):
    system_name = "s3"
    name = "S3"
    category = "Files"
    description = "Lists, reads and writes objects; AWS and everything compatible"
    logo = "database"
    help = """\
Leave the endpoint empty for AWS. MinIO, R2 and others tell you theirs. Give the key the rights it
needs and no more: an agent can do whatever the key can.
"""
    auth_config: ClassVar = {
        "strategy_keys": {
            "1. access_key": {"description": "Access key ID", "pattern": r"[A-Za-z0-9_-]{1,200}"},
            "2. secret_key": {"description": "Secret access key", "type": "secret"},
            "3. region": {
                "description": "Region",
                "default": "us-east-1",
                "pattern": r"[a-z0-9-]{1,50}",
            },
            "4. endpoint": {
                "description": "Where it is, if not AWS, such as https://minio.example.com",
                "type": "url",
                "required": False,
            },
        }
    }

    @property
    def url(self) -> str:
        given = self.connection.base_url or self.values.get("endpoint")
        return given or f"https://s3.{self._region}.amazonaws.com"

    @property
    def _region(self) -> str:
        return self.values.get("region") or "us-east-1"

    def explain(self, answer: Answer) -> ToolFailed | None:
        try:
            said = xml.read(answer.body)
        except ToolFailed:
            return None
        code, words = _text(said, "Code"), _text(said, "Message")
        kind = ConnectionRefused if code in _DEAD else ToolFailed
        return kind(f"S3 refused it: {code}: {words}") if code else None

    async def account(self) -> str | None:
        found = xml.read((await self._send("GET", "/")).body)
        owner = next((one for one in found if xml.local(one.tag) == "Owner"), found)
        return _text(owner, "DisplayName") or _text(owner, "ID") or None

    @tool(Effect.READ)
    async def list_buckets(self) -> object:
        """The buckets that this key sees."""
        found = xml.read((await self._send("GET", "/")).body)
        return [_text(one, "Name") for one in found.iter() if xml.local(one.tag) == "Bucket"]

    @tool(Effect.READ)
    async def list_objects(
        self,
        bucket: Bucket,
        prefix: str = "",
        limit: Annotated[int, Field(ge=1, le=1000)] = 100,
        page: str = "",
    ) -> object:
        """List objects of a bucket, by name.

        bucket: Its name.
        prefix: What their keys begin with.
        limit: How many.
        page: `next` of the list before.
        """
        asked = {"list-type": "2", "max-keys": str(limit), "prefix": prefix}
        if page:
            asked["continuation-token"] = page
        found = xml.read((await self._send("GET", f"/{bucket}", query=asked)).body)
        rows = [one for one in found if xml.local(one.tag) == "Contents"]
        objects = [
            {
                "key": _text(one, "Key"),
                "size": int(_text(one, "Size") or 0),
                "changed": _text(one, "LastModified"),
            }
            for one in rows
        ]
        return {"objects": objects, "next": _text(found, "NextContinuationToken") or None}

    @tool(Effect.READ)
    async def read_object(self, bucket: Bucket, key: Key, save_as: str = "") -> object:
        """Read an object. Text is shown; anything else is saved as a file of the conversation.

        bucket: The name of the bucket.
        key: The name of the object in it.
        save_as: Save it as a file of this name, whatever it is.
        """
        got = await self._send("GET", _path(bucket, key))
        kind = got.header("Content-Type").partition(";")[0] or "application/octet-stream"
        text = None if save_as else _decoded(got.body)
        if text is None:
            name = save_as or key.rstrip("/").rpartition("/")[2] or "object"
            stored = await self.connection.files.write(name, got.body, kind)
            return {"file": stored.name, "type": kind, "size": stored.size}
        return {"text": text[:_LONGEST], "type": kind, "size": len(got.body)}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def write_object(
        self, bucket: Bucket, key: Key, text: str = "", file: str = ""
    ) -> object:
        """Write an object; what was there under this key is replaced.

        bucket: The name of the bucket.
        key: The name of the object in it.
        text: Its content.
        file: In place of a text, the name of a file of the conversation.
        """
        content = await self.connection.files.read(file) if file else text.encode()
        kind = mimetypes.guess_type(file or key)[0] or "text/plain"
        sent = {"Content-Type": kind if file else f"{kind}; charset=utf-8"}
        await self._send("PUT", _path(bucket, key), content=content, headers=sent)
        return {"bucket": bucket, "key": key, "size": len(content)}

    @tool(Effect.READ, trusted=True)
    async def presign(
        self, bucket: Bucket, key: Key, minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    ) -> object:
        """A link by which anybody can read an object for a while. It works even if nobody asked for
        the object yet, and cannot be taken back.

        bucket: The name of the bucket.
        key: The name of the object in it.
        minutes: How long it works.
        """
        # Half a second to import: not before somebody needs it.
        from botocore.auth import S3SigV4QueryAuth  # noqa: PLC0415

        signer = S3SigV4QueryAuth(self._keys(), "s3", self._region, expires=minutes * 60)
        return {"url": self._signed("GET", _path(bucket, key), b"", {}, signer)[0]}

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        from botocore.auth import S3SigV4Auth  # noqa: PLC0415 (as above)

        if query:
            path += "?" + "&".join(f"{k}={quote(v, safe='')}" for k, v in sorted(query.items()))
        own = {"X-Amz-Content-SHA256": hashlib.sha256(content).hexdigest(), **(headers or {})}
        signer = S3SigV4Auth(self._keys(), "s3", self._region)
        _, signed = self._signed(method, path, content, own, signer)
        body: dict[str, Any] = {"data": content} if method == "PUT" else {}
        # Writing the same twice is writing it once.
        return await self.http.request(method, path, acts=False, exact=True, headers=signed, **body)

    def _keys(self) -> object:
        from botocore.credentials import Credentials  # noqa: PLC0415 (as above)

        return Credentials(self.values["access_key"], self.values["secret_key"])

    def _signed(
        self,
        method: str,
        path: str,
        content: bytes,
        headers: dict[str, str],
        signer: Any,  # noqa: ANN401 (imported late)
    ) -> tuple[str, dict[str, str]]:
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 (as above)

        request: Any = AWSRequest(method, self.url + path, headers, content)
        # Always signed, whatever the scheme: a proxy may have ended TLS.
        request.context["payload_signing_enabled"] = True
        signer.add_auth(request)
        return str(request.url), dict(request.headers.items())


def _path(bucket: str, key: str) -> str:
    """Slashes of a key stay: to S3 they are letters like others."""
    if any(step in (".", "..") for step in key.split("/")):
        raise ToolFailed("a key with . or .. between slashes cannot be asked for")
    return f"/{bucket}/{quote(key, safe='/')}"


def _decoded(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _text(one: Element, name: str) -> str:
    return next((child.text or "" for child in one if xml.local(child.tag) == name), "")
