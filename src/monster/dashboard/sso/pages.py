"""The door for people whose workspace has an identity provider."""

import secrets
import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from monster.dashboard.identity.pages import let_in, local
from monster.dashboard.identity.scope import device
from monster.dashboard.oidc.errors import ProviderFailed
from monster.dashboard.sso import service
from monster.dashboard.sso.errors import NoSingleSignOn, SignInFailed
from monster.dashboard.sso.schemas import Answer, Door
from monster.dashboard.web import pages

BROWSER = "monster_sso"  # the cookie that ties a sign-in to the browser that began it
_HOME = "/sign-in/sso"
CALLBACK = f"{_HOME}/callback"

router = APIRouter(prefix=_HOME, tags=["pages"], default_response_class=HTMLResponse)

_WHY = {
    "bad_state": "This sign-in was begun in another browser, is over, or was left for too long.",
    "provider_error": "Your company's sign-in did not let you in.",
    "provider_gone": "Your workspace has switched this sign-in off.",
    "email_missing": "Your company's sign-in did not say which e-mail address is yours.",
    "email_unverified": "Your company's sign-in has not verified your e-mail address.",
    "not_a_member": (
        "You have an account here, but are not a member of this workspace. Ask for an invitation,"
        " accept it, then sign in this way."
    ),
    "inactive": "Your account is switched off. Ask an admin of your workspace.",
}
_PROVIDER = (
    "Your company's sign-in does not work as it should. Tell whoever set it up the code below."
)


@router.get("")
async def ask_for_workspace(
    request: Request,
    workspace: Annotated[str, Query(max_length=300)] = "",
    onward: Annotated[str, Query(alias="next", max_length=2000)] = "/",
) -> Response:
    """A link follows, not a redirect: the policy of our pages lets no form lead to another site."""
    onward, slug = local(onward), workspace.strip().lower()
    if not slug:
        return _ask(request, "", onward)
    await service.throttle(request.app.state.sessions, "start", device(request))
    try:
        _, providers = await service.choices(request.app.state.sessions, slug)
    except NoSingleSignOn as none:
        return _ask(request, slug, onward, none)
    return _choose(request, slug, onward, providers)


@router.get("/callback")
async def come_back(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=8000)] = "",
    iss: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    who = device(request)
    await service.throttle(request.app.state.sessions, "callback", who)
    browser = request.cookies.get(BROWSER, "")
    try:
        answer = Answer(state, code, iss, error)
        ticket, onward = await service.finish(_door(request), answer, browser, who)
    except (SignInFailed, ProviderFailed) as failed:
        return _failed(request, failed)
    return let_in(request, ticket, onward)


@router.get("/{slug}")
async def go_to_provider(
    request: Request,
    slug: str,
    provider: uuid.UUID | None = None,
    onward: Annotated[str, Query(alias="next", max_length=2000)] = "/",
) -> Response:
    """To the one there is, or the one that was chosen."""
    onward = local(onward)
    await service.throttle(request.app.state.sessions, "start", device(request))
    try:
        scope, providers = await service.choices(request.app.state.sessions, slug)
    except NoSingleSignOn as none:
        return _ask(request, slug, onward, none)
    chosen = [one for one in providers if provider is None or one.id == provider]
    if len(chosen) != 1:
        return _choose(request, slug, onward, providers)
    browser = request.cookies.get(BROWSER) or secrets.token_urlsafe(32)
    try:
        url = await service.start(_door(request), scope, chosen[0], browser, onward)
    except ProviderFailed as failed:
        return _failed(request, failed)
    return _away(request, url, browser)


def _door(request: Request) -> Door:
    state = request.app.state
    redirect_uri = state.settings.public_url.rstrip("/") + CALLBACK
    return Door(state.sessions, state.oidc, state.account_key, state.lifetime, redirect_uri)


def _away(request: Request, url: str, browser: str) -> Response:
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        BROWSER,
        browser,
        max_age=int(service.LASTS.total_seconds()),
        path=_HOME,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # the provider's site sends the browser back to us
    )
    return answer


def _ask(
    request: Request, slug: str, onward: str, problem: NoSingleSignOn | None = None
) -> Response:
    return pages.bare(
        request,
        "sso",
        status=problem.status if problem else 200,
        slug=slug[:300],
        onward=onward,
        problem=problem.message if problem else "",
    )


def _choose(request: Request, slug: str, onward: str, providers: object) -> Response:
    return pages.bare(request, "sso_choose", slug=slug, onward=onward, providers=providers)


def _failed(request: Request, failed: SignInFailed | ProviderFailed) -> Response:
    why = _WHY.get(failed.code, _PROVIDER)
    return pages.bare(request, "sso_failed", status=failed.status, why=why, code=failed.code)
