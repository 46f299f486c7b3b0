"""What happened, in both services: read, exported and verified as one log."""

import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.audit import AuditOut, CheckedOut
from monster.dashboard.audit import queries
from monster.dashboard.audit.errors import AuditNotFound
from monster.dashboard.audit.schemas import (
    ENGINE_KINDS,
    AuditEntryOut,
    BothChecked,
    Choices,
    ExportWanted,
    Wanted,
)
from monster.dashboard.engine_client import EngineRefused, HttpEngine
from monster.dashboard.identity import service as identity
from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Can
from monster.kit import audit, audit_log
from monster.kit.audit import Action, Entry

Transactions: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncSession]]

_PATH = "/v1/audit"
_ROWS = TypeAdapter(list[AuditOut])
_PAGE = 200  # rows that an export holds in memory
_PATIENCE = 600  # seconds until the engine has verified its log
_MOST_PEOPLE, _MOST_KINDS = 200, 50  # to choose from


@dataclass(frozen=True, slots=True)
class Logs:
    """Both logs, as one person may read them. No transaction is open while the engine is asked."""

    begin: Transactions
    engine: HttpEngine
    scope: Scope

    async def page(self, wanted: Wanted) -> list[AuditEntryOut]:
        """Newest first. Raises EngineUnavailable, unless only the dashboard's are wanted."""
        self.scope.require(Can.AUDIT)
        found = [*await self._own(wanted), *await self._of_engine(wanted)]
        back = audit_log.goes_back(wanted)
        nearest = sorted(found, key=lambda row: row[1].id, reverse=not back)[: wanted.limit]
        return await self._named(nearest[::-1] if back else nearest)

    async def get(self, row_id: uuid.UUID) -> AuditEntryOut:
        self.scope.require(Can.AUDIT)
        async with self.begin() as session:
            own = await queries.get(session, self.scope, row_id)
        if own is not None:
            return (await self._named([("dashboard", AuditOut.model_validate(own))]))[0]
        try:
            found = await self.engine.call(self.scope.caller, "GET", f"{_PATH}/{row_id}")
        except EngineRefused as refused:
            raise AuditNotFound(f"no row {row_id}") from refused
        return (await self._named([("engine", AuditOut.model_validate(found))]))[0]

    async def export(self, wanted: ExportWanted) -> AsyncGenerator[list[AuditEntryOut]]:
        """All that matches now, in pages. It is recorded before it begins to leave, and is not
        part of itself."""
        chosen = Wanted(**wanted.model_dump(exclude={"format"}), limit=_PAGE)
        first = await self.page(chosen)
        said = wanted.model_dump(mode="json", exclude_defaults=True) | {"format": wanted.format}
        async with self.begin() as session:
            entry = Entry(Action.EXPORT, "audit_log", more=said)
            await audit.record(session, self.scope.actor, entry)
        return self._pages(chosen, first)

    async def _pages(
        self, wanted: Wanted, found: list[AuditEntryOut]
    ) -> AsyncGenerator[list[AuditEntryOut]]:
        yield found
        while len(found) == wanted.limit:
            found = await self.page(wanted.model_copy(update={"after": found[-1].id}))
            yield found

    async def verify(self) -> BothChecked:
        self.scope.require(Can.AUDIT)
        async with self.begin() as session:
            checked = await queries.verify(session, self.scope)
        own = CheckedOut.model_validate(checked.report(self.scope.tenant_id))
        caller = self.scope.caller
        answer = await self.engine.call(caller, "GET", f"{_PATH}/verify", timeout=_PATIENCE)
        theirs = CheckedOut.model_validate(answer)
        return BothChecked(intact=own.intact and theirs.intact, dashboard=own, engine=theirs)

    async def choices(self) -> Choices:
        self.scope.require(Can.AUDIT)
        async with self.begin() as session:
            known = await queries.people(session, self.scope, _MOST_PEOPLE)
            names = await identity.names(session, self.scope.tenant_id, known)
            kinds = await queries.kinds(session, self.scope, _MOST_KINDS)
        people = sorted(names.items(), key=lambda one: one[1].casefold())
        return Choices([(str(key), name) for key, name in people], sorted(kinds | ENGINE_KINDS))

    async def _own(self, wanted: Wanted) -> list[tuple[str, AuditOut]]:
        if wanted.service == "engine":
            return []
        async with self.begin() as session:
            rows = await queries.page(session, self.scope, wanted)
        return [("dashboard", AuditOut.model_validate(row)) for row in rows]

    async def _of_engine(self, wanted: Wanted) -> list[tuple[str, AuditOut]]:
        if wanted.service == "dashboard":
            return []
        params = wanted.model_dump(mode="json", exclude={"service"}, exclude_none=True)
        found = await self.engine.call(self.scope.caller, "GET", _PATH, params=params)
        return [("engine", row) for row in _ROWS.validate_python(found)]

    async def _named(self, rows: Sequence[tuple[str, AuditOut]]) -> list[AuditEntryOut]:
        people = {row.user_id for _, row in rows if row.user_id}
        async with self.begin() as session:
            names = await identity.names(session, self.scope.tenant_id, people)
        return [
            AuditEntryOut.model_validate(
                {
                    **row.model_dump(),
                    "service": service,
                    "user_name": names.get(row.user_id) if row.user_id else None,
                }
            )
            for service, row in rows
        ]
