"""What second factors need of the application, and transactions of a person, begun when needed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.factors.service import Begin
from monster.dashboard.identity.scope import CurrentPerson
from monster.dashboard.passkeys.errors import PasskeysUnavailable
from monster.dashboard.passkeys.schemas import RelyingParty
from monster.kit import tenancy
from monster.kit.crypto import Key
from monster.kit.db import SessionMaker


async def _account_key(request: Request) -> Key:
    return request.app.state.account_key


AccountKey: TypeAlias = Annotated[Key, Depends(_account_key)]


async def _party(request: Request) -> RelyingParty | None:
    return RelyingParty.at(request.app.state.settings.public_url, str(request.url))


PartyIfAny: TypeAlias = Annotated[RelyingParty | None, Depends(_party)]


async def _needed_party(party: PartyIfAny) -> RelyingParty:
    if party is None:
        raise PasskeysUnavailable("passkeys need a domain name: this installation has an address")
    return party


CurrentParty: TypeAlias = Annotated[RelyingParty, Depends(_needed_party)]


async def _begin(request: Request, person: CurrentPerson) -> Begin:
    return partial(_transaction, request.app.state.sessions, person)


@asynccontextmanager
async def _transaction(
    sessions: SessionMaker, person: CurrentPerson
) -> AsyncGenerator[AsyncSession]:
    async with tenancy.outside(sessions) as session:
        await tenancy.enter_person(session, person.user_id)
        yield session


# No connection is held while a password is compared.
PersonBegin: TypeAlias = Annotated[Begin, Depends(_begin)]
