"""Whether a change was asked for by one of our own pages."""

import secrets
from urllib.parse import urlsplit

from fastapi import Request

from monster.dashboard.web import forms
from monster.kit.errors import Forbidden

HEADER = "X-CSRF-Token"

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Forged(Forbidden):
    """A change that was asked for by another site, or by nobody we know."""

    code = "csrf"


def same_origin(request: Request) -> None:
    """Refuses what another site sent. A browser says so itself, in one header or the other."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "")
    ours = site == "same-origin" if site else urlsplit(origin).netloc == request.url.netloc
    if not ours:
        raise Forged("this came from another site")


async def same_token(request: Request, csrf: str) -> None:
    sent = request.headers.get(HEADER)
    if sent is None and request.headers.get("Content-Type", "").startswith(_FORMS):
        sent = (await request.form()).get(forms.CSRF)
    if not isinstance(sent, str) or not secrets.compare_digest(sent.encode(), csrf.encode()):
        raise Forged("the page is too old: load it again, then repeat what you did")
