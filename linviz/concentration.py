"""Measures of concentration: functions of rows a (..., S) of a map, one number per row, never a mean over rows.

Each row is first divided by its sum, because the rows of a kernel sum to slightly less than one (by its eps).
Rows with a negative weight and dead rows (all weights zero) are refused: a row of zeros is not concentrated,
it is empty. The measures of position take a Grid; distances are in pixels of the original picture.
"""
from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .grid import Grid, frame_centres
from .measure import measure
from .row_block import RowBlock, normalise_rows, row_block
from .shapes import PerRow, Rows

OF_BLOCKS = {"entropy", "entropy_share", "effective_tokens", "participation", "top_share", "support", "gini", "mass",
             "lift", "distance", "frame_distance"}  # measures that take a RowBlock as well


@measure("row", "entropy", "H", "bits", "0 to log2 S", "Shannon 1948")
def entropy(rows: Rows | RowBlock) -> PerRow:
    """Shannon entropy in bits: 0 if one key has all the weight, log2 S if all keys have the same.

    >>> entropy(torch.tensor([0.5, 0.25, 0.25]))
    tensor(1.5000)
    """
    return row_block(rows).bits


@measure("row", "entropy, share of the maximum", "H / log2 S", "", "0 to 1", "Shannon 1948")
def entropy_share(rows: Rows | RowBlock) -> PerRow:
    """Entropy divided by log2 S: between 0 (one key has all the weight) and 1 (all equal); 0 if S = 1.

    >>> entropy_share(torch.full((4,), 0.25))
    tensor(1.)
    """
    return entropy(rows) / math.log2(max(rows.shape[-1], 2))


@measure("row", "effective tokens", "2^H", "tokens", "1 to S", "Hill 1973, order 1")
def effective_tokens(rows: Rows | RowBlock) -> PerRow:
    """2 to the power of the entropy: the number of tokens over which the row is spread.

    >>> effective_tokens(torch.full((4,), 0.25))
    tensor(4.)
    """
    return entropy(rows).exp2()


@measure("row", "inverse participation", "1 / sum a^2", "tokens", "1 to S", "Hill 1973, order 2")
def participation(rows: Rows | RowBlock) -> PerRow:
    """One over the sum of squares: like effective tokens, but large weights count more.

    >>> participation(torch.tensor([0.5, 0.5, 0.0]))
    tensor(2.)
    """
    return 1 / row_block(rows).shares.square().sum(-1)


@measure("row", "share of the top k", "top_k", "of 1", "k / S to 1", "share of the k largest weights")
def top_share(rows: Rows | RowBlock, k: int = 10) -> PerRow:
    """The total weight of the k most attended keys; 1 if k exceeds S.

    >>> top_share(torch.tensor([0.5, 0.3, 0.2]), k=2)
    tensor(0.8000)
    """
    if k < 1:
        raise ValueError(f"top_share needs k of at least 1; got {k}")
    return row_block(rows).top_sum(k)


