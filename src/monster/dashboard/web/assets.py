"""Static files under hashed names: compressed once, kept by browsers for ever."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).with_name("static")
PREFIX = "/static/"

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_IMPORT = re.compile(r"""((?:\bfrom|\bimport)\s*\(?\s*)"\./([^"]+)\"""")
_SYMBOL = re.compile(r'<symbol id="([^"]+)"')


class AssetMissing(LookupError):
    """A template names a file that is not there."""


@dataclass(frozen=True, slots=True)
class Asset:
    url: str
    media_type: str
    body: bytes
    zipped: bytes


Assets: TypeAlias = Mapping[str, Asset]


def load(folder: Path) -> Assets:
    """Every file by the name that templates use, such as `vendor/icons.svg`."""
    assets = dict[str, Asset]()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES:
            _add(assets, folder, path.relative_to(folder).as_posix())
    return assets


def _add(assets: dict[str, Asset], folder: Path, name: str) -> Asset:
    """Modules import each other by their hashed names, so what they import is added first."""
    if name in assets:
        return assets[name]

    def rename(match: re.Match[str]) -> str:
        imported = _add(assets, folder, str(PurePosixPath(name).parent / match[2]))
        return f'{match[1]}"{imported.url}"'

    text = (folder / name).read_text(encoding="utf-8")
    body = (_IMPORT.sub(rename, text) if name.endswith(".js") else text).encode()
    stem, suffix = name.rsplit(".", 1)
    url = f"{PREFIX}{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{suffix}"
    assets[name] = Asset(url, _TYPES[f".{suffix}"], body, gzip.compress(body, 9, mtime=0))
    return assets[name]


@cache
def shipped() -> Assets:
    return load(FOLDER)


@cache
def _by_url() -> Assets:
    return {asset.url: asset for asset in shipped().values()}


def url(name: str) -> str:
    asset = shipped().get(name)
    if asset is None:
        raise AssetMissing(f"no static file {name!r}; `npm ci && npm run vendor` builds vendor/")
    return asset.url


@cache
def _icons() -> frozenset[str]:
    return frozenset(_SYMBOL.findall(shipped()["vendor/icons.svg"].body.decode()))


def has_icon(name: str) -> bool:
    """Whether the sprite holds it."""
    return name in _icons()


def serve(request: Request) -> Response | None:
    asset = _by_url().get(request.url.path)
    if asset is None:
        return None
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(asset.body, media_type=asset.media_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(asset.zipped, media_type=asset.media_type, headers=headers)
