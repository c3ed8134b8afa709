"""What the laws ask of a bare name, asked of a mechanism with options: `holds(name, **options)`."""
from __future__ import annotations

import torch
from torch import Tensor

from linviz import Grid, make
from linviz.mechanisms import Attention

from ..test_laws import applied, close

GRIDS = (Grid(), Grid(X=5), Grid(T=2, Y=3, X=3), Grid(T=2, Y=3, X=1, prefix=1))


def case(name: str, grid: Grid, heads: int = 2, width: int = 4, value_width: int = 3, seed: int = 0,
         **options) -> tuple[Attention, tuple[Tensor, Tensor, Tensor]]:
    """A mechanism in float64, and random q, k, v for it."""
    m = make(name, heads, width, grid, seed=1, value_width=value_width, **options).double()
    generator = torch.Generator().manual_seed(seed)
    keys = len(options.get("key_grid", grid))
    q, k, v = (torch.randn(2, heads, n, w, generator=generator, dtype=torch.float64)
               for n, w in ((len(grid), width), (keys, width), (keys, value_width)))
    return m, (q, k, v)


@torch.no_grad()
def holds(name: str, grids: tuple[Grid, ...] = GRIDS, dead: bool = False, **options) -> None:
    """Output, rows, spectrum, rank bound, shares and linearity of the map agree with its table, on every grid.

    dead: a row may be empty.
    """
    for grid in grids:
        m, (q, k, v) = case(name, grid, **options)
        a = m.map(q, k, v)
        assert close(m(q, k, v), m.finish(applied(a, m.values(v)), q)), grid
        assert close(a.apply(3 * v.flip(-2) - v), 3 * a.apply(v.flip(-2)) - a.apply(v)), "not linear"
        for table in [a] if a.shared is a else [x for x in (a.shared, a.channel(1)) if x is not None]:
            _one(table, dead)


def _one(a, dead: bool) -> None:
    """One table: its rows, its spectrum, its bound, its shares."""
    dense = a.dense()
    i = torch.tensor([len(dense[0, 0]) - 1, 0])
    assert close(a.rows(i), dense[..., i, :]) and close(a.column_sums(), dense.sum(-2))
    s, full = a.singular_values(), torch.linalg.svdvals(dense)
    assert close(s, full[..., :s.shape[-1]], 1e-9) and bool((full[..., s.shape[-1]:] < 1e-9).all())
    assert int((full > 1e-11 * full[..., :1]).sum(-1).max()) <= a.rank_bound <= min(a.shape)
    if a.stochastic:
        sums = dense.sum(-1)
        assert bool((dense >= 0).all()) and bool((((sums - 1).abs() < 1e-5) | (sums.eq(0) & dead)).all())


def differentiates(name: str, **options) -> None:
    """Gradients of the output with respect to q, k, v and every parameter are those of finite differences."""
    m, tensors = case(name, Grid(Y=2, X=2), heads=1, width=2, value_width=2, **options)
    tensors = [x[:1].requires_grad_() for x in tensors]
    names, values = zip(*m.named_parameters()) if list(m.parameters()) else ((), ())

    def run(q: Tensor, k: Tensor, v: Tensor, *parameters: Tensor) -> Tensor:
        return torch.func.functional_call(m, dict(zip(names, parameters)), (q, k, v))

    assert torch.autograd.gradcheck(run, (*tensors, *values))
