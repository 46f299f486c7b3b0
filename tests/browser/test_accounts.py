"""A stranger registers, forgets the password, and sees to the account, in a real browser."""

import re

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page

from monster.kit.db import SessionMaker
from monster.kit.embedded import Embedded
from tests.browser.conftest import Platform
from tests.browser.look import ROOT, SIZES, Size, Theme, Visitor, too_wide, violations
from tests.people import Person, Post, settle

PICTURES = ROOT / "tests" / "browser" / "pictures"

pytestmark = pytest.mark.usefixtures("quick_hashes")


async def examine(page: Page, name: str, size: Size, theme: Theme) -> None:
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / f"accounts-{name}-{size}-{theme}.png", full_page=True)
    assert not await violations(page), name
    assert await too_wide(page) == 0, name


async def test_a_stranger_opens_a_workspace_and_comes_back(
    browser: Browser, platform: Platform, postgres: Embedded, engine: FastAPI
) -> None:
    eve = Person()
    post = Post(postgres, platform.tenant.dashboard.state.sessions, engine)
    async with Visitor(browser, platform.url).at("/sign-in", refusal=422) as page:
        await page.get_by_role("link", name="Make a workspace").click()
        for label, value in (("Your name", "Eve"), ("Company", "Acme"), ("E-mail", eve.email)):
            await page.get_by_label(label).fill(value)
        await page.get_by_label("Password").fill("password123")
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_text("tried first").wait_for()
        assert await page.get_by_label("E-mail").input_value() == eve.email
        await page.get_by_label("Password").fill(eve.password)
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_text("Look into your mailbox").wait_for()
        await post.deliver()
        await page.goto(f"/dev/mail?q={eve.email}")
        link = page.get_by_role("link", name=re.compile("token="))
        path = str(await link.get_attribute("href")).removeprefix("http://127.0.0.1:8700")
        await page.goto(path)
        await page.get_by_role("button", name="Open the workspace").click()
        await page.get_by_text("Your workspace is open").wait_for()
        await page.goto("/settings/sessions")
        assert await page.get_by_text("This one").count() == 1
        await page.goto("/settings/profile")
        await page.get_by_label("Your name").fill("Eve Curie")
        await page.get_by_role("button", name="Save the name").click()
        await page.get_by_text("Your name is saved").wait_for()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_its_screens_are_sound(
    browser: Browser,
    platform: Platform,
    postgres: Embedded,
    engine: FastAPI,
    size: Size,
    theme: Theme,
) -> None:
    sessions: SessionMaker = platform.tenant.dashboard.state.sessions
    ada = await settle(sessions, Person())
    post = Post(postgres, sessions, engine)
    async with Visitor(browser, platform.url).at("/register", size, theme, refusal=401) as page:
        await examine(page, "register", size, theme)
        await page.goto("/forgot")
        await examine(page, "forgot", size, theme)
        await page.get_by_label("E-mail").fill(ada.email)
        await page.get_by_role("button", name="Send the link").click()
        await examine(page, "told", size, theme)
        await page.goto((await post.last(ada.email)).path)
        await examine(page, "reset", size, theme)
        await page.goto("/dev/mail")
        await examine(page, "dev-mail", size, theme)
        await page.goto("/sign-in?next=/settings/sessions")
        await examine(page, "sign-in", size, theme)
        await page.get_by_label("E-mail").fill(ada.email)
        await page.get_by_label("Password").fill(ada.password)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/settings/sessions")
        await examine(page, "sessions", size, theme)
        await page.goto("/settings/profile")
        await page.get_by_label("Password now").fill("wrong")
        await page.get_by_label("New password").fill("correct horse")
        await page.get_by_role("button", name="Change the password").click()
        await page.get_by_text("This is not your password").wait_for()
        await examine(page, "profile", size, theme)
