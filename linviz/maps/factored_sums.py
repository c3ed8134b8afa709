"""What thin factors say of all rows at once, without the N x S table: A_ij = l_i . r_j.

    sum_j A_ij     = l_i . sum_j r_j             O(N M)
    sum_j A_ij^2   = l_i^T (R^T R) l_i           O(N M^2)
    sum_j A_ij x_j = l_i . sum_j r_j x_j^T       O(N M m)  for m numbers x_j per key: positions, squares, masks

Entropy, the largest weights and mean distances are not among them: they are not polynomials of the weights.
Where no feature is negative no term cancels, and the dtype of the factors is enough; otherwise float64 is used.
"""
from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .factored import Factored
from .readable import is_readable

ROWS = 2048  # rows of a factor that are multiplied at once


def factored_row_sums(a: Factored) -> Tensor:
    """The sum of every row: (..., N).

    >>> factored_row_sums(Factored(torch.full((4, 1), 0.25), torch.ones(4, 1))).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    total = a.right.sum(-2).unsqueeze(-1)
    return torch.cat([(x @ total).squeeze(-1) for x in _left_blocks(a)], -1)


def factored_square_sums(a: Factored) -> Tensor:
    """The sum of the squared weights of every row: (..., N), at least the square of its sum over S.

    >>> factored_square_sums(Factored(torch.full((4, 1), 0.25), torch.ones(4, 1))).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    return factored_moments(a)[1]


@torch.no_grad()
def factored_moments(a: Factored) -> tuple[Tensor, Tensor]:
    """The sum of every row and of its squared weights, (..., N) each, in one walk over the factors.

    >>> [x.tolist() for x in factored_moments(Factored(torch.full((2, 1), 0.5), torch.ones(2, 1)))]
    [[1.0, 1.0], [0.5, 0.5]]
    """
    sums, squares = _moments(a, double=False)
    return sums.to(a.dtype), squares.to(a.dtype)


def _moments(a: Factored, double: bool) -> tuple[Tensor, Tensor]:
    """The same; in float64 from the beginning, or from the first negative feature."""
    total: Tensor | float = 0.0
    gram: Tensor | float = 0.0
    sums, squares = [], []
    for x in a.right.split(ROWS, -2):
        if not double and bool(x.amin() < 0):
            return _moments(a, double=True)
        x = x.double() if double else x
        total, gram = total + x.sum(-2).unsqueeze(-1), gram + _products_of_columns(x)
    for x in _left_blocks(a):
        if not double and bool(x.amin() < 0):
            return _moments(a, double=True)
        x = x.double() if double else x
        sums.append((x @ total).squeeze(-1))
        squares.append(((x @ gram) * x).sum(-1).clamp_min_(0))
    return torch.cat(sums, -1), torch.cat(squares, -1)


def _left_blocks(a: Factored) -> Iterator[Tensor]:
    """The left factor in blocks of rows that stay in the cache."""
    return (a.left_rows(slice(i, i + ROWS)) for i in range(0, a.shape[0], ROWS))


def _products_of_columns(x: Tensor) -> Tensor:
    """x^T x (..., M, M) of x (..., N, M). numpy computes one half of a symmetric product and copies the other."""
    if x.shape[:-2].numel() > 1 or not is_readable(x):
        return x.mT @ x
    rows = x.detach().flatten(0, -2).numpy()
    return torch.from_numpy(rows.T @ rows).view(*x.shape[:-2], *[x.shape[-1]] * 2)


def frobenius_norm(a: Factored) -> Tensor:
    """The root of the sum of all squared weights, (...,) float64: also that of the squared singular values.

    >>> frobenius_norm(Factored(torch.full((4, 1), 0.25), torch.ones(4, 1))).item()
    1.0
    """
    return factored_square_sums(a).double().sum(-1).sqrt()


def factored_row_means(a: Factored, x: Tensor) -> Tensor:
    """The mean of the numbers x (S, m) of the keys under every row: (..., N, m). Rows are divided by their sums.

    >>> uniform = Factored(torch.full((4, 1), 0.25), torch.ones(4, 1))
    >>> factored_row_means(uniform, torch.tensor([[0.0], [0.0], [0.0], [2.0]]))[0].item()  # mass on a mask, a position
    0.5
    """
    columns = torch.cat([x.to(a.dtype).mT, x.new_ones(1, len(x), dtype=a.dtype)])
    found = a.left @ (columns @ a.right).mT  # R^T x in this order: ten times as fast for a few columns
    return found[..., :-1] / found[..., -1:]


def position_moments(a: Factored, keys: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
    """Mean position of the keys under every row, (..., N, d), and mean squared distance from the query, (..., N).

    keys (S, d) and queries (N, d): positions, in any unit. Positions are centred first, so that nothing large cancels.

    >>> uniform = Factored(torch.full((2, 1), 0.5), torch.ones(2, 1))
    >>> where = torch.tensor([[0.0], [4.0]])
    >>> [x.flatten().tolist() for x in position_moments(uniform, where, where)]
    [[2.0, 2.0], [8.0, 8.0]]
    """
    centre = keys.mean(0)
    keys, queries = keys - centre, queries - centre
    found = factored_row_means(a, torch.cat([keys, keys.square().sum(-1, keepdim=True)], -1))
    mean, square = found[..., :-1], found[..., -1]
    queries = queries.to(mean)
    return mean + centre.to(mean), (square - 2 * (mean * queries).sum(-1) + queries.square().sum(-1)).clamp_min(0)
