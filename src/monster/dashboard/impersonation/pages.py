"""Screens to act as somebody else: why and where, and the way back."""

import uuid

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.identity import pages as door
from monster.dashboard.identity.schemas import Ticket
from monster.dashboard.identity.scope import CurrentPerson, CurrentToken, Person, PersonTransaction
from monster.dashboard.impersonation import service
from monster.dashboard.impersonation.schemas import Impersonate, Somebody, Workspace
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.kit import clock, tenancy
from monster.kit.errors import Unauthenticated

router = APIRouter(prefix="/admin", tags=["pages"], default_response_class=HTMLResponse)

# The admin's own session waits here meanwhile. Sent to the way back alone.
ASIDE, WAY_BACK = "monster_admin_session", "/admin/impersonation"

_SAID = {"reason": "Say why, in a few words: it is kept in the log of the workspace."}


@router.get("/users/{user_id}/impersonate")
async def ask_why(
    request: Request, user_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    somebody, workspaces = await service.choice(session, person, user_id)
    return _page(request, person, somebody, workspaces, Form())


@router.post("/users/{user_id}/impersonate")
async def impersonate(
    request: Request,
    user_id: uuid.UUID,
    session: PersonTransaction,
    person: CurrentPerson,
    token: CurrentToken,
) -> Response:
    somebody, workspaces = await service.choice(session, person, user_id)
    form = await forms.read(request, Impersonate, _SAID)
    if form.data is None:
        return _page(request, person, somebody, workspaces, form)
    ticket = await service.begin(session, person, user_id, form.data)
    answer = door.let_in(request, ticket, "/", f"You act as {somebody.name} now.")
    answer.set_cookie(
        ASIDE,
        token,
        max_age=int(2 * service.LONGEST.total_seconds()),
        path=WAY_BACK,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/impersonation/end")
async def end_impersonation(
    request: Request, session: PersonTransaction, person: CurrentPerson, token: CurrentToken
) -> Response:
    """Back to the admin's own session if it is still good, else to the door."""
    admin_id = await service.end(session, person, token)
    own = request.cookies.get(ASIDE, "")
    if await _is_good(request, own, admin_id):
        ends = clock.now() + request.app.state.lifetime.total  # at the latest; the row knows
        answer = door.let_in(request, Ticket(own, ends), f"/admin/users/{person.user_id}")
    else:
        answer = pages.go(request, "/sign-in")
        answer.delete_cookie(door.COOKIE)
    answer.delete_cookie(ASIDE, path=WAY_BACK)
    return answer


async def _is_good(request: Request, token: str, admin_id: uuid.UUID) -> bool:
    state = request.app.state
    try:
        async with tenancy.outside(state.sessions) as session:
            return await service.is_theirs(session, token, admin_id, state.lifetime)
    except Unauthenticated:
        return False


def _page(
    request: Request,
    person: Person,
    somebody: Somebody,
    workspaces: list[Workspace],
    form: Form,
) -> Response:
    crumbs = [
        Crumb("Platform", "/admin"),
        Crumb("Users", "/admin/users"),
        Crumb(somebody.name, f"/admin/users/{somebody.id}"),
        Crumb("Act as"),
    ]
    return pages.page(
        request,
        person.shell,
        "admin_impersonate",
        section="admin",
        crumbs=crumbs,
        status=422 if form.errors else 200,
        somebody=somebody,
        workspaces=workspaces,
        values={"reason": "", "tenant_id": ""} | dict(form.values),
        errors=form.errors,
    )
