"""How the platform is, for platform admins."""

from typing import Literal, TypeAlias

from monster.contracts.system import DatabaseOut, EngineSystem
from monster.kit.schemas import Output

Service: TypeAlias = Literal["dashboard", "engine"]


class SystemOut(Output):
    """`engine` is null if it does not answer."""

    version: str
    database: DatabaseOut
    engine: EngineSystem | None


class RetriedJob(Output):
    name: str
