"""Where the labels of points stand in a scatter: beside their points if there is room, else farther off, with a line.

Positions are in pixels, to the right and upwards. A place must suit a narrow and a wide panel at once, because the
width of a page changes and the size of letters does not.
"""
from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from linviz.figures.evidence_charts import HIGH, Point, padded_range

Spot = tuple[float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top
WIDTHS = (360, 540)                      # of a panel
LETTER, LINE, DOT = 5.5, 13.0, 9.0       # of a letter, of a line of text, and from a point's middle to its edge
RINGS, TURNS, ROUNDS = (28, 44, 62, 84, 110, 140), 12, 3
PARTS = (0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # where the line from a point to its label is checked


@dataclass(frozen=True)
class Panel:
    """How wide a panel is, and where in it the points lie."""

    wide: float
    points: Sequence[Spot]

    def dots(self, but: int) -> list[Box]:
        """The boxes of all points but one."""
        return [(x - DOT, y - DOT, x + DOT, y + DOT) for n, (x, y) in enumerate(self.points) if n != but]


def place_labels(points: Sequence[Point], measures: Mapping[str, str]) -> list[Point]:
    """The same points; every label has its best place in every panel."""
    at: list[dict[str, Spot]] = [{} for _ in points]
    for key in measures:
        low, high = padded_range([p.measures[key] for p in points])
        panels = tuple(Panel(wide, tuple(((p.measures[key] - low) / (high - low) * wide, p.accuracy * HIGH)
                                         for p in points)) for wide in WIDTHS)
        names = tuple((n, LETTER * len(p.title)) for n, p in enumerate(points) if key in p.at)
        for n, spot in _settled_once(panels, names).items():
            at[n][key] = spot
    return [replace(point, at=where) for point, where in zip(points, at)]


@functools.cache
def _settled_once(panels: tuple[Panel, ...], names: tuple[tuple[int, float], ...]) -> dict[int, Spot]:
    """The same plot is drawn for the page, in the dark and as a file: its names are placed once."""
    return settle_labels(panels, dict(names))


def settle_labels(panels: Sequence[Panel], names: Mapping[int, float]) -> dict[int, Spot]:
    """From each labelled point to the middle of its label; each label in turn takes the best place left by the others.

    names: the width of each label, by the number of its point.

    >>> settle_labels([Panel(100, [(50.0, 50.0), (60.0, 50.0)])], {0: 20.0})
    {0: (-21.0, 0.0)}
    """
    found: dict[int, Spot] = {}
    for _ in range(ROUNDS):
        for n, wide in names.items():
            others = {m: (to, names[m]) for m, to in found.items() if m != n}
            found[n] = best_spot([Surroundings(panel, n, others) for panel in panels], wide)
    return found


def best_spot(around: Sequence[Surroundings], wide: float) -> Spot:
    """The first place without any collision in any panel, else the place with the lowest penalty."""
    found: dict[Spot, float] = {}
    for to in label_spots(wide):
        found[to] = sum(one.penalty(to, wide) for one in around)
        if not found[to]:
            break
    return min(found, key=lambda to: found[to])


def label_spots(wide: float) -> Iterator[Spot]:
    """Where a label may stand: right, left, above, below, then around the point, ring by ring.

    >>> next(label_spots(20.0))
    (21.0, 0.0)
    """
    aside, over = DOT + 2 + wide / 2, DOT + LINE / 2
    yield from ((aside, 0.0), (-aside, 0.0), (0.0, over), (0.0, -over))
    for ring in RINGS:
        for turn in range(TURNS):
            angle = 2 * math.pi * (turn + 0.5) / TURNS  # never exactly beside or above the point
            right, up = math.cos(angle), math.sin(angle)
            yield round(ring * right + wide / 2 * right, 1), round(ring * up, 1)


def label_box(point: Spot, to: Spot, wide: float) -> Box:
    """The box of a label."""
    x, y = point[0] + to[0], point[1] + to[1]
    return x - wide / 2, y - LINE / 2, x + wide / 2, y + LINE / 2


class Surroundings:
    """What lies around one point of a panel: other points, their labels, and the lines between them."""

    def __init__(self, panel: Panel, n: int, others: Mapping[int, tuple[Spot, float]]) -> None:
        self.point, self.wide, self.dots = panel.points[n], panel.wide, panel.dots(but=n)
        self.names = [label_box(panel.points[m], to, wide) for m, (to, wide) in others.items()]
        self.threads = [spot for m, (to, _) in others.items() for spot in leader_points(panel.points[m], to)]

    def penalty(self, to: Spot, wide: float) -> float:
        """How bad a place is: what it covers, what crosses its line, what leaves the panel, and how far it is."""
        name, line, taken = label_box(self.point, to, wide), leader_points(self.point, to), self.names + self.dots
        crossed = sum(box_contains(spot, b) for spot in line for b in taken)
        crossed += sum(box_contains(spot, name) for spot in self.threads)
        out = max(0, -name[0]) + max(0, name[2] - self.wide) + max(0, -name[1]) + max(0, name[3] - HIGH - LINE)
        far = math.dist((0, 0), to) if line else 0
        return 4 * sum(overlap_area(name, b) for b in taken) + 40 * crossed + LINE * out + far


def leader_points(point: Spot, to: Spot) -> list[Spot]:
    """Points on the line from a point to its label; none if the label stands right beside the point."""
    if 0.0 in to:
        return []
    return [(point[0] + part * to[0], point[1] + part * to[1]) for part in PARTS]


def box_contains(spot: Spot, of: Box) -> bool:
    """Whether a spot lies in a box."""
    return of[0] <= spot[0] <= of[2] and of[1] <= spot[1] <= of[3]


def overlap_area(one: Box, other: Box) -> float:
    """The area that two boxes share.

    >>> overlap_area((0, 0, 1, 1), (0.5, 0, 2, 1))
    0.5
    """
    return max(0, min(one[2], other[2]) - max(one[0], other[0])) * max(0, min(one[3], other[3]) - max(one[1], other[1]))
