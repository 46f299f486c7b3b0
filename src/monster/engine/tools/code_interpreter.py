"""Python that an agent writes, run in the sandbox with files of the conversation."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from monster.engine.sandbox import task
from monster.engine.sandbox.types import MIB
from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.functions import tool
from monster.engine.tools.sandboxed import SECONDS, Kept, Sandboxed

_MOST_CODE = 200_000  # characters
_MOST_GIVEN = 64 * MIB  # of files
_MOST_KEPT = 20  # files
_SHOWN = 20_000  # characters of output that a model is shown


class Result(TypedDict):
    output: str
    error: str
    files: list[Kept]
    not_kept: list[str]


class CodeInterpreter(Sandboxed):
    system_name = "code_interpreter"
    name = "Code interpreter"
    description = "Runs Python that the agent writes, without network, on files of the conversation"
    logo = "code"
    help = "Needs no connection. What it can and cannot do is in the documentation."

    @tool(Effect.READ, seconds=SECONDS)
    async def run_python(self, code: str, files: Sequence[str] = ()) -> Result:
        """Run Python code and see what it prints, the value of its last expression, and errors.

        pandas, numpy, matplotlib, duckdb and openpyxl are installed. There is no network, nothing
        can be installed, no process or thread can be started, and every run begins anew: it keeps
        no variables. Files that it writes to its folder, and figures left open, become files of
        the conversation.

        code: The Python code.
        files: Names of files of the conversation that it reads; they lie in its folder.
        """
        if len(code) > _MOST_CODE:
            raise ToolFailed(f"code may have {_MOST_CODE:,} characters at most")
        given = await self.take(files)
        if sum(map(len, given.values())) > _MOST_GIVEN:
            raise ToolFailed(f"a run can be given {_MOST_GIVEN // MIB} MiB of files at most")
        limits = task.limits_for(given)
        ran = await self.run(code, given, limits)
        error = task.why(ran, limits) if ran.ended_by else ran.stderr
        kept, lost = await self._keep(ran.files)
        return Result(output=_cut(ran.stdout), error=_cut(error), files=kept, not_kept=lost)

    async def _keep(self, files: Mapping[str, bytes]) -> tuple[list[Kept], list[str]]:
        """One that cannot be kept takes neither the others with it nor what the code said."""
        kept: list[Kept] = []
        lost: list[str] = []
        for number, (name, content) in enumerate(files.items()):
            if number >= _MOST_KEPT:
                lost.append(f"{name}: a run may leave {_MOST_KEPT} files")
                continue
            try:
                kept += await self.keep({name: content})
            except ToolFailed as error:
                lost.append(f"{name}: {error}")
        return kept, lost


def _cut(text: str) -> str:
    """Its beginning and its end."""
    if len(text) <= _SHOWN:
        return text
    half = _SHOWN // 2
    return f"{text[:half]}\n[… {len(text) - _SHOWN:,} characters left out …]\n{text[-half:]}"
