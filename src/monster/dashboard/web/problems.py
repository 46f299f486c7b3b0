"""Errors for people: a page, or a toast where htmx asked; programs get the usual JSON."""

from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import MutableHeaders

from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb, Shell
from monster.kit import headers, http_errors
from monster.kit.errors import Unauthenticated
from monster.kit.http_errors import Problem

POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_NO_WORKSPACE = "no_workspace"  # there is a page to choose one
_NEEDS_FACTOR = "second_factor_required"  # nothing else of this workspace can be used before

_TITLES = {
    403: "This is not yours to do",
    404: "There is nothing here",
    405: "This does not work that way",
    413: "That is too large",
    503: "One part of Monster does not answer",
}
_TITLES_OF = {"workspace_suspended": "This workspace is suspended"}
_TEXTS = {404: "It was deleted, or the address is wrong."}


def respond(request: Request, problem: Problem) -> Response:
    answer = _answer(request, problem)
    present = MutableHeaders(raw=answer.raw_headers)
    headers.add(present, problem.headers or {})
    headers.add(present, POLICY)  # what answers a bug stands outside of every middleware
    return answer


def _answer(request: Request, problem: Problem) -> Response:
    asks_html = "text/html" in request.headers.get("Accept", "")
    if not asks_html:
        return http_errors.as_json(request, problem)
    if problem.code == Unauthenticated.code:
        return _to_sign_in(request)
    if problem.code == _NO_WORKSPACE and request.method == "GET":
        return pages.go(request, _without_workspace(request))
    if problem.code == _NEEDS_FACTOR:
        return pages.go(request, "/settings/security")
    if pages.is_htmx(request):
        toast = pages.render("pages/_problem.html", text=sentence(problem.message))
        return HTMLResponse(toast, problem.status)
    return _page(request, problem)


def _without_workspace(request: Request) -> str:
    """Platform admins need none."""
    shell: Shell | None = getattr(request.state, "shell", None)
    arrives = request.url.path == "/"
    return "/admin" if shell and shell.is_admin and arrives else "/workspaces"


def _to_sign_in(request: Request) -> Response:
    if pages.is_htmx(request):
        return HTMLResponse(status_code=401, headers={"HX-Redirect": "/sign-in"})
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    asked = request.method == "GET" and target != "/"
    return RedirectResponse(f"/sign-in?{urlencode({'next': target})}" if asked else "/sign-in", 303)


def _page(request: Request, problem: Problem) -> Response:
    """In the frame if the person is known by then (`request.state.shell`), otherwise without."""
    title = _TITLES_OF.get(problem.code) or _TITLES.get(problem.status, "That did not work")
    text = _TEXTS.get(problem.status) or sentence(problem.message)
    said = {"title": title, "text": text, "code": f"{problem.code} · {problem.status}"}
    shell: Shell | None = getattr(request.state, "shell", None)
    if shell is None:
        return pages.bare(request, "problem", status=problem.status, shell=None, problem=said)
    crumbs = [Crumb("Home", "/"), Crumb(title)]
    return pages.page(
        request,
        shell,
        "problem",
        section="",
        crumbs=crumbs,
        status=problem.status,
        problem=said,
    )


def sentence(message: str) -> str:
    """Messages begin small and end open; people read a sentence."""
    text = message[:1].upper() + message[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
