"""Every page that links lead to: accessible, silent, no wider than the screen, light."""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Page

from monster.dashboard.identity.scope import COOKIE
from tests import admins
from tests.browser.conftest import Platform
from tests.browser.look import ROOT, SIZES, Size, Theme, Visitor, out_of_reach, too_wide, violations
from tests.browser.seed import furnish_platform

PICTURES = ROOT / "tests" / "browser" / "pictures"
BUDGET = 150_000  # bytes that a first visit may transfer

_LINK = re.compile(r'href="(/[^"#]*)"')
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOT_PAGES = ("/static/", "/api/", "/docs", "/openapi.json")

PLATFORM = "/admin"  # its pages are there for platform admins alone


def _kind(path: str) -> str:
    """Pages that differ by an id, or by what they are asked for, look alike."""
    parts = urlsplit(path)
    asked = "&".join(sorted(parse_qs(parts.query)))
    return _ID.sub("…", parts.path) + (f"?{asked}" if asked else "")


async def _crawl(platform: Platform, session: str, first: str) -> Mapping[str, str]:
    """One path for each kind of page, found by following links from the first."""
    async with httpx.AsyncClient(base_url=platform.url, cookies={COOKIE: session}) as http:
        return await _follow(http, first)


async def _follow(http: httpx.AsyncClient, first: str) -> Mapping[str, str]:
    found, waiting = dict[str, str](), [first]
    while waiting:
        path = waiting.pop()
        if _kind(path) in found or path.startswith(_NOT_PAGES):
            continue
        answer = await http.get(path, headers={"Accept": "text/html"})
        if answer.status_code == 303:  # such as /settings, which is its first page
            found[_kind(path)] = elsewhere = answer.headers["Location"]
            waiting.append(elsewhere)
            continue
        assert answer.status_code == 200, path
        if answer.headers["Content-Type"].startswith("text/html"):
            found[_kind(path)] = path
            waiting += [unescape(link) for link in _LINK.findall(answer.text)]
    return found


@pytest.fixture(scope="module")
async def paths(platform: Platform, browser: Browser) -> Mapping[str, str]:
    del browser  # without one, there is nothing to find them for
    return {**await _crawl(platform, platform.sign_in(), "/"), **platform.sights}


@pytest.fixture(scope="module")
def root(browser: Browser, platform: Platform) -> Visitor:
    """A platform admin, who belongs to no workspace."""
    furnish_platform(platform.tenant)
    session = admins.sign_in(platform.tenant.dashboard).cookies[COOKIE]
    return Visitor(browser, platform.url, session)


@pytest.fixture(scope="module")
async def platform_paths(platform: Platform, root: Visitor) -> Mapping[str, str]:
    found = await _crawl(platform, root.session, PLATFORM)
    return {kind: path for kind, path in found.items() if kind.startswith(PLATFORM)}


async def _examine(page: Page, kind: str, size: Size, theme: Theme) -> list[str]:
    PICTURES.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", kind.replace("…", "one")).strip("-") or "home"
    await page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
    problems = list(await violations(page))
    if over := await too_wide(page):
        problems.append(f"{over} px too wide")
    if size == "wide" and theme == "light" and (lost := await out_of_reach(page)):
        problems.append(f"Tab does not reach {lost} controls")
    return [f"{kind}: {problem}" for problem in problems]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_sound(
    visitor: Visitor, paths: Mapping[str, str], size: Size, theme: Theme
) -> None:
    await _sound(visitor, paths, size, theme)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_of_the_platform_is_sound(
    root: Visitor, platform_paths: Mapping[str, str], size: Size, theme: Theme
) -> None:
    assert len(platform_paths) > 6
    await _sound(root, platform_paths, size, theme)


async def _sound(visitor: Visitor, paths: Mapping[str, str], size: Size, theme: Theme) -> None:
    problems = list[str]()
    async with visitor.at(next(iter(paths.values())), size, theme) as page:
        for kind, path in paths.items():
            await page.goto(path, wait_until="load")
            problems += await _examine(page, kind, size, theme)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("/sign-in", 200), ("/register", 200), ("/forgot", 200), ("/reset", 422), ("/nowhere", 404)],
)
async def test_pages_without_a_frame_are_sound(
    browser: Browser, platform: Platform, path: str, status: int, size: Size, theme: Theme
) -> None:
    async with Visitor(browser, platform.url).at(path, size, theme, status=status) as page:
        assert not await _examine(page, path, size, theme)


async def test_a_first_visit_is_light(visitor: Visitor, paths: Mapping[str, str]) -> None:
    """One page of each section, as the network carries it; nothing is cached before."""
    sections = {urlsplit(path).path.split("/")[1]: path for path in paths.values()}
    weights = {kind: await visitor.weigh(path) for kind, path in sections.items()}
    heavy = {kind: weight for kind, weight in weights.items() if weight > BUDGET}
    assert not heavy
    assert min(weights.values()) > 50_000  # so that it was measured at all
