"""Exercise 9.1: which patches share a window."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST

SIZES = {0: (7, 4, 3, 1), 1: (6, 5, 4, 2), 2: (5, 7, 2, 1)}  # seed -> rows, columns, side, shift


def places(seed: int) -> tuple[Any, ...]:
    """Rows and columns of a picture's patches in reading order, the side of a window and the shift."""
    Y, X, W, shift = SIZES[seed % 3]
    row, column = torch.meshgrid(torch.arange(Y, dtype=torch.float64), torch.arange(X, dtype=torch.float64),
                                 indexing="ij")
    return row.flatten(), column.flatten(), W, shift


def right(row: Tensor, column: Tensor, W: int, shift: int) -> Tensor:
    """Pair by pair: row and column (N,) -> (N, N)."""
    out = torch.zeros(len(row), len(row), dtype=row.dtype)
    for i in range(len(row)):
        for j in range(len(row)):
            cuts = [_cut_between(x[i].item(), x[j].item(), W, shift) for x in (row, column)]
            out[i, j] = float(not any(cuts))
    return out


def _cut_between(a: float, b: float, W: int, shift: int) -> bool:
    low, high = sorted((a, b))
    return any(low < edge <= high for edge in range(shift, int(high) + W, W))


def _both(y: Tensor, x: Tensor) -> Tensor:
    return ((y[:, None] == y) & (x[:, None] == x)).double()


def _numbers(row: Tensor, column: Tensor, W: int, shift: int) -> tuple[Tensor, Tensor]:
    return (row - shift) // W, (column - shift) // W


WRONG = {
    "when the shift is forgotten": lambda r, c, W, s: _both(r // W, c // W),
    "when the shift is added, not subtracted": lambda r, c, W, s: _both((r + s) // W, (c + s) // W),
    "when only rows are shifted": lambda r, c, W, s: _both((r - s) // W, c // W),
    "when only columns are shifted": lambda r, c, W, s: _both(r // W, (c - s) // W),
    "when only rows are compared, so that windows are stripes":
        lambda r, c, W, s: _both((r - s) // W, torch.zeros_like(c)),
    "when only columns are compared, so that windows are stripes":
        lambda r, c, W, s: _both(torch.zeros_like(r), (c - s) // W),
    "when one direction is enough: & was needed, and | was used": lambda r, c, W, s: (
        ((r - s) // W == ((r - s) // W)[:, None]) | ((c - s) // W == ((c - s) // W)[:, None])).double(),
    "when patches closer than W are taken: a window around each patch":
        lambda r, c, W, s: (((r[:, None] - r).abs() < W) & ((c[:, None] - c).abs() < W)).double(),
    "when the remainder is taken: the place inside the window": lambda r, c, W, s: _both((r - s) % W, (c - s) % W),
    "when the picture is rolled round, so that the edges meet":
        lambda r, c, W, s: _both((r - s) % (r.max() + 1) // W, (c - s) % (c.max() + 1) // W),
    "when numbers are cut off towards zero, so that the first window is too large":
        lambda r, c, W, s: _both(((r - s) / W).trunc(), ((c - s) / W).trunc()),
    "when two windows with the same sum of numbers count as one": lambda r, c, W, s: _sum_of(*_numbers(r, c, W, s)),
    "when 1 and 0 are exchanged": lambda r, c, W, s: 1 - _both(*_numbers(r, c, W, s)),
    "when the side of a window is one patch too large":
        lambda r, c, W, s: _both((r - s) // (W + 1), (c - s) // (W + 1)),
    "when the division leaves fractions, so that every patch is alone":
        lambda r, c, W, s: _both((r - s) / W, (c - s) / W),
    "when a window has the number y * W + x, which two windows share if a row of windows is longer than W":
        lambda r, c, W, s: _sum_of(W * _numbers(r, c, W, s)[0], _numbers(r, c, W, s)[1]),
    "when a patch is not in a window with itself": lambda r, c, W, s: _both(*_numbers(r, c, W, s)).fill_diagonal_(0),
}


def _sum_of(y: Tensor, x: Tensor) -> Tensor:
    return _both(y + x, torch.zeros_like(x))


def at_a_cut(a: Attempt) -> Finding | None:
    """The patches on the two sides of the first cut, in one row of the picture."""
    row, column, W, s = a.given
    X = int(column.max()) + 1
    for i, j, wanted in ((s - 1, s, 0.0), (s, s + 1, 1.0), (s * X, s * X - X, 0.0)):
        if a.got[i, j] != wanted:
            pair = " and ".join(f"(row {int(row[n])}, column {int(column[n])})" for n in (i, j))
            return Finding(f"W = {W}, shift = {s}: patches {pair} should get {wanted:.0f}; yours get "
                           f"{a.got[i, j].item():.3g}", "The first cut lies after `shift` patches.", True)
    return None


def windows_in_all(a: Attempt) -> Finding | None:
    """The number of windows: the sum over patches of one over the size of their window."""
    wanted, got = ((1 / x.sum(-1)).sum().item() for x in (a.expected, a.got))
    return None if abs(wanted - got) < 1e-6 else Finding(
        f"there should be {wanted:.0f} windows; your table has {got:.9g}",
        "Cut rows and columns: after `shift`, then after every `W` patches.", True)


same_window = Exercise(
    "same_window", "9.1", right, places, (*FIRST, at_a_cut, windows_in_all, *LAST), WRONG,
    "A border is a place where a weight is zero, however near two patches are.")
