"""Charts, drawn from numbers that an agent has."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.functions import tool
from monster.engine.tools.sandboxed import SECONDS, Sandboxed
from monster.kit.schemas import Input

_WORDS = 200
_MOST = 5000  # values of a series

Kind: TypeAlias = Literal["bar", "line", "area", "scatter", "pie", "histogram"]
Words: TypeAlias = Annotated[str, Field(max_length=_WORDS)]
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Labels: TypeAlias = Annotated[list[Words], Field(max_length=_MOST)]


class Series(Input):
    """`values` may have gaps; `x` is for scatter charts only."""

    name: Words = ""
    values: Annotated[list[Number | None], Field(min_length=1, max_length=_MOST)]
    x: list[Number] = Field(default_factory=list[Number], max_length=_MOST)


class Charts(Sandboxed):
    system_name = "charts"
    name = "Charts"
    description = "Draws bar, line, area, scatter and pie charts and histograms (PNG and SVG)"
    logo = "chart-bar"
    help = "Needs no connection."

    @tool(Effect.READ, seconds=SECONDS, trusted=True)
    async def draw_chart(
        self,
        *,
        kind: Kind,
        title: Words,
        series: Annotated[list[Series], Field(min_length=1, max_length=12)],
        labels: Labels = [],  # noqa: B006 (read by pydantic, never changed)
        x_label: Words = "",
        y_label: Words = "",
        bins: Annotated[int, Field(ge=1, le=200)] = 20,
        name: Annotated[str, Field(pattern=r"^[\w -]{1,80}$")] = "chart",
    ) -> dict[str, Any]:
        """Draw a chart. It becomes two files of the conversation, NAME.png and NAME.svg.

        kind: bar, line, area (stacked), scatter, pie or histogram.
        title: What the chart shows.
        series: What is drawn: each with a name and values, one for each label. A scatter chart's
            series has as many x as values; a pie has one series; a histogram counts values itself.
        labels: Names of the places on the x axis, or of the slices of a pie.
        x_label: What the x axis means.
        y_label: What the y axis means, with its unit.
        bins: How many bars a histogram has.
        name: The name of the files, without an end.
        """
        _check(kind, series, labels)
        request = {
            "kind": kind,
            "title": title,
            "series": [one.model_dump() for one in series],
            "labels": labels,
            "x_label": x_label,
            "y_label": y_label,
            "bins": bins,
            "name": name,
        }
        done = await self.perform("charts", request, {})
        return {"files": await self.keep(done.files)}


def _check(kind: Kind, series: list[Series], labels: list[str]) -> None:
    """Raises ToolFailed."""
    for one in series:
        said = f"the series {one.name!r}"
        if kind == "scatter" and len(one.x) != len(one.values):
            raise ToolFailed(f"{said} has {len(one.values)} values and {len(one.x)} x")
        if kind in ("bar", "line", "area", "pie") and len(one.values) != len(labels):
            raise ToolFailed(
                f"{said} has {len(one.values)} values, and there are {len(labels)} labels"
            )
    if kind == "pie":
        _check_pie(series)


def _check_pie(series: list[Series]) -> None:
    values = [value or 0 for value in series[0].values]
    if len(series) != 1 or min(values) < 0 or sum(values) <= 0:
        raise ToolFailed("a pie has one series of values, none below zero and not all zero")
