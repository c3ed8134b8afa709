"""Figures of chapter 2: memory of tables and brackets, for pictures and clips of every size."""
from __future__ import annotations

from typing import Any

from ...figures.growth import Axis, Trend, trend_lines

SIDES = (7, 14, 28, 42, 56)
LENGTHS = (1, 2, 4, 8, 16, 32, 64)
BYTES = 4  # of one number in float32
POWERS = {"1 kB": 1e3, "1 MB": 1e6, "1 GB": 1e9, "1 TB": 1e12}


def table_bytes(tokens: int) -> int:
    """Bytes of the table of all pairs, one head, float32.

    >>> table_bytes(784)
    2458624
    """
    return BYTES * tokens * tokens


def bracket_bytes(width: int) -> int:
    """Bytes of the bracket of linear attention: width x width, and a vector for row sums, float32.

    >>> bracket_bytes(64)
    16640
    """
    return BYTES * (width * width + width)


def clip_bytes_figure(side: float, *, width: int = 64) -> Any:
    """Bytes of one head's table over the frames of a clip whose frames have side x side patches; and of the bracket."""
    tokens = int(side) ** 2
    lines = [Trend("the table, all frames together", "softmax", "softmax", LENGTHS,
                   [table_bytes(t * tokens) for t in LENGTHS]),
             Trend("tables of single frames", "softmax@space", "softmax", LENGTHS,
                   [t * table_bytes(tokens) for t in LENGTHS], dash="dash"),
             Trend("the bracket", "relu_floor", "kernel", LENGTHS, [bracket_bytes(width)] * len(LENGTHS))]
    figure = trend_lines(lines, Axis("frames", True, {str(t): t for t in LENGTHS}),
                         Axis("bytes of one head", True, POWERS),
                         title=_table_size_title(int(side), table_bytes(64 * tokens)))
    figure.update_yaxes(range=[3, 12.3])  # the same axis for every side, so that only the lines move
    return figure


def _table_size_title(side: int, most: int) -> str:
    return f"{side} × {side} patches, 64 frames: {most / 1e9:,.2f} GB for one table"
