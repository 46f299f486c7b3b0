"""Both logs, as whoever asks may read them."""

from typing import Annotated, TypeAlias

from fastapi import Depends

from monster.dashboard.audit.service import Logs
from monster.dashboard.identity.scope import Begin, CurrentEngine, CurrentScope


async def _logs(begin: Begin, engine: CurrentEngine, scope: CurrentScope) -> Logs:
    return Logs(begin, engine, scope)


BothLogs: TypeAlias = Annotated[Logs, Depends(_logs)]
