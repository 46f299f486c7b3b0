"""Screens: who belongs here, who is invited, and what roles may do."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity.scope import Begin, CurrentPerson, CurrentScope, Scope, Transaction
from monster.dashboard.invitations import service as invitations
from monster.dashboard.invitations.errors import AlreadyInvited, AlreadyMember
from monster.dashboard.invitations.schemas import InvitationCreate
from monster.dashboard.members import service
from monster.dashboard.members.errors import NotConfirmed
from monster.dashboard.members.schemas import Listed, MemberChanges, RoleChoice, Transfer
from monster.dashboard.permissions import TABLE, Can, Role
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.kit.errors import Invalid
from monster.kit.schemas import Prose

router = APIRouter(prefix="/settings", tags=["pages"], default_response_class=HTMLResponse)

_PAGE = 30
_LIST = "/settings/members"
_CRUMBS = (Crumb("Settings", "/settings"), Crumb("Members", _LIST))
_ROLES = [role for role in Role if role is not Role.SYSTEM]
_SAID = {"email": "Write it like name@company.com.", "role": "Choose a role."}
_HAVE = {
    AlreadyMember: {"email": "Whoever has this address is a member already."},
    AlreadyInvited: {"email": "This address is invited already. Send the invitation again below."},
}


@router.get("/members")
async def list_members(
    request: Request,
    scope: CurrentScope,
    session: Transaction,
    q: Annotated[Prose, Query(max_length=200)] = "",
    after: uuid.UUID | None = None,
) -> Response:
    if pages.is_partial(request):
        values = await _members(session, scope, q, after)
        return pages.fragment(request, scope.shell, "members", status=200, **values)
    return await _show(request, scope, session, q, after)


@router.post("/members/invite")
async def invite(request: Request, scope: CurrentScope, begin: Begin) -> Response:
    scope.require(Can.MEMBERS)
    form = await forms.read(request, InvitationCreate, _SAID)
    shown = Form(form.values, form.errors)
    if form.data is not None:
        try:
            async with begin() as session:
                await invitations.invite(session, scope, form.data)
        except (AlreadyMember, AlreadyInvited) as refused:
            shown = Form(form.values, _HAVE[type(refused)])
        else:
            return pages.go(request, _LIST, f"{form.data.email} is invited.")
    async with begin() as session:
        return await _show(request, scope, session, "", None, shown)


@router.post("/invitations/{invitation_id}/resend")
async def resend_invitation(
    request: Request, scope: CurrentScope, session: Transaction, invitation_id: uuid.UUID
) -> Response:
    sent = await invitations.resend(session, scope, invitation_id)
    return pages.go(request, _LIST, f"{sent.email} gets a new link. The old one is worth nothing.")


@router.post("/invitations/{invitation_id}/withdraw")
async def withdraw_invitation(
    request: Request, scope: CurrentScope, session: Transaction, invitation_id: uuid.UUID
) -> Response:
    email = await invitations.withdraw(session, scope, invitation_id)
    return pages.go(request, _LIST, f"The invitation of {email} is withdrawn.")


@router.get("/members/leave")
async def ask_to_leave(request: Request, scope: CurrentScope) -> Response:
    crumbs = [*_CRUMBS, Crumb("Leave")]
    return pages.page(
        request,
        scope.shell,
        "member_leave",
        section="settings",
        crumbs=crumbs,
        at="members",
        owns=scope.role is Role.OWNER,
    )


@router.post("/members/leave")
async def leave(request: Request, scope: CurrentScope, session: Transaction) -> Response:
    await service.leave(session, scope)
    return pages.go(request, "/workspaces", f"You left {scope.shell.tenant_name}.")


@router.get("/members/{member_id}")
async def show_member(
    request: Request, scope: CurrentScope, session: Transaction, member_id: uuid.UUID
) -> Response:
    """What can be done about one member, and what goes with it."""
    member = await service.get(session, scope, member_id)
    return await _one(request, scope, session, member)


@router.post("/members/{member_id}/role")
async def change_role(
    request: Request, scope: CurrentScope, session: Transaction, member_id: uuid.UUID
) -> Response:
    form = await forms.read(request, RoleChoice)
    if form.data is None:
        raise Invalid("there is no such role to give", field="role")
    changed = await service.change(session, scope, member_id, MemberChanges(role=form.data.role))
    return pages.go(request, _LIST, f"{changed.name} is {changed.role} now.")


@router.post("/members/{member_id}/deactivate")
async def deactivate(
    request: Request, scope: CurrentScope, session: Transaction, member_id: uuid.UUID
) -> Response:
    changed = await service.change(session, scope, member_id, MemberChanges(is_active=False))
    return pages.go(request, _LIST, f"{changed.name} cannot work here any more.")


@router.post("/members/{member_id}/reactivate")
async def reactivate(
    request: Request, scope: CurrentScope, session: Transaction, member_id: uuid.UUID
) -> Response:
    changed = await service.change(session, scope, member_id, MemberChanges(is_active=True))
    return pages.go(request, _LIST, f"{changed.name} can work here again.")


@router.post("/members/{member_id}/remove")
async def remove(
    request: Request, scope: CurrentScope, session: Transaction, member_id: uuid.UUID
) -> Response:
    gone = await service.remove(session, scope, member_id)
    return pages.go(request, _LIST, f"{gone.name} is removed.")


@router.post("/members/{member_id}/make-owner")
async def transfer(
    request: Request,
    person: CurrentPerson,
    scope: CurrentScope,
    begin: Begin,
    member_id: uuid.UUID,
) -> Response:
    scope.require(Can.TRANSFER)
    form = await forms.read(request, Transfer, {"password": "Type your password."})
    errors = form.errors
    try:
        if form.data is not None:
            await service.confirm(request.app.state.sessions, person, form.data)
    except NotConfirmed:
        errors = {"password": "This is not your password."}
    async with begin() as session:
        if errors:
            member = await service.get(session, scope, member_id)
            return await _one(request, scope, session, member, Form(errors=errors))
        made = await service.transfer(session, scope, member_id)
    return pages.go(request, _LIST, f"{made.name} owns {scope.shell.tenant_name} now.")


@router.get("/roles")
async def show_roles(request: Request, scope: CurrentScope) -> Response:
    return pages.page(
        request,
        scope.shell,
        "roles",
        section="settings",
        crumbs=[Crumb("Settings", "/settings"), Crumb("Roles")],
        at="roles",
        columns=[{"label": "What"}, *(_column(role) for role in _ROLES)],
        rules=[(rule.says, [role >= rule.least for role in _ROLES]) for rule in TABLE.values()],
    )


def _column(role: Role) -> dict[str, str]:
    return {"label": role.name.capitalize(), "class": "tick"}


async def _members(
    session: AsyncSession, scope: Scope, words: str, after: uuid.UUID | None
) -> dict[str, object]:
    found = await service.page(session, scope, words, after, _PAGE + 1)
    return {
        "members": found[:_PAGE],
        "more": found[_PAGE - 1].id if len(found) > _PAGE else "",
        "query": words,
        "may_write": scope.may(Can.MEMBERS),
        "own": scope.user_id,
    }


async def _show(
    request: Request,
    scope: Scope,
    session: AsyncSession,
    words: str,
    after: uuid.UUID | None,
    form: Form = Form(),  # noqa: B008 (frozen)
) -> Response:
    may_write = scope.may(Can.MEMBERS)
    return pages.page(
        request,
        scope.shell,
        "members",
        section="settings",
        crumbs=[_CRUMBS[0], Crumb("Members")],
        status=422 if form.errors else 200,
        at="members",
        invited=await invitations.page(session, scope, None, 200) if may_write else [],
        values={"email": "", "role": "editor"} | dict(form.values),
        errors=form.errors,
        **await _members(session, scope, words, after),
    )


async def _one(
    request: Request, scope: Scope, session: AsyncSession, member: Listed, form: Form | None = None
) -> Response:
    may_change = scope.may(Can.MEMBERS) and member.role != "owner"
    agents, folders = await service.alone(session, scope, member) if may_change else (0, 0)
    return pages.page(
        request,
        scope.shell,
        "member",
        section="settings",
        crumbs=[*_CRUMBS, Crumb(member.name)],
        status=422 if form else 200,
        at="members",
        member=member,
        agents=agents,
        folders=folders,
        may_change=may_change,
        is_self=member.user_id == scope.user_id,
        may_transfer=scope.may(Can.TRANSFER) and member.role != "owner" and member.is_active,
        errors=form.errors if form else {},
    )
