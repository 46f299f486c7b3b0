"""Who follows a link: perhaps somebody signed in, perhaps somebody with no account at all."""

from collections.abc import AsyncGenerator
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.identity import service as identity
from monster.dashboard.identity.schemas import Identity
from monster.dashboard.identity.scope import COOKIE
from monster.kit import tenancy
from monster.kit.errors import Unauthenticated


async def _outside(request: Request) -> AsyncGenerator[AsyncSession]:
    async with tenancy.outside(request.app.state.sessions) as session:
        yield session


# Of nobody: what it may see, the link decides.
LinkTransaction: TypeAlias = Annotated[AsyncSession, Depends(_outside, scope="function")]


async def _visitor(request: Request, session: LinkTransaction) -> Identity | None:
    """Whom the browser knows, if anybody. For showing a page; changes take `CurrentPerson`."""
    token = request.cookies.get(COOKIE)
    try:
        return await identity.identify(session, token or "", request.app.state.lifetime)
    except Unauthenticated:
        return None


Visitor: TypeAlias = Annotated[Identity | None, Depends(_visitor)]
