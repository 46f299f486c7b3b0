"""What the screens about connections ask of the engine, and which agents depend on them."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from monster.contracts.credentials import CredentialOut
from monster.dashboard.connections import queries
from monster.dashboard.connections.schemas import Connection, Dependent, Dependents, Filter, Page
from monster.dashboard.engine_client import Caller, EngineRefused, HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can
from monster.dashboard.systems import service as systems
from monster.dashboard.systems.schemas import System
from monster.kit import tenancy
from monster.kit.db import SessionMaker

_PATH = "/v1/credentials"
_AT_ONCE = 200  # that the engine tells
_MOST = 1000  # of a workspace, in a list
_PAGE = 50
_CREDENTIALS = TypeAdapter(list[CredentialOut])


async def credentials(engine: HttpEngine, caller: Caller) -> list[CredentialOut]:
    """All that the caller may use, oldest first."""
    found = list[CredentialOut]()
    while len(found) < _MOST:
        after = {"after": str(found[-1].id)} if found else {}
        params = {"limit": str(_AT_ONCE), **after}
        rows: list[Any] = await engine.call(caller, "GET", _PATH, params=params)
        found += _CREDENTIALS.validate_python(rows)
        if len(rows) < _AT_ONCE:
            break
    return found


async def page(engine: HttpEngine, sessions: SessionMaker, scope: Scope, wanted: Filter) -> Page:
    """By name."""
    found = await credentials(engine, scope.caller)
    known = {one.id: one for one in await systems.every(engine, scope.caller)}
    users = await _users(sessions, scope)
    every = [
        Connection(one, known.get(one.tool_factory_id), users.get(one.id, Dependents()))
        for one in sorted(found, key=lambda one: (one.name.casefold(), one.id))
    ]
    fitting = [one for one in every if wanted.fits(one, scope.user_id)]
    places = {one.credential.id: at for at, one in enumerate(fitting, 1)}
    start = places.get(wanted.after, 0) if wanted.after else 0
    rows = fitting[start : start + _PAGE]
    more = start + _PAGE < len(fitting)
    return Page(rows, rows[-1].credential.id if more else None, every)


async def get(
    engine: HttpEngine, sessions: SessionMaker, scope: Scope, credential_id: uuid.UUID
) -> Connection:
    found = await credential(engine, scope.caller, credential_id)
    users = await _users(sessions, scope)
    system = await _system(engine, scope.caller, found.tool_factory_id)
    return Connection(found, system, users.get(found.id, Dependents()))


async def credential(engine: HttpEngine, caller: Caller, credential_id: uuid.UUID) -> CredentialOut:
    return CredentialOut.model_validate(
        await engine.call(caller, "GET", f"{_PATH}/{credential_id}")
    )


async def create(engine: HttpEngine, scope: Scope, body: Mapping[str, object]) -> CredentialOut:
    scope.require(Can.CONNECT)
    made = await engine.call(scope.caller, "POST", _PATH, json=body)
    return CredentialOut.model_validate(made)


async def change(
    engine: HttpEngine, scope: Scope, credential_id: uuid.UUID, body: Mapping[str, object]
) -> CredentialOut:
    """Of `values`, only those that are named; one that is empty is forgotten."""
    scope.require(Can.CONNECT)
    changed = await engine.call(scope.caller, "PATCH", f"{_PATH}/{credential_id}", json=body)
    return CredentialOut.model_validate(changed)


async def test(engine: HttpEngine, scope: Scope, credential_id: uuid.UUID) -> CredentialOut:
    """Asks the system who we are; `status` and `last_error` say what came of it."""
    scope.require(Can.CONNECT)
    answer = await engine.call(scope.caller, "POST", f"{_PATH}/{credential_id}/test")
    return CredentialOut.model_validate(answer)


async def delete(engine: HttpEngine, scope: Scope, credential_id: uuid.UUID) -> None:
    scope.require(Can.CONNECT)
    await engine.call(scope.caller, "DELETE", f"{_PATH}/{credential_id}")


async def _users(sessions: SessionMaker, scope: Scope) -> Mapping[uuid.UUID, Dependents]:
    async with tenancy.transaction(sessions, scope.tenant_id) as session:
        rows = await queries.naming(session, scope)
    named = {one for row in rows for one in row.credentials}
    return {uuid.UUID(one): _dependents(rows, one) for one in named}


def _dependents(rows: Sequence[queries.Naming], credential_id: str) -> Dependents:
    using = [row for row in rows if credential_id in row.credentials]
    seen = [Dependent(row.id, row.name) for row in using if row.is_visible]
    return Dependents(seen, len(using) - len(seen))


async def _system(engine: HttpEngine, caller: Caller, factory_id: uuid.UUID) -> System | None:
    try:
        return await systems.get(engine, caller, factory_id)
    except EngineRefused as refused:
        if refused.status != 404:
            raise
        return None
