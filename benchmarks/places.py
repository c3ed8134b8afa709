"""Where the names of points stand, so that they cover each other as little as can be had in one pass."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from linviz.figures.evidence import Point

Box = tuple[float, float, float, float]  # left, bottom, right, top, in shares of a panel
WIDE, HIGH, AWAY = 0.0145, 0.03, 0.02    # of a letter, of a line, and from a point to its name
SIDES = {"middle right": (0.5, 0.0), "middle left": (-0.5, 0.0), "top center": (0.0, 1.0), "bottom center": (0.0, -1.0)}


def placed(points: Sequence[Point], measures: Mapping[str, str]) -> list[Point]:
    """The same points; those that have a name have it at its best place in every panel."""
    at: list[dict[str, str]] = [{} for _ in points]
    for key in measures:
        spots = spread([p.measures[key] for p in points]), [p.accuracy for p in points]
        taken = [(x - AWAY / 2, y - AWAY / 2, x + AWAY / 2, y + AWAY / 2) for x, y in zip(*spots)]
        for n, point in enumerate(points):
            if key in point.at:
                boxes = {side: box(spots[0][n], spots[1][n], point.title, side) for side in SIDES}
                best = min(boxes, key=lambda side: covered(boxes[side], taken))
                at[n][key] = best
                taken.append(boxes[best])
    return [replace(point, at=where) for point, where in zip(points, at)]


def spread(values: Sequence[float]) -> list[float]:
    """Values from 0.05 to 0.95, as an axis shows them.

    >>> [round(x, 2) for x in spread([1.0, 3.0, 2.0])]
    [0.05, 0.95, 0.5]
    """
    low, high = min(values), max(values)
    return [0.05 + 0.9 * (x - low) / ((high - low) or 1) for x in values]


def box(x: float, y: float, title: str, side: str) -> Box:
    """The box of a name beside a point."""
    wide, (right, up) = WIDE * len(title), SIDES[side]
    x, y = x + right * (wide + 2 * AWAY), y + up * (HIGH + AWAY)
    return x - wide / 2, y - HIGH / 2, x + wide / 2, y + HIGH / 2


def covered(name: Box, taken: Sequence[Box]) -> float:
    """How much of a name lies on others or outside the panel.

    >>> covered((0, 0, 1, 1), [(0.5, 0, 2, 1)])
    0.5
    """
    over = [max(0, min(name[2], b[2]) - max(name[0], b[0])) * max(0, min(name[3], b[3]) - max(name[1], b[1]))
            for b in taken]
    outside = max(0, -name[0]) + max(0, name[2] - 1.05)
    return sum(over) + outside * (name[3] - name[1])
