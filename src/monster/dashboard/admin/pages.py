"""Screens about all tenants, for platform admins; for others there is nothing here."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.admin import service
from monster.dashboard.admin.schemas import Sort, Sought, TenantCreate
from monster.dashboard.closing.errors import NameDiffers
from monster.dashboard.identity.scope import CurrentPerson, Person, PersonTransaction
from monster.dashboard.web import forms, pages
from monster.dashboard.web.forms import Form
from monster.dashboard.web.pages import Crumb
from monster.kit.schemas import Prose

router = APIRouter(prefix="/admin", tags=["pages"], default_response_class=HTMLResponse)

_PAGE = 50
_PLATFORM = Crumb("Platform", "/admin")
_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "email": "Write it like name@company.com.",
}
_DIFFERS = {"name": "This is not its name. Type it as it stands above."}


@router.get("")
async def list_tenants(
    request: Request,
    session: PersonTransaction,
    person: CurrentPerson,
    q: Annotated[Prose, Query(max_length=200)] = "",
    sort: Sort = "newest",
    after: uuid.UUID | None = None,
) -> Response:
    found = await service.page(session, person, Sought(q, sort, after, _PAGE + 1))
    values: dict[str, object] = {
        "tenants": found[:_PAGE],
        "next": found[_PAGE - 1].id if len(found) > _PAGE else "",
        "after": after,
        "query": q,
        "sort": sort,
    }
    if pages.is_partial(request):
        return pages.fragment(request, person.shell, "admin_tenants", status=200, **values)
    crumbs = [_PLATFORM, Crumb("Workspaces")]
    return pages.page(
        request, person.shell, "admin_tenants", section="admin", crumbs=crumbs, status=200, **values
    )


@router.get("/tenants/new")
async def new_tenant(request: Request, person: CurrentPerson) -> Response:
    person.require_admin()
    return _new(request, person, Form())


@router.post("/tenants")
async def create_tenant(
    request: Request, session: PersonTransaction, person: CurrentPerson
) -> Response:
    person.require_admin()
    form = await forms.read(request, TenantCreate, _HINTS)
    if form.data is None:
        return _new(request, person, form)
    tenant_id = await service.create(session, person, form.data)
    said = f"{form.data.name} is there. {form.data.email} is invited as its owner."
    return pages.go(request, f"/admin/tenants/{tenant_id}", said)


def _new(request: Request, person: Person, form: Form) -> Response:
    return pages.page(
        request,
        person.shell,
        "admin_tenant_new",
        section="admin",
        crumbs=[_PLATFORM, Crumb("Workspaces", "/admin"), Crumb("New")],
        status=422 if form.errors else 200,
        values={"name": "", "email": ""} | dict(form.values),
        errors=form.errors,
    )


@router.get("/tenants/{tenant_id}")
async def show_tenant(
    request: Request,
    tenant_id: uuid.UUID,
    session: PersonTransaction,
    person: CurrentPerson,
    after: uuid.UUID | None = None,
) -> Response:
    tenant = await service.get(session, person, tenant_id)
    found = await service.members(session, person, tenant_id, after, _PAGE + 1)
    return pages.page(
        request,
        person.shell,
        "admin_tenant",
        section="admin",
        crumbs=[_PLATFORM, Crumb("Workspaces", "/admin"), Crumb(tenant.name)],
        tenant=tenant,
        members=found[:_PAGE],
        next=found[_PAGE - 1].user_id if len(found) > _PAGE else "",
        after=after,
    )


@router.post("/tenants/{tenant_id}/suspend")
async def suspend_tenant(
    request: Request, tenant_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    tenant = await service.set_suspended(session, person, tenant_id, suspended=True)
    return pages.go(request, f"/admin/tenants/{tenant_id}", f"{tenant.name} is suspended.")


@router.post("/tenants/{tenant_id}/resume")
async def resume_tenant(
    request: Request, tenant_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    tenant = await service.set_suspended(session, person, tenant_id, suspended=False)
    return pages.go(request, f"/admin/tenants/{tenant_id}", f"{tenant.name} is open again.")


@router.get("/tenants/{tenant_id}/delete")
async def ask_to_delete(
    request: Request, tenant_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    """What goes with it, and the field for its name."""
    return await _ask(request, session, person, tenant_id, Form())


@router.post("/tenants/{tenant_id}/delete")
async def delete_tenant(
    request: Request, tenant_id: uuid.UUID, session: PersonTransaction, person: CurrentPerson
) -> Response:
    typed = await forms.fields(request)
    try:
        name = await service.delete(session, person, tenant_id, typed.get("name", ""))
    except NameDiffers:
        return await _ask(request, session, person, tenant_id, Form(typed, _DIFFERS))
    return pages.go(request, "/admin", f"{name} is deleted, with everything in it.")


async def _ask(
    request: Request, session: AsyncSession, person: Person, tenant_id: uuid.UUID, form: Form
) -> Response:
    tenant = await service.get(session, person, tenant_id)
    here = Crumb(tenant.name, f"/admin/tenants/{tenant_id}")
    return pages.page(
        request,
        person.shell,
        "admin_tenant_delete",
        section="admin",
        crumbs=[_PLATFORM, Crumb("Workspaces", "/admin"), here, Crumb("Delete")],
        status=422 if form.errors else 200,
        tenant=tenant,
        typed=form.values.get("name", ""),
        errors=form.errors,
    )
