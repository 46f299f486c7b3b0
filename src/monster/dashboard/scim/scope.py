"""Which directory asks, the transaction of its workspace, and errors in the shape it knows."""

from collections.abc import AsyncGenerator
from typing import Annotated, TypeAlias

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from scim2_models import Error
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import MutableHeaders

from monster.dashboard.directory import service
from monster.dashboard.directory.errors import WrongScimToken
from monster.dashboard.directory.schemas import Directory
from monster.dashboard.identity.scope import device
from monster.dashboard.web import problems
from monster.kit import headers, http_errors, logs, tenancy, web
from monster.kit.errors import Invalid
from monster.kit.http_errors import Problem

PREFIX = "/scim/v2"
MEDIA_TYPE = "application/scim+json"

_KEYWORDS = {
    "bad_request": "invalidSyntax",
    "group_name_taken": "uniqueness",
    "invalid": "invalidValue",
    "unknown_member": "invalidValue",
}
_SCIM = frozenset(
    {"invalidFilter", "invalidPath", "invalidSyntax", "invalidValue"}
    | {"mutability", "noTarget", "tooMany", "uniqueness"}
)


class ScimErrorOut(BaseModel):
    """Every answer that is not a success. `status` is the status, as text."""

    schemas: list[str]
    status: str
    scimType: str | None = None  # noqa: N815 (SCIM's name)
    detail: str


class ScimResponse(JSONResponse):
    media_type = MEDIA_TYPE


async def _directory(request: Request, bearer: web.Bearer) -> Directory:
    """By its token alone: cookies say nothing here, so no page of another site can act."""
    if bearer is None:
        raise WrongScimToken("a token is required")
    base_url = f"{request.app.state.settings.public_url.rstrip('/')}{PREFIX}"
    found = await service.authenticate(
        request.app.state.sessions, bearer.credentials, base_url, device(request)
    )
    logs.tenant_id.set(str(found.tenant_id))
    return found


CurrentDirectory: TypeAlias = Annotated[Directory, Depends(_directory)]


async def _transaction(
    request: Request, directory: CurrentDirectory
) -> AsyncGenerator[AsyncSession]:
    async with tenancy.transaction(request.app.state.sessions, directory.tenant_id) as session:
        yield session


ScimTransaction: TypeAlias = Annotated[AsyncSession, Depends(_transaction, scope="function")]


def install(app: FastAPI) -> None:
    """After the web layer: from here on, errors below `PREFIX` have SCIM's shape."""
    http_errors.install(app, _respond)


def _respond(request: Request, problem: Problem) -> Response:
    if not f"{request.url.path}/".startswith(f"{PREFIX}/"):
        return problems.respond(request, problem)
    status = 400 if problem.status == 422 else problem.status  # SCIM knows no 422
    said = Error(status=status, scim_type=_keyword(problem), detail=_sentence(problem))
    answer = ScimResponse(said.model_dump(), status)
    present = MutableHeaders(raw=answer.raw_headers)
    headers.add(present, problem.headers or {})
    headers.add(present, problems.POLICY)
    return answer


def _keyword(problem: Problem) -> str | None:
    if problem.field == "filter":
        return "invalidFilter"
    if problem.code == Invalid.code and not problem.field:
        return "invalidSyntax"  # the whole of it, not a part
    keyword = _KEYWORDS.get(problem.code, problem.code)
    return keyword if keyword in _SCIM else None


def _sentence(problem: Problem) -> str:
    said = f"{problem.field}: {problem.message}" if problem.field else problem.message
    return problems.sentence(said)
