"""A real MCP server on loopback, reached as others reach one."""

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import create_connection

import httpx

from tests.serving import free_ports

SCRIPT = Path(__file__).parent / "server.py"


@contextmanager
def served(*more: str) -> Generator[str]:
    port, _ = free_ports()
    command = [sys.executable, str(SCRIPT), str(port), *more]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        while True:
            try:
                with closing(create_connection(("127.0.0.1", port))):
                    break
            except ConnectionRefusedError:
                time.sleep(0.05)
                assert process.poll() is None
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


async def change(url: str) -> None:
    """It describes a tool differently from now on, as another client of it asks for."""
    headers = {"Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        said = await http.post(
            url, json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
        )
        session = {"mcp-session-id": said.headers["mcp-session-id"]}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await http.post(url, json=ready, headers=session)
        call = {"name": "change"}
        answer = await http.post(
            url,
            json={"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
            headers=session,
        )
        assert "done" in answer.text
