"""Turns a template and its values into a page, a page without a frame, or a fragment."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from monster.contracts.agents import QUOTING
from monster.dashboard.permissions import TABLE, Can, Role
from monster.dashboard.web import assets, filters, navigation

_SAID = "monster_said"  # what the next page tells in a toast


class Crumb(NamedTuple):
    label: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame of every page shows."""

    csrf: str
    tenant_name: str
    role: str
    user_name: str
    user_email: str
    is_admin: bool = False  # of the platform
    impersonator: str = ""  # the name of the platform admin who acts as this person
    may_switch: bool = True  # to another workspace

    def may(self, needs: Can | None) -> bool:
        """Whether to show what takes this; whether it is allowed, the service decides."""
        return needs is None or (self.role != "" and Role[self.role.upper()] >= TABLE[needs].least)

    def sees(self, group: navigation.Group) -> Sequence[navigation.Entry]:
        if group.of_platform and not self.is_admin:
            return ()
        return [entry for entry in group.entries if self.may(entry.needs)]

    @property
    def first_name(self) -> str:
        return self.user_name.split()[0]

    @property
    def user_initials(self) -> str:
        return _initials(self.user_name)

    @property
    def tenant_initials(self) -> str:
        return _initials(self.tenant_name)


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:2]).upper()


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),  # of mails
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    functions = (filters.ago, filters.counted, filters.literally, filters.model_name, filters.size)
    by_name = {function.__name__: function for function in functions}
    cast("dict[str, object]", environment.filters).update(by_name)
    values = {
        "asset": assets.url,
        "nav": navigation.GROUPS,
        "settings_nav": navigation.SETTINGS,
        "palette_groups": navigation.PALETTE,
        "QUOTING": QUOTING,
    }
    cast("dict[str, object]", environment.globals).update(values)
    return environment


ENVIRONMENT = _environment()


def render(template: str, **context: object) -> str:
    """One file below `templates/`, such as `pages/_turn.html`, for streams of events."""
    return ENVIRONMENT.get_template(template).render(context)


def is_partial(request: Request) -> bool:
    """Whether htmx will replace one element; no for a visit, nor when it wants a whole page."""
    return request.headers.get("HX-Request-Type") == "partial"


def page(
    request: Request,
    shell: Shell,
    template: str,
    *,
    section: str,
    crumbs: Sequence[Crumb],
    status: int = 200,
    **context: object,
) -> HTMLResponse:
    """All of `pages/<template>.html`. `section` is the key of an entry in the sidebar, or empty."""
    said = unquote(request.cookies.get(_SAID, ""))
    frame = {"shell": shell, "section": section, "crumbs": crumbs, "said": said}
    answer = HTMLResponse(render(f"pages/{template}.html", **frame, **context), status)
    if said:
        answer.delete_cookie(_SAID)
    return answer


class Setting(NamedTuple):
    """One of the pages below Settings, as the menu there marks it, and those below it."""

    at: str
    name: str
    path: str

    def page(
        self,
        request: Request,
        shell: Shell,
        template: str,
        crumbs: Sequence[Crumb] = (),
        *,
        status: int = 200,
        **context: object,
    ) -> HTMLResponse:
        here = [Crumb(self.name, self.path), *crumbs] if crumbs else [Crumb(self.name)]
        return page(
            request,
            shell,
            template,
            section="settings",
            crumbs=[Crumb("Settings", "/settings"), *here],
            status=status,
            at=self.at,
            **context,
        )

    def listed(
        self, request: Request, shell: Shell, template: str, **context: object
    ) -> HTMLResponse:
        """The whole page, or to htmx the list alone: the fragment of the same name."""
        if is_partial(request):
            return fragment(request, shell, template, status=200, **context)
        return self.page(request, shell, template, (), status=200, **context)


def bare(request: Request, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
    """A page without the frame, for people who are not signed in."""
    return HTMLResponse(render(f"pages/{template}.html", request=request, **context), status)


def fragment(
    request: Request, shell: Shell, template: str, *, status: int = 200, **context: object
) -> HTMLResponse:
    """`pages/_<template>.html` alone: the same file that the whole page includes."""
    values = {"request": request, "shell": shell} | context
    return HTMLResponse(render(f"pages/_{template}.html", **values), status)


def go(request: Request, path: str, said: str = "") -> RedirectResponse | HTMLResponse:
    """Send the browser to another page after a form; that page tells `said` in a toast."""
    answer = (
        HTMLResponse(status_code=200, headers={"HX-Redirect": path})
        if is_htmx(request)
        else RedirectResponse(path, 303)
    )
    if said:
        secure = request.url.scheme == "https"
        answer.set_cookie(
            _SAID, quote(said), max_age=60, httponly=True, samesite="lax", secure=secure
        )
    return answer


def is_htmx(request: Request) -> bool:
    return request.headers.get("HX-Request") == "true"
