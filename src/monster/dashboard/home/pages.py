"""Where one arrives: the next step, the latest conversations, the agents at hand."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.agents import service as agents
from monster.dashboard.home import service
from monster.dashboard.home.schemas import Elsewhere, Step
from monster.dashboard.identity.scope import CurrentEngine, CurrentScope, Scope, Transaction
from monster.dashboard.invitations import service as invitations
from monster.dashboard.permissions import Can
from monster.dashboard.web import pages
from monster.dashboard.web.pages import Crumb

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)


async def _elsewhere(scope: CurrentScope, engine: CurrentEngine) -> Elsewhere | None:
    return await service.look_elsewhere(engine, scope.caller)


Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]

# Before the transaction, and so asked first: no database connection waits for the engine.
Asked = Annotated[Elsewhere | None, Depends(_elsewhere)]


@router.get("/")
async def home(
    request: Request, scope: CurrentScope, elsewhere: Asked, session: Transaction
) -> Response:
    mine = await agents.find(session, scope, limit=6)
    talked_to = [talk.agent_id for talk in elsewhere.conversations] if elsewhere else []
    names = await agents.names(session, scope, talked_to)
    steps = await _steps(session, scope, elsewhere, has_agent=bool(mine)) if elsewhere else ()
    return pages.page(
        request,
        scope.shell,
        "home",
        section="home",
        crumbs=[Crumb("Home")],
        answers=elsewhere is not None,
        steps=steps,
        talks=service.talks(elsewhere, names) if elsewhere else (),
        agents=mine,
        troubled=elsewhere.troubled if elsewhere else (),
        may_build=scope.may(Can.BUILD),
    )


async def _steps(
    session: AsyncSession, scope: Scope, elsewhere: Elsewhere, *, has_agent: bool
) -> Sequence[Step]:
    invites = scope.may(Can.MEMBERS)
    has_company = await invitations.reached_anybody(session, scope) if invites else None
    return service.first_steps(elsewhere, has_agent=has_agent, has_company=has_company)


@router.get("/palette")
async def palette(
    request: Request, scope: CurrentScope, session: Transaction, q: Words = ""
) -> Response:
    """What the command palette finds beyond the entries that every page has."""
    found = await agents.find(session, scope, q, limit=8) if q.strip() else ()
    may_build = scope.may(Can.BUILD)
    return pages.fragment(request, scope.shell, "found", agents=found, may_build=may_build)
