"""Signature Version 4: how requests to AWS, and to what speaks like it, prove who sends them."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlsplit

_SAFE = "-_.~"


@dataclass(frozen=True, slots=True)
class Signer:
    """`service` as AWS calls it: `kms`, `s3`, … A `session_token` belongs to temporary keys."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    service: str
    session_token: str | None = field(default=None, repr=False)

    def sign(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> dict[str, str]:
        """All headers to send, those given among them. `url` is escaped as it is sent; `at` is
        now, in UTC."""
        parts = urlsplit(url)
        stamp = at.strftime("%Y%m%dT%H%M%SZ")
        sent = {**headers, "X-Amz-Date": stamp}
        digest = hashlib.sha256(body).hexdigest()
        if self.service == "s3":
            sent["X-Amz-Content-SHA256"] = digest
        if self.session_token:
            sent["X-Amz-Security-Token"] = self.session_token
        signed = {name.lower(): " ".join(text.split()) for name, text in sent.items()}
        signed["host"] = parts.netloc.rpartition("@")[2]
        names = ";".join(sorted(signed))
        canonical = "\n".join(
            (
                method,
                self._path(parts.path),
                _query(parts.query),
                *(f"{name}:{signed[name]}" for name in sorted(signed)),
                "",
                names,
                digest,
            )
        )
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        said = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
        signature = hmac.new(self._key(scope), said.encode(), "sha256").hexdigest()
        who = f"Credential={self.access_key_id}/{scope}"
        proof = f"AWS4-HMAC-SHA256 {who}, SignedHeaders={names}, Signature={signature}"
        return {**sent, "Authorization": proof}

    def _path(self, path: str) -> str:
        """Escaped once more, but for S3."""
        return (path if self.service == "s3" else quote(path, safe=f"/{_SAFE}")) or "/"

    def _key(self, scope: str) -> bytes:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    escaped = sorted((quote(name, safe=_SAFE), quote(text, safe=_SAFE)) for name, text in pairs)
    return "&".join(f"{name}={text}" for name, text in escaped)
