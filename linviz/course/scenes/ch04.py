"""Figures of chapter 4: the two brackets to scale, constant maps, and gradient ascent to a ceiling."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...figures.brackets import Box, Note, bracket_boxes
from ...maps import Factored

SIDES = (3, 4, 7, 10, 14, 20, 28, 40, 56)  # patches along one side of a picture
WIDTH = 16  # channels of q, k and v: the descriptors of a photograph
CHANNELS = ("lightness", "green-red", "blue-yellow", "lightness spread", "green-red spread", "blue-yellow spread",
            *(f"edges {22.5 * n:.1f}°" for n in range(8)), "row", "column")  # of the descriptors of a photograph
REACH, ROOM = (3.1, 2.72), 2.05  # extent of the drawing; width of three boxes side by side
GAP, LOWER = 0.1, 1.54  # space between boxes; top of the second row of boxes


def count_multiplications(tokens: int, width: int = WIDTH) -> tuple[int, int]:
    """Multiplications of (Q K^T) V and of Q (K^T V), where q, k and v are `width` wide.

    >>> count_multiplications(784), count_multiplications(16)
    ((19668992, 401408), (8192, 8192))
    """
    return 2 * tokens * tokens * width, 2 * tokens * width * width


def brackets_figure(side: float, width: int = WIDTH) -> Any:
    """Both orders of the product for a picture of side x side patches, to scale, for chapter 4's slider."""
    N = int(side) ** 2
    pairs, keys = count_multiplications(N, width)
    unit = ROOM / (N + width + max(N, width))
    n, d = N * unit, width * unit
    left = 2 * GAP + d + n + GAP
    boxes = [Box("Q", f"{N} x {width}", GAP, 0.14, d, n, "softmax"),
             Box("Kᵀ", f"{width} x {N}", 2 * GAP + d, 0.14, n, d, "softmax"),
             Box("the table", f"{N} x {N}", left, 0.14, n, n, "softmax", made=True),
             Box("Kᵀ", f"{width} x {N}", GAP, LOWER, n, d, "kernel"),
             Box("V", f"{N} x {width}", 2 * GAP + n, LOWER, d, n, "kernel"),
             Box("the bracket", f"{width} x {width}", left, LOWER, d, d, "kernel", made=True)]
    notes = [_order_note("(Q Kᵀ) V, pairs first", N * N, "the table", pairs, left, n, 0.0),
             _order_note("Q (Kᵀ V), keys first", width * width, "the bracket", keys, left, d, LOWER - 0.14)]
    said = (f"{side:.0f} x {side:.0f} patches, {width} channels, to scale. Pairs first: {N} x {width} by {width} x {N} "
            f"makes a table of {N * N:,} numbers, {pairs:,} multiplications in all. Keys first: {width} x {N} times "
            f"{N} x {width} makes a bracket of {width * width:,} numbers, {keys:,} multiplications.")
    return bracket_boxes(boxes, [x for pair in notes for x in pair], said=said, reach=REACH,
                         axes=("columns (to scale)", "rows (to scale)"),
                         title=f"{side:.0f} × {side:.0f} patches, {width} channels: every matrix to scale")


def _order_note(order: str, numbers: int, what: str, work: int, left: float, wide: float,
                top: float) -> tuple[Note, Note]:
    beside = f"{what}:<br>{numbers:,} numbers<br><br>in all<br>{work:,}<br>multiplications"
    return Note(f"<b>{order}</b>", GAP, top, 14), Note(beside, left + wide + 0.06, top + 0.14)


def constant_map(row: Tensor, queries: int) -> Factored:
    """The map whose rows all equal `row` (S,), so that the view shows a template for every query.

    >>> constant_map(torch.tensor([0.25, 0.75]), 3).dense()[0, 0, 2].tolist()
    [0.25, 0.75]
    """
    return Factored(torch.ones(queries, 1).to(row)[None, None], row[None, None, :, None])


def features_needed(width: int, degree: int) -> int:
    """Products of at most `degree` of `width` channels, each counted once: (width + degree) over degree.

    >>> features_needed(16, 2), features_needed(16, 4)
    (153, 4845)
    """
    return math.comb(width + degree, degree)


def climb_features(tokens: int, features: int, steps: int = 200, seed: int = 0) -> list[float]:
    """Free positive features, changed by gradient ascent so that tokens keep as much weight as possible.

    Returns the mean weight of a token on itself, before every step and after the last step.

    >>> kept = climb_features(tokens=12, features=3, steps=100)
    >>> kept[0] < kept[-1] < 3 / 12, round(kept[-1], 2)
    (True, 0.25)
    """
    g = torch.Generator().manual_seed(seed)
    q, k = (torch.randn(tokens, features, generator=g).requires_grad_() for _ in "qk")
    adam, kept = torch.optim.Adam([q, k], lr=0.1), []
    for _ in range(steps + 1):
        own = ((q.exp() * k.exp()).sum(-1) / (q.exp() @ k.exp().sum(0))).mean()
        kept.append(own.item())
        adam.zero_grad()
        (-own).backward()
        adam.step()
    return kept
