"""Programs of ours that work in the sandbox, because what they read or draw came from others."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from monster.engine.sandbox.sandbox import Sandbox
from monster.engine.sandbox.types import MIB, Limits, Ran, TaskFailed

Program: TypeAlias = Literal["charts", "pdf", "sheets", "tables"]

_MARK = "\x1e"  # what is before it, a library said
_LONGEST = 2000  # characters of what went wrong
_FOLDER = Path(__file__).parent / "programs"


class Done(NamedTuple):
    answer: Any  # what JSON can say
    files: Mapping[str, bytes]


async def perform(
    sandbox: Sandbox, program: Program, request: Mapping[str, Any], files: Mapping[str, bytes]
) -> Done:
    """What `main(request)` of the program answers, and the files that it wrote.

    Raises TaskFailed, SandboxUnavailable and BadName.
    """
    source = (
        f"{_source(program)}\n"
        f"import json\nprint({_MARK!r} + json.dumps(main(json.loads({json.dumps(request)!r}))))\n"
    )
    limits = limits_for(files)
    ran = await sandbox.run(source, files, limits)
    if ran.ended_by or ran.exit:
        raise TaskFailed(why(ran, limits))
    return Done(json.loads(ran.stdout.rpartition(_MARK)[2]), ran.files)


def limits_for(files: Mapping[str, bytes]) -> Limits:
    """With room for what a run is given."""
    given = sum(map(len, files.values()))
    usual = Limits()
    return Limits(
        disk=usual.disk + given, file=max(usual.file, *map(len, files.values()), 0), output=MIB
    )


def why(ran: Ran, limits: Limits) -> str:
    """Why a run did not end as it should, in a sentence."""
    if ran.ended_by is None:
        said = ran.stderr.strip()
        said = said.splitlines()[-1] if said.startswith("Traceback") else said
        return said[:_LONGEST] or f"it ended with the code {ran.exit}"
    return {
        "time": f"it took longer than {limits.seconds:g} seconds",
        "memory": f"it needed more than {limits.memory // MIB} MiB of memory",
        "disk": f"its files held more than {limits.disk // MIB} MiB, or were more than "
        f"{limits.entries}",
        "output": f"it said more than {limits.output // 1024} KiB",
    }[ran.ended_by]


@functools.cache
def _source(program: Program) -> str:
    """It is not imported here: what it imports is heavy, and meant for the sandbox."""
    return (_FOLDER / f"{program}.py").read_text()
