"""Opens a system without a database: its class, connected to a server on loopback."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from monster.engine.toolkit.effects import ConnectionRefused
from monster.engine.toolkit.factory import Connection, TokenSource, ToolFactory
from monster.engine.toolkit.files import MemoryFiles
from monster.kit import outbound
from monster.kit.ids import new_id
from tests.upstream import LOOPBACK

System = TypeVar("System", bound=ToolFactory)


@dataclass
class Grant:
    """An OAuth grant: its tokens, one after the other as each is refused."""

    tokens: list[str]
    refused: list[str] = field(default_factory=list[str])

    async def token(self, *, refused: str | None = None) -> str:
        if refused is not None:
            self.refused.append(refused)
        if len(self.refused) >= len(self.tokens):
            raise ConnectionRefused("the grant is dead")
        return self.tokens[len(self.refused)]


async def do(system: ToolFactory, function: str, **arguments: object) -> Any:  # noqa: ANN401
    """As an agent does it: what it sends is checked against the function's schema."""
    return await system.call(function, arguments)


@asynccontextmanager
async def connected(
    system: type[System],
    url: str | None,
    values: Mapping[str, str] | None = None,
    *,
    files: MemoryFiles | None = None,
    token: TokenSource | None = None,
    config: Mapping[str, Any] | None = None,
) -> AsyncGenerator[System]:
    strategy = "strategy_oauth" if token else "strategy_token"
    async with outbound.session(LOOPBACK) as session:
        yield system(
            Connection(
                strategy,
                values or {},
                session,
                LOOPBACK,
                files or MemoryFiles(),
                new_id(),
                base_url=url,
                token=token,
                config=config or {},
            )
        )
