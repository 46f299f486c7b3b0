"""What the browser tests do with a page, and what they look for."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize

from monster.dashboard.identity.scope import COOKIE

ROOT = Path(__file__).parents[2]

Size: TypeAlias = Literal["wide", "phone"]
Theme: TypeAlias = Literal["light", "dark"]

SIZES: dict[Size, ViewportSize] = {
    "wide": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844},
}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_AXE = """async tags => (await axe.run(document, {runOnly: tags})).violations.map(v =>
  `${v.id}: ${v.nodes.length} of ${v.nodes[0].target} ${v.nodes[0].failureSummary}`)"""
# Everything that can be used and is seen must be met with Tab; one radio stands for its group.
_CONTROLS = """() => {
  const groups = new Set();
  const wanted = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  return [...document.querySelectorAll(wanted)].filter(e => {
    if (!e.checkVisibility({visibilityProperty: true})) return false;
    if (e.disabled || e.tabIndex < 0 || e.type === "hidden") return false;
    if (e.type !== "radio") return true;
    return !groups.has(e.name) && groups.add(e.name);
  }).length }"""
_START = """() => { window.met = new Set(); document.activeElement.blur();
  document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex") }"""
_MET = """() => { const e = document.activeElement;
  if (e && e !== document.body) window.met.add(e.type === "radio" ? e.name : e);
  return window.met.size }"""


@dataclass(frozen=True)
class Visitor:
    browser: Browser
    url: str
    session: str = ""  # of whoever is signed in

    @asynccontextmanager
    async def at(
        self,
        path: str,
        size: Size = "wide",
        theme: Theme = "light",
        *,
        status: int = 200,
        refusal: int = 0,
    ) -> AsyncGenerator[Page]:
        """A page in a fresh profile. Fails if the browser finds anything to complain about.

        `refusal` is the status of a request that the page will make in vain.
        """
        page = await self._fresh(size, theme)
        complaints = list[str]()

        def hear(message: ConsoleMessage) -> None:
            expected = f"status of {refusal or status}" in message.text
            if message.type in {"error", "warning"} and not expected:
                complaints.append(f"{page.url}: {message.text}")

        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        answer = await page.goto(path, wait_until="load")
        assert answer
        assert answer.status == status, path
        yield page
        await page.context.close()
        assert not complaints, "\n".join(complaints)

    async def weigh(self, path: str) -> int:
        """Bytes that a first visit transfers, as the network carries them."""
        page = await self._fresh("wide", "light")
        sizes = list[float]()

        def note(event: dict[str, float]) -> None:
            sizes.append(event["encodedDataLength"])

        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Network.enable")  # pyright: ignore[reportUnknownMemberType]
        devtools.on("Network.loadingFinished", note)
        await page.goto(path, wait_until="networkidle")
        await page.context.close()
        return round(sum(sizes))

    async def _fresh(self, size: Size, theme: Theme) -> Page:
        context = await self.browser.new_context(
            base_url=self.url, viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce"
        )
        if self.session:
            await context.add_cookies([{"name": COOKIE, "value": self.session, "url": self.url}])
        return await context.new_page()


@cache
def _axe() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def violations(page: Page) -> Sequence[str]:
    """What axe finds wrong with the page as it stands."""
    await page.evaluate(_axe())
    return await page.evaluate(_AXE, TAGS)


async def too_wide(page: Page) -> int:
    """By how many pixels the page must be scrolled sideways."""
    return await page.evaluate("document.documentElement.scrollWidth - innerWidth")


async def out_of_reach(page: Page) -> int:
    """How many visible controls Tab does not lead to."""
    wanted = await page.evaluate(_CONTROLS)
    await page.evaluate(_START)
    met = 0
    for _ in range(wanted + 6):
        await page.keyboard.press("Tab")
        met = await page.evaluate(_MET)
    return max(0, wanted - met)
