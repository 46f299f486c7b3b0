"""Runs in the sandbox: draws a chart, as a picture (PNG) and as lines (SVG)."""

# The types of matplotlib itself are not complete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import textwrap
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

# Told apart by those who see colours differently, too (Okabe and Ito, 2008), darkest first.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B6B6B", "#8C6D1F")
_INK, _GRID = "#333333", "#DDDDDD"
_WIDEST = 18  # characters of a label in one line
_LONGEST = 28  # of one that is turned
_MANY = 12  # labels, from here on they are turned


def main(request: dict[str, Any]) -> dict[str, Any]:
    """A `tools.charts.Chart`, and `name` of the files without their end."""
    _style()
    figure, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    _DRAWN[request["kind"]](axes, request)
    axes.set_title("\n".join(textwrap.wrap(request["title"], 64)), loc="left")
    if request["kind"] != "pie":
        _finish(axes, request)
    for suffix in ("png", "svg"):
        figure.savefig(f"{request['name']}.{suffix}", dpi=160)
    plt.close(figure)
    return {}


def _style() -> None:
    mpl.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=_COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": _INK,
            "axes.labelcolor": _INK,
            "axes.titlesize": 14,
            "axes.titleweight": "bold",
            "axes.titlepad": 14,
            "axes.axisbelow": True,
            "font.size": 11,
            "grid.color": _GRID,
            "legend.frameon": False,
            "text.color": _INK,
            "text.parse_math": False,  # a dollar is a dollar
            "xtick.color": _INK,
            "ytick.color": _INK,
        }
    )


def _finish(axes: Axes, request: dict[str, Any]) -> None:
    axes.grid(axis="both" if request["kind"] == "scatter" else "y")
    axes.set_xlabel(request["x_label"])
    axes.set_ylabel(request["y_label"])
    whole = request["kind"] == "histogram"
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=whole))
    if _short(*axes.get_ylim()):
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    if len(request["series"]) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _bars(axes: Axes, request: dict[str, Any]) -> None:
    labels, series = request["labels"], request["series"]
    width = 0.8 / len(series)
    short = _short(*(value for one in series for value in one["values"] if value))
    for number, one in enumerate(series):
        left = [place + (number - (len(series) - 1) / 2) * width for place in range(len(labels))]
        drawn = axes.bar(left, _numbers(one), width * 0.94, label=one["name"])
        if len(labels) * len(series) <= _MANY:
            numbers = EngFormatter(sep="") if short else "{:,.6g}"
            axes.bar_label(drawn, fmt=numbers, padding=2, fontsize=9)
    _label(axes, labels)


def _lines(axes: Axes, request: dict[str, Any]) -> None:
    for one in request["series"]:
        marker = "o" if len(one["values"]) <= 40 else None
        axes.plot(_numbers(one), label=one["name"], marker=marker, markersize=4, linewidth=2)
    _label(axes, request["labels"])


def _areas(axes: Axes, request: dict[str, Any]) -> None:
    series = request["series"]
    filled = [[value or 0 for value in one["values"]] for one in series]
    names = [one["name"] for one in series]
    axes.stackplot(range(len(request["labels"])), *filled, labels=names, alpha=0.85)
    axes.margins(x=0)
    _label(axes, request["labels"])


def _points(axes: Axes, request: dict[str, Any]) -> None:
    for one in request["series"]:
        axes.scatter(one["x"], one["values"], label=one["name"], alpha=0.75, linewidths=0, s=44)


def _slices(axes: Axes, request: dict[str, Any]) -> None:
    values = request["series"][0]["values"]
    colours = [_COLOURS[number % len(_COLOURS)] for number in range(len(values))]
    parts = axes.pie(
        values,
        labels=[_wrapped(label) for label in request["labels"]],
        colors=colours,
        autopct="%1.0f%%",
        pctdistance=0.75,
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "white", "linewidth": 1.5},
    )
    for text in parts[2]:
        text.set_color("white")


def _histogram(axes: Axes, request: dict[str, Any]) -> None:
    series = request["series"]
    values = [[value for value in one["values"] if value is not None] for one in series]
    names = [one["name"] for one in series]
    axes.hist(values, bins=request["bins"], label=names, edgecolor="white", linewidth=0.6)


_DRAWN = {
    "bar": _bars,
    "line": _lines,
    "area": _areas,
    "scatter": _points,
    "pie": _slices,
    "histogram": _histogram,
}


def _numbers(series: dict[str, Any]) -> list[float]:
    """What is not known leaves a gap."""
    return [float("nan") if value is None else value for value in series["values"]]


def _short(*values: float) -> bool:
    """Whether numbers are better written as 1.2M."""
    return max(map(abs, values), default=0) >= 10_000


def _label(axes: Axes, labels: list[str]) -> None:
    """Not all of them where they would run into each other."""
    step = -(-len(labels) // 30)
    places = range(0, len(labels), step)
    turned = len(labels) > _MANY or max(map(len, labels)) > 2 * _WIDEST
    shown = [_cut(labels[place]) if turned else _wrapped(labels[place]) for place in places]
    axes.set_xticks(list(places), shown, rotation=45 if turned else 0)
    if turned:
        for text in axes.get_xticklabels():
            text.set_horizontalalignment("right")
            text.set_rotation_mode("anchor")


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def _wrapped(label: str) -> str:
    return "\n".join(textwrap.wrap(label, _WIDEST)) or label
