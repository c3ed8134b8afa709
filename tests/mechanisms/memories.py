"""What is asked of every memory that fades and is overwritten: its order, its step, what passes a border."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, make

from ..test_laws import close
from .options import case

ORDERS = ("raster", "columns", "both", "frames")
GRID = Grid(T=3, Y=2, X=3)


@torch.no_grad()
def keeps_its_order(name: str, scan: str, **options) -> None:
    """Who sees whom, from the formula of a token's place alone; and a later token never changes an earlier output."""
    m, (q, k, v) = case(name, GRID, scan=scan, **options)
    seen = m.map(q, k, v).dense().abs().amax((0, 1)) > 0
    places = [GRID.place(i) for i in range(len(GRID))]
    time = {"raster": places, "columns": [(t, x, y) for t, y, x in places], "frames": [t for t, _, _ in places]}
    for i in range(len(GRID)):
        for j in range(len(GRID)):
            assert seen[i, j] == (scan == "both" or time[scan][j] <= time[scan][i]), (i, j)
    if scan != "both":
        before, last = m(q, k, v), max(time[scan])
        late = torch.tensor([place == last for place in time[scan]])
        for x in (q, k, v):
            x[..., late, :] += 3.0
        after = m(q, k, v)
        assert close(after[..., ~late, :], before[..., ~late, :])
        assert not torch.allclose(after[..., late, :], before[..., late, :])


@torch.no_grad()
def steps(name: str, **options) -> None:
    """Step by step, with a memory whose size does not grow, the output is that of all tokens at once."""
    m, (q, k, v) = case(name, GRID, **options)
    order, state, out = m.mechanism.order(), None, []
    whole = m(q, k, v)[..., order, :]
    for part in zip(*(x[..., order, :].split(m.mechanism.tokens_per_step, -2) for x in (q, k, v)), strict=True):
        state, o = m.step(state, *part)
        out.append(o)
    assert state.S.shape == (2, 2, 4, 3) and state.seen == len(GRID)
    assert close(torch.cat(out, -2), whole)


def has_no_step(name: str, scan: str) -> None:
    m, (q, k, v) = case(name, GRID, scan=scan)
    with pytest.raises(ValueError, match=f"scan='{scan}' has no step: every token sees later ones"):
        m.step(None, q[..., :1, :], k[..., :1, :], v[..., :1, :])


def refuses_a_prefix(name: str) -> None:
    with pytest.raises(ValueError, match="scan='frames' has no frame for the prefix tokens"):
        make(name, 1, 4, Grid(T=2, Y=2, X=2, prefix=1), scan="frames")
