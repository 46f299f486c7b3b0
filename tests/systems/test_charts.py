"""Charts that agents draw."""

import io
import re
from typing import Any

import pytest
from PIL import Image

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.files import MemoryFiles
from monster.engine.tools.charts import Charts
from tests.conversation_files import on_files

LABELS = ["Jan", "Feb", "Mar"]
TWO = [{"name": "North", "values": [10, 25.5, 7]}, {"name": "South", "values": [3, None, 12]}]
POINTS = [{"name": "All", "x": [1, 2, 3], "values": [2, 4.5, 9]}]
NUMBERS = [{"name": "Ages", "values": [1, 2, 2, 3, 3, 3, None, 9]}]
KINDS: list[dict[str, Any]] = [
    {"kind": "bar", "series": TWO, "labels": LABELS},
    {"kind": "line", "series": TWO, "labels": LABELS},
    {"kind": "area", "series": TWO, "labels": LABELS},
    {"kind": "scatter", "series": POINTS},
    {"kind": "pie", "series": TWO[:1], "labels": LABELS},
    {"kind": "histogram", "series": NUMBERS, "bins": 5},
]


async def draw(**arguments: object) -> tuple[MemoryFiles, Any]:
    files = MemoryFiles()
    async with on_files(Charts, files) as system:
        return files, await system.call("draw_chart", {"title": "Sales in $ and €", **arguments})


@pytest.mark.parametrize("chart", KINDS, ids=lambda chart: chart["kind"])
async def test_every_kind_becomes_a_picture_and_lines(chart: dict[str, Any]) -> None:
    files, said = await draw(**chart, name="sales 2026", x_label="Month", y_label="Sum, €")
    assert [file["name"] for file in said["files"]] == ["sales 2026.png", "sales 2026.svg"]
    picture = Image.open(io.BytesIO(files.files["sales 2026.png"][0]))
    assert picture.size == (1280, 768)
    assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 20
    svg, mime_type = files.files["sales 2026.svg"]
    assert mime_type == "image/svg+xml"
    assert b"<svg" in svg
    assert not re.search(rb"<script|href=\"http|onload", svg)


async def test_many_and_long_labels_and_big_numbers_are_drawn() -> None:
    labels = [f"a label that goes on and on, number {number}" for number in range(200)]
    series = [{"name": f"S{n}", "values": [n * 1e9] * 200} for n in range(12)]
    files, _ = await draw(kind="bar", labels=labels, series=series)
    assert files.files["chart.png"][0].startswith(b"\x89PNG")


async def test_what_looks_like_a_formula_is_drawn_as_it_stands() -> None:
    odd = [r"$\frac{", "$5", "%(x)s <b>&", "{x}"]
    series = [{"name": odd[0], "values": [1, 2, 3, 4]}]
    files, _ = await draw(kind="bar", labels=odd, series=series, x_label=odd[0], y_label="$$")
    assert len(files.files) == 2


@pytest.mark.parametrize(
    ("chart", "reason"),
    [
        ({"kind": "bar", "series": TWO, "labels": ["Jan"]}, "3 values, and there are 1 labels"),
        ({"kind": "bar", "series": TWO}, "there are 0 labels"),
        ({"kind": "pie", "series": TWO, "labels": LABELS}, "a pie has one series"),
        ({"kind": "pie", "series": [{"values": [-1, 2]}], "labels": ["a", "b"]}, "below zero"),
        ({"kind": "scatter", "series": TWO}, "3 values and 0 x"),
        ({"kind": "cake", "series": TWO}, "kind"),
        ({"kind": "bar", "series": []}, "series"),
        ({"kind": "bar", "series": [{"values": ["x"]}]}, "values"),
        ({"kind": "histogram", "series": NUMBERS, "name": "../x"}, "name"),
    ],
)
async def test_what_is_wrong_is_said_to_the_model(chart: dict[str, Any], reason: str) -> None:
    with pytest.raises(ToolFailed, match=reason):
        await draw(**chart)
