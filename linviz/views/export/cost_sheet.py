"""Measured time and memory as a picture for a paper or a slide: two charts on logarithmic axes, as PNG or SVG."""
from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence

from ...measured_cost import CostPoint, cost_formula
from ...palette import HUES, OTHER_HUE
from .sheet import INK, PAPER, SOFT, Dot, Lines, Sheet, Words, sheet_image, sheet_svg

WIDE, HIGH, LEFT, TOP, GAP = 330, 250, 58, 76, 84  # pixels: a chart, its place, and the space between two
CHARTS: dict[str, Callable[[CostPoint], float]] = {
    "milliseconds of a call": lambda point: 1e3 * point.seconds,
    "kilobytes during a call": lambda point: max(point.peak_bytes, 1) / 1e3}
STEPS = 40  # pieces of the formula's line
AXIS = "#c3c9d0"


def cost_picture(ending: str, titles: Sequence[str], families: Sequence[str],
                 columns: Sequence[Sequence[CostPoint]]) -> bytes:
    """The charts as ".png", twice as fine as a screen, or ".svg". columns: the points of one mechanism each.

    >>> points = [CostPoint("linear", n, 1e-6 * n, n, n) for n in (49, 196)]
    >>> cost_picture(".svg", ["linear"], ["kernel"], [points])[:4]
    b'<svg'
    """
    sheet = draw_costs(titles, families, columns)
    if ending == ".svg":
        return sheet_svg(sheet).encode()
    out = io.BytesIO()
    sheet_image(sheet).save(out, "PNG", dpi=(192, 192))
    return out.getvalue()


def draw_costs(titles: Sequence[str], families: Sequence[str], columns: Sequence[Sequence[CostPoint]]) -> Sheet:
    """The sheet: the names with their colours, and a chart of the time and of the memory."""
    words = "Time and memory of a call, over the number of patches. Hollow points are an estimate."
    page = Sheet(2 * (LEFT + WIDE) + GAP, TOP + HIGH + 52, words, ", ".join(titles))
    hues, left = [HUES.get(family, OTHER_HUE) for family in families], LEFT
    page.items.append(Words(LEFT, 24, words, 14, INK, True))
    for title, hue in zip(titles, hues):
        page.items += [Dot(left + 4, 43, 4, hue), Words(left + 14, 48, title, 13, INK)]
        left += 26 + 8 * len(title)
    for n, (unit, of) in enumerate(CHARTS.items()):
        _draw_chart(page, LEFT + n * (WIDE + GAP + LEFT // 2), unit, of, hues, columns)
    return page


def _draw_chart(page: Sheet, left: float, unit: str, of: Callable[[CostPoint], float], hues: Sequence[str],
                columns: Sequence[Sequence[CostPoint]]) -> None:
    """One chart: its axes, and for every mechanism the points and the line through them."""
    low = 10 ** math.floor(math.log10(min(of(p) for points in columns for p in points)))
    high = 10 ** math.ceil(math.log10(max(of(p) for points in columns for p in points)))
    tokens = [point.tokens for point in columns[0]]

    def place(n: float, y: float) -> tuple[float, float]:
        return (left + WIDE * math.log(n / tokens[0]) / math.log(tokens[-1] / tokens[0]),
                TOP + HIGH * (1 - math.log(max(y, low) / low) / math.log(max(high / low, 10))))
    page.items += _axis_items(place, tokens, low, high, unit)
    for hue, points in zip(hues, columns):
        formula = cost_formula(points)
        at = [tokens[0] * (tokens[-1] / tokens[0]) ** (n / STEPS) for n in range(STEPS + 1)]
        line = [place(n, 1e3 * formula.seconds(n)) for n in at] if unit in list(CHARTS)[:1] else [
            place(p.tokens, of(p)) for p in points]
        page.items.append(Lines(tuple((*a, *b) for a, b in zip(line, line[1:])), 1.4, hue, edged=False))
        for point in points:
            x, y = place(point.tokens, of(point))
            page.items += [Dot(x, y, 4, hue), *([] if point.measured else [Dot(x, y, 2.6, PAPER)])]


def _axis_items(place: Callable[[float, float], tuple[float, float]], tokens: Sequence[int], low: float, high: float,
                unit: str) -> list[Lines | Words]:
    """The grid with the numbers of patches below and powers of ten on the left."""
    left, bottom = place(tokens[0], low)
    items: list[Lines | Words] = [Words(left, TOP - 10, unit, 12), Words(left, bottom + 40, "patches", 12)]
    for n in range(round(math.log10(high / low)) + 1):
        _, y = place(tokens[0], low * 10**n)
        items += [Lines(((left, y, left + WIDE, y),), 0.8, AXIS, edged=False),
                  Words(left - 6, y + 4, f"{low * 10**n:,.10g}", 11, SOFT, end=True)]
    for n in tokens:
        x, _ = place(n, low)
        items += [Lines(((x, bottom, x, bottom + 4),), 0.8, AXIS, edged=False), Words(x + 8, bottom + 18, f"{n:,}", 10,
                                                                                     SOFT, end=True)]
    return items
