"""The largest singular values of a map that is only walked, row block by row block, and how far each may be off.

Block Lanczos: each pass over the rows multiplies a thin block X of vectors by A^T A, as rows^T (rows X). The largest
eigenvalues t of A^T A within the span of all blocks so far approach the largest s^2 from below.

    converged       |A^T A y - t y| = r, |y| = 1: some s^2 lies within r of t, so some s within r / sqrt(t) of sqrt(t)
    not converged   s_n^2 is at least t_n, and at most the smallest of three numbers from the first pass:
                    |A|_1 |A|_inf (the largest column sum times the largest row sum), |A|_F^2 / n,
                    and |A|_F^2 minus all other t

The bound of the first kind does not say that the value nearby is the n-th. It would be another one if a direction had
no part in the random start, which rounding alone rules out. A flat spectrum converges slowly: its bounds are of the
second kind, and its values are estimates.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

WIDTH, PASSES = 24, 24   # vectors in a block, and walks at most
ACCURACY = 1e-6          # of converged values, as a part of the largest
ROUNDING = 8             # times eps of the map's dtype: what rounding adds to A^T A y, as a part of s_1^2
WEIGHTS = 1 << 18        # in memory at once

Walk = Callable[[int], Iterable[tuple[Tensor, Tensor]]]  # query numbers and their rows (..., n, S), so many weights


@dataclass(frozen=True)
class LeadingValues:
    """The largest singular values of a map, descending, with a bound on the error of each.

    values, bounds (..., k) float64; energy (...,): the sum of the squares of all singular values; `passes` over the
    map; `converged`: every value is as exact as the dtype of the map allows, otherwise the values are estimates.

    >>> LeadingValues.exact(torch.tensor([2.0, 1.0]), 1, error=1e-7).method
    'exact, error at most 2e-07'
    """

    values: Tensor
    bounds: Tensor
    energy: Tensor
    passes: int
    converged: bool

    @classmethod
    def exact(cls, s: Tensor, top: int, error: float) -> LeadingValues:
        """The first `top` of all singular values s (..., R), which are exact to `error` times the largest."""
        values = s.detach()[..., :top]
        return cls(values, (error * s[..., :1]).expand_as(values), s.square().sum(-1), 0, True)

    @property
    def method(self) -> str:
        """How the values were found and how exact they are, in words."""
        error = f"error at most {self.bounds.max():.1g}"
        if not self.passes:
            return f"exact, {error}"
        kind = "block Lanczos" if self.converged else "estimate by block Lanczos"
        return f"{kind}, {self.passes} passes, {error}"

    @property
    def stable_rank(self) -> Tensor:
        """Squared Frobenius norm over squared spectral norm (...,): it needs no further singular value."""
        return self.energy / self.values[..., 0].square().clamp_min(torch.finfo(torch.float64).tiny)


@torch.no_grad()
def leading_values(walk: Walk, top: int, seed: int = 0) -> LeadingValues:
    """The first `top` singular values of the map that `walk` walks through; it ends as soon as all have converged."""
    first, new = _FirstPass(), _random_start(walk, max(WIDTH, top), seed)
    basis = images = new[..., :0]
    near = torch.full((), torch.inf)
    for passes in range(1, max(1, min(PASSES, new.shape[-2] // new.shape[-1])) + 1):
        image = _squared_map_times(walk, new, first.add if passes == 1 else None)
        basis, images = torch.cat([basis, new], -1), torch.cat([images, image], -1)
        before, (squares, near) = near, _ritz_values(basis, images, top)
        values = squares[..., :top].sqrt()
        exact = near <= ACCURACY * values[..., :1]
        good = exact | (near <= first.rounding(values)) & (near > before / 2)  # nothing is left but rounding
        if bool(good.all()):
            break
        new = image
        for _ in range(2):  # what rounding leaves of the basis the first time goes the second time
            new = torch.linalg.qr(new - basis @ (basis.mT @ new)).Q
    error = ROUNDING * first.rounding(values)
    bounds = torch.where(good, near, first.largest_values(squares, top) - values) + error
    return LeadingValues(values, bounds, first.energy, passes, bool(good.all()))


class _FirstPass:
    """What one walk over the rows says of all singular values."""

    energy = columns = rows = torch.zeros((), dtype=torch.float64)
    eps = 0.0

    def add(self, rows: Tensor) -> None:
        """Take a block of rows (..., n, S) in."""
        size = rows.abs()
        self.energy = self.energy.to(rows.device) + rows.square().sum(-1).double().sum(-1)
        self.columns = self.columns.to(rows.device) + size.sum(-2).double()
        self.rows = torch.maximum(self.rows.to(rows.device), size.sum(-1).double().amax(-1))
        self.eps = torch.finfo(rows.dtype).eps

    def largest_values(self, squares: Tensor, top: int) -> Tensor:
        """What the first `top` singular values can be at most, if the largest squares (..., m) are no less."""
        energy = self.energy.unsqueeze(-1)
        others = energy - squares.sum(-1, keepdim=True) + squares[..., :top]
        each = energy / torch.arange(1, top + 1, device=squares.device)
        norm = (self.columns.amax(-1) * self.rows).unsqueeze(-1)
        return torch.minimum(torch.minimum(others, each), norm).clamp_min(squares[..., :top]).sqrt()

    def rounding(self, values: Tensor) -> Tensor:
        """What rounding in the dtype of the map makes of the values (..., top)."""
        error = self.eps * values[..., :1]
        return torch.minimum(error * values[..., :1] / values.clamp_min(torch.finfo(values.dtype).tiny),
                             (error * values[..., :1]).sqrt())


def _random_start(walk: Walk, width: int, seed: int) -> Tensor:
    """Orthonormal vectors (..., S, width) in random directions, float64."""
    _, rows = next(iter(walk(1)))
    draw = torch.Generator().manual_seed(seed)
    start = torch.randn(rows.shape[-1], width, generator=draw, dtype=torch.float64).to(rows.device)
    return torch.linalg.qr(start).Q.expand(*rows.shape[:-2], *start.shape)


def _ritz_values(basis: Tensor, images: Tensor, top: int) -> tuple[Tensor, Tensor]:
    """The largest s^2 within the span of a basis (..., m), and how near to the first `top` some s is (..., top)."""
    inner = basis.mT @ images
    squares, vectors = torch.linalg.eigh((inner + inner.mT) / 2)
    squares, vectors = squares.flip(-1).clamp_min(0), vectors.flip(-1)[..., :top]
    rest = (images @ vectors - basis @ vectors * squares[..., None, :top]).norm(dim=-2)
    values = squares[..., :top].sqrt().clamp_min(torch.finfo(rest.dtype).tiny)
    return squares, torch.minimum(rest / values, rest.sqrt())


def _squared_map_times(walk: Walk, x: Tensor, look: Callable[[Tensor], None] | None = None) -> Tensor:
    """A^T A x, for x (..., S, n) in float64, multiplied in the dtype of the map and added in float64."""
    total, narrow = torch.zeros_like(x), None
    for _, rows in walk(WEIGHTS):
        narrow = x.to(rows.dtype) if narrow is None else narrow
        total += rows.mT @ (rows @ narrow)
        if look is not None:
            look(rows)
    return total
