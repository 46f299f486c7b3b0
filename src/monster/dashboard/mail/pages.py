"""Mails that were not sent, for whoever tries Monster on their own machine."""

import re
import uuid
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.mail import service
from monster.dashboard.web import pages
from monster.kit import tenancy
from monster.kit.errors import NotFound
from monster.kit.schemas import Prose

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)

_PAGE = 20
_LINK = re.compile(r"(https?://\S+)")
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@router.get("/dev/mail")
async def show_mails(
    request: Request,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
) -> Response:
    _only_here(request)
    async with tenancy.outside(request.app.state.sessions) as session:
        found = await service.kept(session, q, after, _PAGE + 1)
    mails = [{"mail": mail, "parts": _parts(mail.text)} for mail in found[:_PAGE]]
    more = found[_PAGE - 1].id if len(found) > _PAGE else ""
    return pages.bare(request, "dev_mail", mails=mails, more=more, query=q)


def _only_here(request: Request) -> None:
    """Whoever reads these mails can enter any account: nobody but a browser on this machine, and
    not one that another site brought to another name for it."""
    client = request.client.host if request.client else ""
    host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    passed_on = any(name in request.headers for name in _PASSED_ON)
    shown = request.app.state.settings.dev_mail and not request.app.state.settings.smtp_url
    if not shown or passed_on or not (_is_loopback(client) and _is_loopback(host)):
        raise NotFound("there is nothing here")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts(text: str) -> list[tuple[str, bool]]:
    """What a mail says, cut into text and links."""
    return [(part, bool(_LINK.fullmatch(part))) for part in _LINK.split(text) if part]
