"""The process of a run: it confines itself, says so, and only then is given code."""

import json
import os
import sys

from monster.engine.sandbox import kernel
from monster.engine.sandbox.confine import confine
from monster.engine.sandbox.types import SandboxUnavailable

READY = b"ready\n"
UNAVAILABLE = 96


def main() -> None:
    try:
        confine(json.loads(sys.argv[1]))
    except (SandboxUnavailable, OSError) as error:
        sys.stderr.write(str(error))
        sys.stderr.flush()
        os._exit(UNAVAILABLE)
    os.write(1, READY)
    sys.path.pop(0)  # where these modules came from
    source = sys.stdin.buffer.read().decode()
    code = kernel.execute(source)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # nothing that the code left behind gets a last word
