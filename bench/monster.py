"""The engine as it is served, with one more tool, for measurements.

python -m bench.monster DATABASE_URL PUBLIC_KEY MODEL_URL
"""

import sys
from typing import Any

import uvloop
from pydantic import SecretStr

from bench.processes import listen
from monster.engine.app import create_app
from monster.engine.models.openai_wire import connect
from monster.engine.models.protocol import ToolSchema
from monster.engine.runs.tools import CallContext, Effect, Tool, ToolOutput
from monster.engine.settings import Settings

PROVIDER = "wire"


async def _lookup(_: dict[str, Any], __: CallContext) -> ToolOutput:
    return ToolOutput("forty-two")


_SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
TOOLS = {"lookup": Tool(ToolSchema("lookup", "Looks it up.", _SCHEMA), Effect.READ, _lookup)}


async def serve(database_url: str, public_key: str, model_url: str) -> None:
    settings = Settings(database_url=SecretStr(database_url), dashboard_public_key=public_key)
    async with connect(f"{model_url}/v1", "bench") as wire:
        await listen(create_app(settings, {PROVIDER: wire}, TOOLS))


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
