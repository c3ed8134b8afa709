"""The order in which a memory takes the patches of a clip, as a small drawing: two frames and the path through them.

An SVG in the colour of the text around it, for a page that shows the option `scan` and for a mechanism's card.
"""
from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..grid import Grid
from ..mechanisms import make

SCAN_WORDS = {
    "raster": "frame by frame, row by row, from left to right",
    "columns": "frame by frame, column by column, from top to bottom",
    "both": "row by row, and with a second memory all the way back",
    "frames": "frame by frame, all patches of a frame at once",
    "unordered": "all patches at once, without an order"}
GRID = Grid(T=2, Y=3, X=4)
CELL, GAP, EDGE = 13, 12, 2  # pixels: a patch, between the frames, around them
APART = 2.2  # pixels: from a path forwards to the one backwards


def scan_alt(scan: str) -> str:
    """What the drawing of a scan shows, for readers who cannot see it.

    >>> scan_alt("frames")
    'The order frames: frame by frame, all patches of a frame at once.'
    """
    return f"The order {scan}: {SCAN_WORDS[scan]}."


def scan_picture(name: str, scan: str) -> str:
    """The drawing of one scan of a memory, as SVG with its description; ValueError where a mechanism has none.

    >>> scan_picture("delta", "raster")[:4], scan_picture("delta", "raster").count("<rect")
    ('<svg', 24)
    """
    memory = make(name, heads=1, width=2, grid=GRID, scan=scan).memory
    assert memory is not None, "only memories have the option scan"
    wide, high = 2 * (GRID.X * CELL + EDGE) + GAP, GRID.Y * CELL + 2 * EDGE
    cells = "".join(_patch(i, whole=scan in ("frames", "unordered")) for i in range(len(GRID)))
    size = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
    return (f'<svg {size} role="img" aria-label="{escape(scan_alt(scan))}" fill="none" stroke="currentColor">'
            f"<title>{escape(scan_alt(scan))}</title>{cells}{_paths(memory.order().tolist(), scan)}</svg>")


def _paths(order: Sequence[int], scan: str) -> str:
    """The way through the patches, with a dot where it begins and an arrow where it ends."""
    if scan == "unordered":
        return ""
    if scan == "frames":  # one step, from the middle of a frame to the middle of the next
        middle = EDGE + GRID.Y * CELL / 2
        ends = [(EDGE + GRID.X * CELL * (n + 0.5) + n * GAP, middle) for n in range(GRID.T)]
        return _arrow(ends)
    points = [_centre(i) for i in order]
    if scan != "both":
        return _arrow(points)
    return (_arrow([(x, y - APART) for x, y in points])
            + _arrow([(x, y + APART) for x, y in reversed(points)], ' stroke-dasharray="2.5 1.5"'))


def _centre(i: int) -> tuple[float, float]:
    """The middle of a patch, in pixels."""
    t, y, x = GRID.place(i)
    return EDGE + t * (GRID.X * CELL + GAP) + (x + 0.5) * CELL, EDGE + (y + 0.5) * CELL


def _patch(i: int, whole: bool) -> str:
    """The square of a patch; filled where a whole frame is taken at once."""
    x, y = (at - CELL / 2 for at in _centre(i))
    fill = ' fill="currentColor" fill-opacity=".16"' if whole else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{CELL}" height="{CELL}" stroke-opacity=".3"{fill}/>'


def _arrow(points: Sequence[tuple[float, float]], more: str = "") -> str:
    """A line through points, from a dot to an arrowhead."""
    (x0, y0), (xa, ya), (xb, yb) = points[0], points[-2], points[-1]
    length = ((xb - xa) ** 2 + (yb - ya) ** 2) ** 0.5
    ux, uy = (xb - xa) / length, (yb - ya) / length
    head = " ".join(f"{xb - 4 * ux + s * 2.6 * uy:.2f},{yb - 4 * uy - s * 2.6 * ux:.2f}" for s in (1, -1))
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    return (f'<polyline points="{line}" stroke-width="1.4" stroke-linejoin="round"{more}/>'
            f'<circle cx="{x0:g}" cy="{y0:g}" r="2" fill="currentColor" stroke="none"/>'
            f'<polygon points="{xb + ux:.2f},{yb + uy:.2f} {head}" fill="currentColor" stroke="none"/>')
