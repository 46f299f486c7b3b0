"""The protocol's own judge of clients. Two more of its scenarios want a program that does what it
says (`http-custom-headers`, `json-schema-2020-12-preservation`); ours calls what it finds."""

import asyncio
import os
import shlex
import sys
from pathlib import Path

import pytest

import hatch_build

ROOT = Path(__file__).parents[3]
JUDGE = ROOT / "node_modules/@modelcontextprotocol/conformance/dist/index.js"


@pytest.mark.parametrize(
    "scenario",
    [
        "initialize",
        "tools_call",
        "sse-retry",
        "request-metadata",
        "http-standard-headers",
        "http-invalid-tool-headers",
        "json-schema-ref-no-deref",
    ],
)
async def test_our_client_keeps_to_the_protocol(scenario: str, tmp_path: Path) -> None:
    node, _ = hatch_build.wheel_node()
    ours = shlex.join([sys.executable, "-m", "tests.mcp.judged"])
    judge = await asyncio.create_subprocess_exec(
        *(node, str(JUDGE), "client", "--command", ours, "--scenario", scenario),
        *("--output-dir", str(tmp_path)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # noqa: TID251
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await judge.communicate()
    assert judge.returncode == 0, said.decode()