@measure("row", "smallest support", "k_p", "tokens", "1 to S", "fewest keys that hold a share p")
def support(rows: Rows | RowBlock, share: float = 0.9) -> Int[Tensor, "*lead"]:
    """The smallest number of keys that together hold `share` of the row.

    >>> support(torch.tensor([0.5, 0.3, 0.2]), share=0.8)
    tensor(2)
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share must be above 0 and at most 1; got {share}")
    return row_block(rows).keys_with(share - 1e-6)


def support_mask(row: Tensor, share: float) -> Tensor:
    """The fewest keys that together hold `share` of a row (S,): (S,) bool. Ties: the first; a share of 0: none.

    >>> support_mask(torch.tensor([0.2, 0.5, 0.3]), share=0.8).tolist()
    [False, True, True]
    """
    held = torch.zeros_like(row, dtype=torch.bool)
    if share:
        held[row.argsort(descending=True, stable=True)[:int(support(row, share))]] = True
    return held


@measure("row", "Gini coefficient", "G", "", "0 to 1 - 1/S", "Gini 1912; Hurley and Rickard 2009")
def gini(rows: Rows | RowBlock) -> PerRow:
    """Gini coefficient: 0 if all keys have the same weight, 1 - 1/S if one key has all of it.

    >>> gini(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor(0.7500)
    """
    a, S = row_block(rows).ascending, rows.shape[-1]
    weight = (S - torch.arange(S, dtype=a.dtype, device=a.device) - 0.5) / S
    return 1 - 2 * (a * weight).sum(-1)


@measure("row", "divergence from a target", "KL", "bits", "0 and up", "Kullback and Leibler 1951")
def divergence(rows: Rows, target: Rows) -> PerRow:
    """KL(target || row) in bits: how badly `rows` describes the distribution `target`.

    Infinite if the row has no weight on a key to which the target gives some.

    >>> divergence(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    tensor(1.)
    """
    a, p = normalise_rows(rows), normalise_rows(target)
    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, a)).sum(-1) / math.log(2)


@measure("row", "Jensen-Shannon divergence", "JS", "bits", "0 to 1", "Lin 1991")
def jensen_shannon(rows: Rows, others: Rows) -> PerRow:
    """Jensen-Shannon divergence in bits, the same in both directions: 0 for equal rows, 1 if they share no key.

    >>> jensen_shannon(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.eye(2))
    tensor([0., 1.])
    """
    a, b = normalise_rows(rows), normalise_rows(others)
    middle = (a + b) / 2
    parts = torch.special.xlogy(a, a) + torch.special.xlogy(b, b) - 2 * torch.special.xlogy(middle, middle)
    return (parts.sum(-1) / math.log(4)).clamp(0, 1)  # rounding: both ends are exact bounds


@measure("row", "total variation", "TV", "of 1", "0 to 1", "half the L1 distance of rows of size one")
def total_variation(rows: Rows, others: Rows) -> PerRow:
    """Half the sum of |a - b|, each row divided by the sum of its |weights|: defined for signed rows as well.

    1 if two rows share no key, or are each other's opposite; NaN where a row has no weight at all.

    >>> total_variation(torch.tensor([3.0, -1.0]), torch.tensor([1.0, 0.0]))
    tensor(0.2500)
    """
    a, b = (x / x.abs().sum(-1, keepdim=True) for x in (rows, others))
    return (a - b).abs().sum(-1) / 2


def _fold_frames(rows: Tensor, grid: Grid) -> Tensor:
    """Leave out the prefix keys, which have no position: (..., S) -> (..., T, Y X)."""
    if rows.shape[-1] != len(grid):
        raise ValueError(f"a row over {rows.shape[-1]} keys does not fit {grid}, which has {len(grid)} tokens")
    return rows[..., grid.prefix:].unflatten(-1, (grid.T, -1))


@measure("row", "mean attended distance", "d", "pixels", "0 to the diagonal", "Dosovitskiy et al. 2021, appendix D.7")
def distance(rows: Rows | RowBlock, grid: Grid, queries: Int[Tensor, n], patch: float) -> PerRow:
    """Mean distance in the picture between a query and the keys it attends to, in pixels; time is ignored.

    queries: token numbers of the rows (..., n, S). patch: side of a patch in pixels. NaN for a query without a
    position (CLS, a register), and for a row that gives no weight to any patch.

    >>> distance(torch.tensor([[0.5, 0.5]]), Grid(X=2), torch.tensor([0]), patch=16)
    tensor([8.])
    """
    where = frame_centres(grid.Y, grid.X, patch).to(row_block(rows).shares)
    apart = (where[_patch_numbers(queries, grid) % len(where), None] - where).norm(dim=-1)
    return _mean_separation(rows, grid, queries, apart, frames=-2)


@measure("row", "mean attended time", "|dt|", "frames", "0 to T - 1", "mean of |t_j - t_i|")
def frame_distance(rows: Rows | RowBlock, grid: Grid, queries: Int[Tensor, n]) -> PerRow:
    """Mean distance in time between a query and the keys it attends to, in frames; NaN as for `distance`.

    >>> frame_distance(torch.tensor([[0.5, 0.5]]), Grid(T=2), torch.tensor([0]))
    tensor([0.5000])
    """
    apart = _patch_numbers(queries, grid)[:, None] // (grid.Y * grid.X) - torch.arange(grid.T, device=queries.device)
    return _mean_separation(rows, grid, queries, apart.abs(), frames=-1)


def _patch_numbers(queries: Tensor, grid: Grid) -> Tensor:
    """Numbers of queries among the tokens with a position; 0 for a query without one, whose result is NaN."""
    return (queries - grid.prefix).clamp_min(0)


def _mean_separation(rows: Tensor | RowBlock, grid: Grid, queries: Tensor, apart: Tensor, frames: int) -> Tensor:
    """Mean of `apart` (n, places or frames) under each row, or NaN where the query or every attended key has no place.

    A row is first summed over the axis along which nothing is apart, frames (-2) or places (-1).
    """
    placed = _fold_frames(row_block(rows).shares, grid).sum(frames)  # (..., n, places or frames)
    nowhere = ((sums := placed.sum(-1)) <= 0) | (queries < grid.prefix)
    return ((placed * apart.to(placed)).sum(-1) / sums).masked_fill(nowhere, torch.nan)


def frame_mass(rows: Rows, grid: Grid) -> Float[Tensor, "*lead T"]:
    """The weight of a row on every frame; the weights sum to one.

    >>> frame_mass(torch.tensor([0.1, 0.2, 0.3, 0.4]), Grid(T=2, X=2))
    tensor([0.3000, 0.7000])
    """
    return normalise_rows(_fold_frames(rows, grid).sum(-1))


def mask_numbers(mask: Tensor, keys: int, dtype: torch.dtype) -> Tensor:
    """A mask (S,) in a dtype; ValueError where it is none."""
    if mask.shape != (keys,) or bool(((mask < 0) | (mask > 1)).any()):
        raise ValueError(f"a mask needs one number from 0 to 1 for each of the {keys} keys (the covered share of the "
                         f"patch); got shape {tuple(mask.shape)}")
    return mask.to(dtype)


def mask_area(mask: Tensor, keys: int, dtype: torch.dtype) -> Tensor:
    """A mask's share of the tokens; ValueError where it covers none."""
    if (area := mask_numbers(mask, keys, dtype).mean()) == 0:
        raise ValueError("the mask covers no token, so its area is zero and the lift is not defined")
    return area


@measure("row", "mass on the object", "m", "of 1", "0 to 1", "energy-based pointing game, Wang et al. 2020")
def mass(rows: Rows | RowBlock, mask: Float[Tensor, keys]) -> PerRow:
    """The weight of a row that lies on a mask. mask (S,): the covered share of each patch, 0..1.

    >>> mass(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.5]))
    tensor(0.7500)
    """
    return (row_block(rows).shares * mask_numbers(mask, rows.shape[-1], rows.dtype)).sum(-1)


@measure("row", "lift over area", "m / area", "times", "0 to 1 / area", "mass on the object over its share of tokens")
def lift(rows: Rows | RowBlock, mask: Float[Tensor, keys]) -> PerRow:
    """Mass on a mask divided by the mask's share of the tokens: 1 for uniform attention.

    >>> lift(torch.tensor([0.5, 0.25, 0.25]), torch.tensor([1.0, 0.0, 0.0]))
    tensor(1.5000)
    """
    return mass(rows, mask) / mask_area(mask, rows.shape[-1], rows.dtype)


@measure("row", "pointing hit", "hit", "", "yes or no", "pointing game, Zhang et al. 2016")
def pointing(rows: Rows, mask: Float[Tensor, keys]) -> Bool[Tensor, "*lead"]:
    """Whether the most attended key lies on the mask (at least half covered); of equal keys the first counts.

    >>> pointing(torch.tensor([0.6, 0.4]), torch.tensor([1.0, 0.0]))
    tensor(True)
    """
    return mask_numbers(mask, rows.shape[-1], rows.dtype)[normalise_rows(rows).argmax(-1)] >= 0.5
