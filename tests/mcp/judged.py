"""Our client before a judge (`@modelcontextprotocol/conformance`): every tool of a server, called.

python -m tests.mcp.judged URL
"""

import asyncio
import sys
from typing import Any

from monster.engine.toolkit.effects import ToolFailed
from tests.mcp.connect import at, connecting

_SAMPLES: dict[str, Any] = {
    "string": "text",
    "number": 5,
    "integer": 5,
    "boolean": True,
    "array": [],
    "object": {},
}


def arguments(schema: dict[str, Any]) -> dict[str, Any]:
    parts = schema.get("properties", {})
    return {name: _SAMPLES.get(part.get("type"), "text") for name, part in parts.items()}


async def main(url: str) -> None:
    async with connecting(allow=("127.0.0.1", "::1")) as client:
        server = await client.approved(client.open(at(url)))
        for one in server.made.pinned:
            try:
                await server.call(one.name, arguments(one.parameters))
            except ToolFailed:  # some are there to fail
                continue


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
