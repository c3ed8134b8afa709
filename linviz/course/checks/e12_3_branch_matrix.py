"""Exercise 12.3: a depthwise convolution of a picture, written as a matrix of patches by patches."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

Y, X = 4, 6
SIDES = (3, 5, 3)


def right(kernel: Tensor, Y: int, X: int) -> Tensor:
    """Step by step. kernel (P, P), a picture of Y x X patches -> (Y X, Y X); row: the patch that is computed."""
    half, out = len(kernel) // 2, torch.zeros(Y * X, Y * X, dtype=kernel.dtype)
    for r in range(Y):
        for c in range(X):
            for a in range(len(kernel)):
                for b in range(len(kernel)):
                    y, x = r + a - half, c + b - half
                    if 0 <= y < Y and 0 <= x < X:
                        out[r * X + c, y * X + x] = kernel[a, b]
    return out


def placed(kernel: Tensor, Y: int, X: int, border: str = "zero", half: int | None = None) -> Tensor:
    """The matrix with any border: zero, raster (the next row follows the end of a row), wrap or clamp.

    >>> kernel = normal(0, 3, 3)
    >>> torch.equal(placed(kernel, 3, 4), right(kernel, 3, 4))
    True
    """
    half = len(kernel) // 2 if half is None else half
    r, c = torch.meshgrid(torch.arange(Y), torch.arange(X), indexing="ij")
    out = torch.zeros(Y * X, Y * X, dtype=kernel.dtype)
    for a in range(len(kernel)):
        for b in range(len(kernel)):
            y, x = (r + a - half).flatten(), (c + b - half).flatten()
            inside = (y >= 0) & (y < Y) & (x >= 0) & (x < X)
            at = y * X + x
            if border == "raster":
                inside = (at >= 0) & (at < Y * X)
            elif border == "wrap":
                at, inside = y % Y * X + x % X, torch.ones_like(inside)
            elif border == "clamp":
                at, inside = y.clamp(0, Y - 1) * X + x.clamp(0, X - 1), torch.ones_like(inside)
            out.index_put_((torch.arange(Y * X)[inside], at[inside]), kernel[a, b].expand(int(inside.sum())),
                           accumulate=True)
    return out


def _rows_to_one(kernel: Tensor, Y: int, X: int) -> Tensor:
    out = placed(kernel, Y, X)
    return out / out.sum(-1, keepdim=True)


def _mirrored(kernel: Tensor, Y: int, X: int) -> Tensor:
    pictures = torch.eye(Y * X, dtype=kernel.dtype).view(Y * X, 1, Y, X)
    return conv2d(pad(pictures, 4 * (len(kernel) // 2,), mode="reflect"), kernel[None, None]).flatten(1).mT


def _by_columns(kernel: Tensor, Y: int, X: int) -> Tensor:
    order = torch.arange(Y * X).view(Y, X).mT.flatten()
    return placed(kernel, Y, X)[order][:, order]


WRONG = {
    "with the fault of a public picture: at the left and right border the kernel goes on in the next row":
        lambda w, Y, X: placed(w, Y, X, "raster"),
    "when the picture wraps around": lambda w, Y, X: placed(w, Y, X, "wrap"),
    "when the border patches are repeated beyond the border": lambda w, Y, X: placed(w, Y, X, "clamp"),
    "when the picture is mirrored at its border": _mirrored,
    "when the patches are numbered column by column": _by_columns,
    "when the matrix is transposed, which turns the kernel upside down": lambda w, Y, X: placed(w, Y, X).mT,
    "when rows and columns of the kernel are exchanged": lambda w, Y, X: placed(w.mT, Y, X),
    "when the kernel is mirrored left and right": lambda w, Y, X: placed(w.flip(1), Y, X),
    "when the kernel is mirrored up and down": lambda w, Y, X: placed(w.flip(0), Y, X),
    "when the kernel begins at the patch instead of being centred on it": lambda w, Y, X: placed(w, Y, X, half=0),
    "when the kernel ends at the patch instead of being centred on it":
        lambda w, Y, X: placed(w, Y, X, half=len(w) - 1),
    "when only the middle of the kernel is used": lambda w, Y, X: w[len(w) // 2, len(w) // 2] * torch.eye(Y * X).to(w),
    "when negative weights lose their sign, as in the public picture": lambda w, Y, X: placed(w.abs(), Y, X),
    "when negative weights are set to zero": lambda w, Y, X: placed(w.relu(), Y, X),
    "when the rows are made to sum to one, which a convolution does not do": _rows_to_one,
    "when the middle of the kernel is left out":
        lambda w, Y, X: placed(w, Y, X) - w[len(w) // 2, len(w) // 2] * torch.eye(Y * X).to(w),
    "when Y and X are exchanged": lambda w, Y, X: placed(w, X, Y),
    "when the mean of the kernel is used everywhere": lambda w, Y, X: placed(w.mean().expand_as(w), Y, X),
}


def kernels(seed: int) -> tuple[Any, ...]:
    """A kernel of 3 x 3 or 5 x 5 numbers, and a picture of 4 x 6 patches."""
    side = SIDES[seed % 3]
    return normal(seed, side, side), Y, X


def inside(a: Attempt) -> Finding | None:
    kernel, Y, X = a.given
    half, at = len(kernel) // 2, 2 * X + 3
    got, wanted = a.got[at].view(Y, X), a.expected[at].view(Y, X)
    off = first_difference(got[1:4, 2:5], wanted[1:4, 2:5], form=".3g")
    return None if off is None else Finding(
        f"the row of the patch at row 2, column 3 should have {off.wanted} beside it at [{off.place}] of its 3 x 3; "
        f"yours is {off.got}", f"kernel[{half}, {half}] belongs to the patch itself, kernel[0, 0] to the patch "
        f"{half} up and {half} left.", True)


def border(a: Attempt) -> Finding | None:
    kernel, Y, X = a.given
    at = 2 * X - 1                                              # the right end of row 1
    off = first_difference(a.got[at, at + 1:at + 3], a.expected[at, at + 1:at + 3], form=".3g")
    return None if off is None else Finding(
        f"the patch at the right end of row 1 should give the first patch of row 2 the weight {off.wanted}; yours "
        f"gives {off.got}", "The next in raster order is not the neighbour on its right: check the column.", True)


branch_matrix = Exercise(
    "branch_matrix", "12.3", right, kernels, (*FIRST, border, inside, *LAST), WRONG,
    "This banded matrix is the second map, and its rank is not bounded by D.")
