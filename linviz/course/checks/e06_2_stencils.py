"""Exercise 6.2: position lambdas, where every query makes a stencil of its own."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

Y, X, W, D, E = 3, 4, 3, 5, 2  # rows, columns, side of the stencil, channels, width of v


def right(q: Tensor, e: Tensor, v: Tensor) -> Tensor:
    """Place by place. q (Y, X, D), e (W, W, D), v (Y, X, E) -> (Y, X, E)."""
    rows, columns, side = *q.shape[:2], len(e)
    out = torch.zeros_like(v)
    for y in range(rows):
        for x in range(columns):
            for a in range(side):
                for b in range(side):
                    r, c = y + a - side // 2, x + b - side // 2
                    if 0 <= r < rows and 0 <= c < columns:
                        out[y, x] += (q[y, x] * e[a, b]).sum() * v[r, c]
    return out


def stamped(q: Tensor, e: Tensor, v: Tensor, ends: str = "lost", sign: int = 1, step: int = 1) -> Tensor:
    """The same by shifts, with any border rule (lost, wrap), direction and step.

    >>> q, e, v = stencil_inputs(0)
    >>> torch.allclose(stamped(q, e, v), right(q, e, v))
    True
    """
    half, out = len(e) // 2, torch.zeros_like(v)
    r, c = torch.meshgrid(torch.arange(v.shape[0]), torch.arange(v.shape[1]), indexing="ij")
    for a in range(len(e)):
        for b in range(e.shape[1]):
            dy, dx = sign * step * (a - half), sign * step * (b - half)
            inside = (r + dy >= 0) & (r + dy < v.shape[0]) & (c + dx >= 0) & (c + dx < v.shape[1])
            weight = q @ e[a, b] * (inside if ends == "lost" else 1)
            out = out + weight[..., None] * v.roll((-dy, -dx), (0, 1))
    return out


def _softmax(q: Tensor, e: Tensor, v: Tensor) -> Tensor:
    """Weights of a stencil made positive by a softmax, as if it were attention."""
    half, parts, weights = len(e) // 2, [], []
    for a in range(len(e)):
        for b in range(e.shape[1]):
            inside = stamped(torch.ones_like(q[..., :1]), _only(e[..., :1], a, b), torch.ones_like(v[..., :1]))
            weights.append((q @ e[a, b])[..., None].masked_fill(inside == 0, -torch.inf))
            parts.append(v.roll((half - a, half - b), (0, 1)))
    return (torch.cat(weights, -1).softmax(-1)[..., None] * torch.stack(parts, -2)).sum(-2)


def _repeated(q: Tensor, e: Tensor, v: Tensor) -> Tensor:
    """Beyond the border, the nearest value in place of zero."""
    half, out = len(e) // 2, torch.zeros_like(v)
    wide = pad(v.movedim(-1, 0), [half] * 4, mode="replicate").movedim(0, -1)
    for a in range(len(e)):
        for b in range(len(e)):
            out = out + (q @ e[a, b])[..., None] * wide[a:a + len(v), b:b + v.shape[1]]
    return out


def _only(e: Tensor, a: int, b: int) -> Tensor:
    """One at (a, b), zero elsewhere."""
    out = torch.zeros_like(e)
    out[a, b] = 1
    return out


WRONG = {
    "when the stencil is turned by 180 degrees, as a convolution turns it":
        lambda q, e, v: stamped(q, e, v, sign=-1),
    "when rows and columns of the stencil are exchanged": lambda q, e, v: stamped(q, e.transpose(0, 1), v),
    "when the stencil is mirrored from top to bottom": lambda q, e, v: stamped(q, e.flip(0), v),
    "when the stencil is mirrored from left to right": lambda q, e, v: stamped(q, e.flip(1), v),
    "when the picture wraps around at its border": lambda q, e, v: stamped(q, e, v, ends="wrap"),
    "when a step of the stencil is two patches": lambda q, e, v: stamped(q, e, v, step=2),
    "when all queries have the same stencil, the sum of the channels of e":
        lambda q, e, v: stamped(torch.ones_like(q), e, v),
    "when all queries have the stencil of the mean query":
        lambda q, e, v: stamped(q.mean((0, 1)).expand_as(q), e, v),
    "when the weights of a stencil are divided by sqrt(D)": lambda q, e, v: stamped(q, e, v) / q.shape[2] ** 0.5,
    "when the weights of a stencil are divided by their number":
        lambda q, e, v: stamped(q, e, v) / e[..., 0].numel(),
    "when the weights of a stencil go through a softmax": _softmax,
    "when negative weights are set to zero": lambda q, e, v: sum(
        stamped((q @ e[a, b]).relu()[..., None], _only(e[..., :1], a, b), v) for a in range(W) for b in range(W)),
    "when the values' own stencil is used: the query of the key's place, not of the output's":
        lambda q, e, v: sum(stamped(torch.ones_like(q[..., :1]), _only(e[..., :1], a, b),
                                    (q @ e[a, b])[..., None] * v) for a in range(W) for b in range(W)),
    "when only the middle of the stencil is used": lambda q, e, v: (q @ e[W // 2, W // 2])[..., None] * v,
    "when the middle of the stencil is left out":
        lambda q, e, v: stamped(q, e, v) - (q @ e[W // 2, W // 2])[..., None] * v,
    "when the values are left out": lambda q, e, v: stamped(q, e, torch.ones_like(v)),
    "when the values at the border are repeated beyond it": _repeated,
}


def stencil_inputs(seed: int) -> tuple[Any, ...]:
    """Queries on a grid, a table of steps, values on the grid."""
    return normal(seed, Y, X, D), normal(seed + 10, W, W, D), normal(seed + 20, Y, X, E)


def one_value(a: Attempt) -> Finding | None:
    """A single bright patch: who sees it, and by which entry of e."""
    q, e, _ = a.given
    v = torch.zeros(Y, X, E, dtype=q.dtype)
    v[1, 2] = 1
    got, wanted = a.ask(q, e, v), right(q, e, v)
    for place, name in (((1, 2), "itself"), ((0, 2), "the patch above it"), ((1, 1), "the patch to its left")):
        if off := first_difference(got[place], wanted[place], form=".3f"):
            return Finding(f"one bright value: to {name} it gives {off.wanted}; yours gives {off.got}",
                           "The patch above looks one row down: its weight is q . e[middle + 1, middle].", True)
    return None


def border(a: Attempt) -> Finding | None:
    q, e, v = a.given
    got, wanted = a.ask(q, e, torch.ones_like(v)), right(q, e, torch.ones_like(v))
    return None if is_close(got[0, 0], wanted[0, 0]) else Finding(
        f"in the corner the stencil gives {wanted[0, 0, 0]:.3f} for values of 1; yours gives {got[0, 0, 0]:.3f}",
        "Beyond the border there is nothing: weights that fall there are lost.", True)


stencils = Exercise(
    "stencils", "6.2", right, stencil_inputs, (*FIRST, one_value, border, *LAST), WRONG,
    "Each query makes its own stencil from one shared table.")
