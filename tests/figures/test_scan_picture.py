"""The drawing of a scan goes through the patches in the order in which the mechanism takes them."""
from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from linviz import make
from linviz.figures.scan_picture import GRID, SCAN_WORDS, scan_alt, scan_picture


def way(svg: str) -> list[list[int]]:
    """The patches through which each line goes."""
    root = ElementTree.fromstring(svg)
    boxes = [[float(rect.get(name)) for name in ("x", "y", "width")] for rect in root.iter("rect")]
    found = []
    for line in root.iter("polyline"):
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        found.append([next(i for i, (left, top, side) in enumerate(boxes)
                           if left < x < left + side and top < y < top + side) for x, y in points])
    return found


@pytest.mark.parametrize("scan", ["raster", "columns", "both"])
def test_the_line_is_the_order(scan):
    order = make("delta", 1, 2, GRID, scan=scan).memory.order().tolist()
    assert way(scan_picture("delta", scan)) == [order] + [order[::-1]] * (scan == "both")


def test_what_takes_many_at_once_has_no_line_through_patches():
    assert scan_picture("delta", "frames").count("<polyline") == 1
    assert scan_picture("mamba2", "unordered").count("<polyline") == 0


@pytest.mark.parametrize("scan", SCAN_WORDS)
def test_it_is_described(scan):
    svg = scan_picture("mamba2", scan)
    assert re.search(r'role="img" aria-label="([^"]+)"', svg)[1] == scan_alt(scan)
    assert ElementTree.fromstring(svg).find("title").text == scan_alt(scan)
    with pytest.raises(ValueError, match="softmax has no option scan"):
        scan_picture("softmax", scan)
