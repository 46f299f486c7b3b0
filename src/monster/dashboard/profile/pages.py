"""Settings that are a person's own: who they are, their password, where they are signed in."""

import uuid
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from monster.dashboard.accounts.errors import WeakPassword
from monster.dashboard.accounts.schemas import LONGEST, SHORTEST
from monster.dashboard.identity.errors import WrongPassword
from monster.dashboard.identity.scope import CurrentPerson, Person, PersonTransaction
from monster.dashboard.profile import service
from monster.dashboard.profile.schemas import ChangeEmail, ChangePassword, Rename
from monster.dashboard.web import forms, pages, problems
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.kit import tenancy
from monster.kit.errors import AppError, TooMany

router = APIRouter(prefix="/settings", tags=["pages"], default_response_class=HTMLResponse)

_PAGE = 30
_SETTINGS = Crumb("Settings", "/settings")
_SAID = {
    "name": "What you are called, in up to 200 characters.",
    "email": "Write it like name@company.com.",
    "password": "Type your password.",
    "current": "Type the password you have now.",
    "new": f"From {SHORTEST} to {LONGEST:,} characters.",
}


class Trouble(NamedTuple):
    """What is wrong with one of the forms, and the answer's status."""

    form: Form
    status: int
    problem: str = ""
    wait: int = 0  # seconds

    @classmethod
    def of(cls, form: Form, why: AppError) -> "Trouble":
        if why.field:
            said = {why.field: problems.sentence(why.message)}
            return cls(Form(form.values, said), why.status)
        wait = why.retry_after if isinstance(why, TooMany) else 0
        return cls(form, why.status, problems.sentence(why.message), wait)


@router.get("")
async def settings(request: Request, _: CurrentPerson) -> Response:
    return pages.go(request, "/settings/profile")


@router.get("/profile")
async def profile(request: Request, person: CurrentPerson) -> Response:
    return await _profile(request, person)


@router.post("/profile")
async def rename(request: Request, person: CurrentPerson) -> Response:
    form = await forms.read(request, Rename, _SAID)
    if form.data is None:
        return await _profile(request, person, Trouble(form, 422))
    async with tenancy.outside(request.app.state.sessions) as session:
        await service.rename(session, person, form.data.name)
    return pages.go(request, "/settings/profile", "Your name is saved.")


@router.post("/profile/email")
async def change_email(request: Request, person: CurrentPerson) -> Response:
    form = await forms.read(request, ChangeEmail, _SAID)
    if form.data is None:
        return await _profile(request, person, Trouble(form, 422))
    try:
        await service.change_email(request.app.state.sessions, person, form.data)
    except (WrongPassword, TooMany) as refusal:
        return await _profile(request, person, Trouble.of(form, refusal))
    said = f"If no other account has it, a link is on its way to {form.data.email}."
    return pages.go(request, "/settings/profile", said)


@router.post("/profile/password")
async def change_password(request: Request, person: CurrentPerson) -> Response:
    form = await forms.read(request, ChangePassword, _SAID)
    if form.data is None:
        return await _profile(request, person, Trouble(form, 422))
    try:
        await service.change_password(request.app.state.sessions, person, form.data)
    except (WrongPassword, WeakPassword, TooMany) as refusal:
        return await _profile(request, person, Trouble.of(form, refusal))
    said = "Your password is changed. All other sessions were ended."
    return pages.go(request, "/settings/profile", said)


async def _profile(request: Request, person: Person, trouble: Trouble | None = None) -> Response:
    async with tenancy.outside(request.app.state.sessions) as session:
        account = await service.profile(session, person)
    trouble = trouble or Trouble(Form(), 200)
    answer = pages.page(
        request,
        person.shell,
        "settings_profile",
        section="settings",
        crumbs=[_SETTINGS, Crumb("Profile")],
        status=trouble.status,
        at="profile",
        account=account,
        is_own=person.is_own,
        problem=trouble.problem,
        errors=trouble.form.errors,
        values={"name": account.name, "email": ""} | dict(trouble.form.values),
    )
    if trouble.wait:
        answer.headers["Retry-After"] = str(trouble.wait)
    return answer


@router.get("/sessions")
async def list_sessions(
    request: Request,
    session: PersonTransaction,
    person: CurrentPerson,
    after: uuid.UUID | None = None,
) -> Response:
    idle = request.app.state.lifetime.idle
    found = await service.logins(session, person, idle, after, _PAGE + 1)
    return pages.page(
        request,
        person.shell,
        "settings_sessions",
        section="settings",
        crumbs=[_SETTINGS, Crumb("Sessions")],
        at="sessions",
        logins=found[:_PAGE],
        more=found[_PAGE - 1].id if len(found) > _PAGE else "",
    )


@router.post("/sessions/end-others")
async def end_others(
    request: Request, session: PersonTransaction, person: CurrentPerson
) -> Response:
    await service.end_others(session, person)
    return pages.go(request, "/settings/sessions", "All other sessions are ended.")


@router.post("/sessions/{session_id}/end")
async def end_session(
    request: Request, session: PersonTransaction, person: CurrentPerson, session_id: uuid.UUID
) -> Response:
    await service.end(session, person, session_id)
    return pages.go(request, "/settings/sessions", "The session is ended.")
