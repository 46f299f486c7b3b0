"""The figures of a run as a table for people."""

from rich.console import Console
from rich.table import Table

from bench.measure import Figures, Measured, Report

_LEFT = ("case", "streams", "")
_RIGHT = (
    "first +ms p50",
    "p95",
    "CPU ms",
    "x floor",
    "DB ms",
    "SQL",
    "turns/s",
    "best",
    "turns/CPU s",
)


def _cells(name: str, figures: Figures, ratio: str = "", sql: str = "") -> list[str]:
    return [
        name,
        f"{figures.added_first_p50:.1f}",
        f"{figures.added_first_p95:.1f}",
        f"{figures.cpu:.2f}",
        ratio,
        f"{figures.database_cpu:.2f}" if sql else "",
        sql,
        f"{figures.turns_per_second:.0f}",
        f"{figures.best_turns_per_second:.0f}",
        f"{1000 / figures.cpu:.0f}",
    ]


def _add(table: Table, measured: Measured) -> None:
    case = (measured.case.model, str(measured.case.streams))
    for name, figures in (("direct", measured.direct), ("floor", measured.floor)):
        if figures:
            table.add_row(*case, *_cells(name, figures))
            case = ("", "")
    ratio = f"{measured.cpu_to_floor:.2f}" if measured.cpu_to_floor else ""
    cells = _cells("Monster", measured.monster, ratio, f"{measured.statements:g}")
    table.add_row(*case, *cells, end_section=True, style="bold")


def show(report: Report) -> None:
    table = Table(title=f"A turn, medians of {report.rounds} rounds")
    for column in _LEFT:
        table.add_column(column, no_wrap=True)
    for column in _RIGHT:
        table.add_column(column, justify="right", no_wrap=True)
    for measured in report.cases:
        _add(table, measured)
    console = Console(width=max(Console().width, 120))  # also into a file
    console.print(table)
    memory, floor = report.kib_per_open_stream, report.floor_kib_per_open_stream
    console.print(f"memory of a stream that waits: {memory:.0f} KiB (floor: {floor:.0f})")
    if not report.alone:
        console.print("[yellow]One core for everything: read the ratios only.")
