"""The engine as it is served, with one more tool, for measurements.

python -m bench.monster DATABASE_URL PUBLIC_KEY MASTER_KEY DATA_DIR
"""

import sys
from pathlib import Path
from typing import Any

import uvloop
from pydantic import SecretStr

from bench.processes import listen
from monster.engine.app import create_app
from monster.engine.models.protocol import ToolSchema
from monster.engine.runs.tools import CallContext, Tool, ToolOutput
from monster.engine.settings import Settings
from monster.engine.toolkit.effects import Effect
from monster.kit.addresses import parse_networks


async def _lookup(_: dict[str, Any], __: CallContext) -> ToolOutput:
    return ToolOutput("forty-two")


_SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
TOOLS = {"lookup": Tool(ToolSchema("lookup", "Looks it up.", _SCHEMA), Effect.READ, _lookup)}


async def serve(database_url: str, public_key: str, master_key: str, folder: str) -> None:
    settings = Settings(
        database_url=SecretStr(database_url),
        dashboard_public_key=public_key,
        master_key=SecretStr(master_key),
        data_dir=Path(folder),
        outbound_allow=parse_networks(("127.0.0.1/32",)),  # where the model server is
    )
    await listen(create_app(settings, tools=TOOLS))


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
