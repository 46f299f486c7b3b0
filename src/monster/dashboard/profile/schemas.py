"""A person's own settings, and the devices they are signed in on."""

import re
import uuid
from datetime import datetime

from pydantic import Secret

from monster.dashboard.identity.schemas import Email, Typed
from monster.kit.schemas import Input, Name, Output


class ProfileOut(Output):
    """`has_password`: no for those who come by single sign-on only."""

    id: uuid.UUID
    name: str
    email: str
    has_password: bool


class Rename(Input):
    name: Name


class ChangeEmail(Input):
    """A link goes to the new address; nothing changes before it is used."""

    email: Email
    password: Secret[Typed]


class ChangePassword(Input):
    """Ends all other sessions."""

    current: Secret[Typed]
    new: Secret[Typed]


class LoginOut(Output):
    """`impersonated`: a platform admin acts as this person."""

    id: uuid.UUID
    device: str
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    impersonated: bool
    current: bool


# The first that is found counts: nearly every browser claims to be some of the others, too.
_BROWSERS = (
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\bOPR/|\bOpera\b"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\bFirefox/|\bFxiOS/"),
    ("Chrome", r"\bChrome/|\bCriOS/|\bChromium/"),
    ("Safari", r"\bVersion/\S+ .*Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("Mac", r"\bMac(?:intosh| OS X)\b"),
    ("Linux", r"\bLinux\b"),
)


def device_name(user_agent: str | None) -> str:
    """In words: `Firefox on Linux`. Of a program, what it calls itself."""
    agent = user_agent or ""
    browser, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    if browser and system:
        return f"{browser} on {system}"
    program = re.match(r"[\w.+-]{1,40}", agent)
    name = program[0] if program and not program[0].startswith("Mozilla") else "Unknown device"
    return browser or system or name


def _first(known: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, agent)), "")
