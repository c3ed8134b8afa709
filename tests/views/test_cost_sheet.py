"""The picture of measured costs: as high as the numbers are, hollow where they are estimates, as PNG and as SVG."""
from __future__ import annotations

import io
import xml.etree.ElementTree as ET

from PIL import Image

from linviz.measured_cost import CostPoint
from linviz.palette import HUES
from linviz.views.export.cost_sheet import cost_picture, draw_costs
from linviz.views.export.sheet import PAPER, Dot

POINTS = [CostPoint("linear", n, 1e-6 * n, n, 1000 * n, n < 100) for n in (49, 64, 196)]
ASKED = ["linear"], ["kernel"], [POINTS]


def test_points_stand_where_the_numbers_are() -> None:
    dots = [item for item in draw_costs(*ASKED).items if isinstance(item, Dot)][1:]  # the first is the legend's
    filled = [dot for dot in dots if dot.fill == HUES["kernel"]]
    hollow = [dot for dot in dots if dot.fill == PAPER]
    time, memory = filled[:3], filled[3:]
    for chart in (time, memory):
        assert [d.x for d in chart] == sorted(d.x for d in chart) and chart[0].y > chart[1].y > chart[2].y
    assert [(d.x, d.y) for d in hollow] == [(time[2].x, time[2].y), (memory[2].x, memory[2].y)]


def test_both_files_open() -> None:
    image = Image.open(io.BytesIO(cost_picture(".png", *ASKED)))
    sheet = draw_costs(*ASKED)
    assert image.size == (round(2 * sheet.wide), round(2 * sheet.high))
    root = ET.fromstring(cost_picture(".svg", *ASKED))
    assert {"linear", "49", "196", "milliseconds of a call"} <= {e.text for e in root.iter(f"{root.tag[:-3]}text")}
