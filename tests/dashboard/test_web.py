"""The frame round every page: assets, headers, limits, and errors as people see them."""

import gzip
import re
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, FastAPI, Request, Response

from monster.dashboard.web import assets, filters, pages, site
from monster.dashboard.web.pages import Crumb, Shell
from monster.kit.errors import Conflict, NotFound, Unauthenticated
from monster.kit.limits import MIB, takes_files
from tests.builders import client

HTML = {"Accept": "text/html"}
HTMX = HTML | {"HX-Request": "true", "HX-Request-Type": "partial"}
SHELL = Shell("token", "Acme", "owner", "Kim Tan", "kim@acme.example")


router = APIRouter()


@pytest.fixture(scope="module")
def small() -> FastAPI:
    """An application with nothing but the web layer and the endpoints below."""
    app = FastAPI()
    site.install(app, upload_limit=2 * MIB)
    app.include_router(router)
    return app


@router.get("/known")
async def known(request: Request) -> None:
    request.state.shell = SHELL
    raise NotFound("no such agent")


@router.get("/bug")
async def bug() -> None:
    raise ZeroDivisionError("secret detail")


@router.get("/closed")
async def closed() -> None:
    raise Unauthenticated("a session is required")


@router.post("/taken")
async def taken() -> None:
    raise Conflict("an agent named “<b>” exists", field="name")


@router.post("/echo")
async def echo(request: Request) -> int:
    return len(await request.body())


@router.post("/upload")
@takes_files
async def upload(request: Request) -> int:
    return len(await request.body())


@router.get("/page")
async def page(request: Request) -> Response:
    problem = {"title": "Hello", "text": "Words.", "code": "x"}
    crumbs = [Crumb("Home", "/"), Crumb("Hello")]
    return pages.page(request, SHELL, "problem", section="home", crumbs=crumbs, problem=problem)


@router.post("/go")
async def go(request: Request) -> Response:
    return pages.go(request, "/page", "Grüße, it is “done”")


async def test_assets_have_hashed_names_and_are_kept_for_ever() -> None:
    for name, asset in assets.shipped().items():
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", asset.url), name
        assert gzip.decompress(asset.zipped) == asset.body


async def test_assets_are_served_zipped_where_that_is_understood(small: FastAPI) -> None:
    url = assets.url("app.css")
    for encoding, sent in (("gzip", "gzip"), ("identity", None)):
        answer = await client(small).get(url, headers={"Accept-Encoding": encoding})
        assert answer.status_code == 200
        assert answer.headers.get("Content-Encoding") == sent
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
        assert answer.content == assets.shipped()["app.css"].body


async def test_modules_import_each_other_by_hashed_names(small: FastAPI) -> None:
    script = (await client(small).get(assets.url("app.js"))).text
    imported = re.findall(r'import\(?\s*"([^"]+)"', script)
    assert len(imported) == 3
    for url in imported:
        assert (await client(small).get(url)).status_code == 200


@pytest.mark.parametrize("path", ["/static/app.css", "/static/nothing.js", "/static/../pages.py"])
async def test_nothing_else_is_served(small: FastAPI, path: str) -> None:
    assert (await client(small).get(path)).status_code == 404


def test_a_template_cannot_name_a_file_that_is_not_there() -> None:
    with pytest.raises(assets.AssetMissing, match="npm run vendor"):
        assets.url("vendor/nothing.css")


async def test_favicon_for_what_is_not_a_page(small: FastAPI) -> None:
    answer = await client(small).get("/favicon.ico")
    assert (answer.status_code, answer.headers["Location"]) == (308, assets.url("favicon.svg"))


@pytest.mark.parametrize("path", ["/page", "/known", "/nowhere", "/bug", "/closed"])
@pytest.mark.parametrize("headers", [HTML, HTMX, {}])
async def test_every_answer_is_safe(small: FastAPI, path: str, headers: dict[str, str]) -> None:
    answer = await client(small).get(path, headers=headers)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "secret detail" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/page", 405),
        ("GET", "/bug", 500),
        ("GET", "/known", 404),
    ],
)
async def test_errors_are_pages_for_people(
    small: FastAPI, method: str, path: str, status: int
) -> None:
    answer = await client(small).request(method, path, headers=HTML)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1" in answer.text
    assert ("Acme" in answer.text) == (path == "/known")


async def test_errors_are_json_for_programs(small: FastAPI) -> None:
    answer = await client(small).post("/taken")
    assert answer.status_code == 409
    assert answer.json()["error"]["field"] == "name"


async def test_errors_are_toasts_for_htmx(small: FastAPI) -> None:
    answer = await client(small).post("/taken", headers=HTMX)
    assert answer.status_code == 409
    assert answer.text.lstrip().startswith('<hx-partial hx-target="#toasts"')
    assert "An agent named “&lt;b&gt;” exists." in answer.text


async def test_a_stranger_is_sent_to_sign_in_and_back(small: FastAPI) -> None:
    answer = await client(small).get("/closed?tab=1", headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=%2Fclosed%3Ftab%3D1"
    assert (await client(small).get("/closed", headers=HTMX)).headers["HX-Redirect"] == "/sign-in"
    assert (await client(small).get("/closed")).status_code == 401


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/echo", MIB, 200),
        ("/echo", MIB + 1, 413),
        ("/upload", 2 * MIB, 200),
        ("/upload", 2 * MIB + 1, 413),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
async def test_bodies_have_a_limit(
    small: FastAPI, path: str, size: int, status: int, *, announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, 65536):
            yield bytes(min(65536, size - start))

    answer = await client(small).post(path, content=bytes(size) if announced else pieces())
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["error"]["code"] == "too_large"


async def test_pages_are_zipped(small: FastAPI) -> None:
    answer = await client(small).get("/page", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"


async def test_what_was_done_is_told_once_on_the_next_page(small: FastAPI) -> None:
    visitor = client(small)
    answer = await visitor.post("/go")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/page")
    assert "Grüße, it is “done”" in (await visitor.get("/page")).text
    assert "Grüße" not in (await visitor.get("/page")).text
    assert (await visitor.post("/go", headers=HTMX)).headers["HX-Redirect"] == "/page"


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("builtin:quote", "Quotes its knowledge"),
        ("openai:gpt-oss:20b", "gpt-oss:20b"),
        ("unnamed", "unnamed"),
    ],
)
def test_models_are_called_by_their_names(model: str, shown: str) -> None:
    assert filters.model_name(model) == shown


def test_one_is_not_many() -> None:
    assert [filters.counted(n, "version") for n in (0, 1, 2000)] == [
        "0 versions",
        "1 version",
        "2,000 versions",
    ]
