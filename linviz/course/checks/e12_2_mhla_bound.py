"""Exercise 12.2: the largest rank that a map with one summary per block can have."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.linalg import matrix_rank

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal, ratio

BLOCKS = 5
SIZES = ((9, 1, 6, 2, 2), (3, 7, 2, 11, 1), (2, 5, 12, 1, 3))
RANKS = ((1, 5, 2), (3, 1, 5), (2, 5, 1))  # of C, head by head


def right(sizes: Tensor, D: int, C: Tensor) -> Tensor:
    """Head by head. sizes (M,) tokens of each block, D features, C (H, M, M) -> (H,) counts."""
    from_keys = sum(min(n, D) for n in sizes.tolist())
    return torch.tensor([min(from_keys, D * int(matrix_rank(one))) for one in C])


def _keys(sizes: Tensor, D: int) -> Tensor:
    return sizes.clamp(max=D).sum()


def _all(x: Any, C: Tensor) -> Tensor:
    return torch.as_tensor(x).expand(len(C)).contiguous()


WRONG = {
    "when C is not counted: only the keys are": lambda n, D, C: _all(_keys(n, D), C),
    "when the tokens are not counted: only C is": lambda n, D, C: D * matrix_rank(C),
    "when each block counts with D features and C is not counted": lambda n, D, C: _all(D * len(n), C),
    "when all tokens are counted: the bound of softmax": lambda n, D, C: _all(n.sum(), C),
    "when there is only one summary: the bound of linear attention": lambda n, D, C: _all(D, C),
    "when the larger of the two bounds is taken": lambda n, D, C: torch.maximum(_keys(n, D), D * matrix_rank(C)),
    "when the two bounds are added": lambda n, D, C: _keys(n, D) + D * matrix_rank(C),
    "when the rank of C is taken without the factor D": lambda n, D, C: torch.minimum(_keys(n, D), matrix_rank(C)),
    "when the smallest block decides for all":
        lambda n, D, C: torch.minimum(len(n) * n.clamp(max=D).min(), D * matrix_rank(C)),
    "when the rank of C is multiplied by the tokens of the bound, not by D":
        lambda n, D, C: _keys(n, D) * matrix_rank(C),
}


def mixings(seed: int) -> tuple[Any, ...]:
    """Tokens of five blocks, four features, and a mixing with three heads of other ranks."""
    heads = [normal(seed + 10 * r, BLOCKS, r).abs() @ ratio(seed + 20 * r, r, BLOCKS) for r in RANKS[seed % 3]]
    return torch.tensor(SIZES[seed % 3]), 4, torch.stack(heads)


def every_head(a: Attempt) -> Finding | None:
    sizes, D, C = a.given
    off = first_difference(a.got, a.expected, form=".0f")
    ranks = ", ".join(map(str, matrix_rank(C).tolist()))
    return None if off is None else Finding(
        f"blocks of {', '.join(map(str, sizes.tolist()))} tokens, D = {D}, C of ranks {ranks}: for head {off.place} "
        f"expected {off.wanted}, got {off.got}",
        "A block adds at most as many directions as it has tokens, and at most D. C allows D times its rank.")


mhla_bound = Exercise(
    "mhla_bound", "12.2", right, mixings, (*FIRST, every_head, *LAST), WRONG,
    "More blocks give more rank, up to the number of tokens.")
