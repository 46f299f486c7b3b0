"""Runs code as a notebook does: the value of its last expression and its figures are shown."""

import ast
import linecache
import sys
import traceback
import warnings
from typing import Any

NAME = "<code>"
_FRAMES = -30  # of a traceback, the last ones
MEMORY = 97  # the exit code of code that ran out of memory


def execute(source: str) -> int:
    """In a namespace of its own. Gives the exit code; what went wrong is written to stderr."""
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    warnings.filterwarnings("ignore", message=".*non-interactive")  # plt.show() is well meant
    sys.argv = [NAME]
    try:
        _show(_run(source))
        _save_figures()
    except SystemExit as error:
        return _exit_code(error)
    except MemoryError:
        sys.stderr.write("MemoryError: the memory of a run is limited, and this needs more\n")
        return MEMORY
    except BaseException as error:  # noqa: BLE001 (code of others may raise anything)
        _explain(error)
        return 1
    return 0


def _run(source: str) -> object:
    """The value of the last expression, if the code ends in one."""
    tree = ast.parse(source, NAME)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    exec(compile(tree, NAME, "exec"), namespace)  # noqa: S102 (what the sandbox is for)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), NAME, "eval"), namespace)  # noqa: S307
    return None


def _show(value: object) -> None:
    if value is None:
        return
    if pandas := sys.modules.get("pandas"):
        pandas.set_option("display.width", 160, "display.max_columns", 40)
    sys.stdout.write(f"{value!r}\n")


def _save_figures() -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        name = f"figure-{number}.png"
        pyplot.figure(number).savefig(name, dpi=144, bbox_inches="tight")
        sys.stdout.write(f"[saved {name}]\n")


def _exit_code(error: SystemExit) -> int:
    if isinstance(error.code, str):
        sys.stderr.write(f"{error.code}\n")
        return 1
    return (error.code or 0) & 0xFF


def _explain(error: BaseException) -> None:
    """Without the lines that are ours."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != NAME:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace, limit=_FRAMES)
