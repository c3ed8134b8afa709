"""AFT-full, channel by channel."""
import pytest
import torch

from linviz import Grid, make

from .loops import D, N
from .options import differentiates, holds
from .test_aft_simple import definition


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("factors", [None, 2])
def test_definition(causal: bool, factors: int | None) -> None:
    m = make("aft_full", 1, D, Grid(X=N), causal=causal, factors=factors).double()
    for p in m.parameters():
        torch.nn.init.normal_(p, generator=torch.Generator().manual_seed(1))
    table = m.mechanism.table.detach()
    w = table if factors is None else table @ m.mechanism.factor.detach().T
    definition(m, lambda k, i, j, c: (k[j, c] + w[i, j]).item(), causal)


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"factors": 2}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("aft_full", value_width=4, **options)
    differentiates("aft_full", **options)


def test_the_table_lies_between_grids_of_their_own() -> None:
    holds("aft_full", grids=(Grid(Y=2, X=3),), value_width=4, key_grid=Grid(X=4))
    holds("aft_full", grids=(Grid(Y=2, X=3),), value_width=4, key_grid=Grid(X=4), factors=2)


def test_w_starts_with_the_same_spread_whole_or_in_factors() -> None:
    for factors in (None, 4, 32):
        w = make("aft_full", 1, D, Grid(Y=20, X=20), factors=factors).mechanism.w
        assert w.std().item() == pytest.approx(0.02, rel=0.2)


def test_a_smaller_box_reads_the_corner_of_the_table() -> None:
    m = make("aft_full@window:2", 1, D, Grid(Y=3, X=2)).double()  # windows of 2 x 2 and of 1 x 2
    torch.nn.init.normal_(m.mechanism.table)
    x = torch.zeros(1, 1, 6, D, dtype=torch.float64)
    a = m.map(x, x, x).channel(0).dense()[0, 0]
    assert torch.allclose(a[4:, 4:], m.mechanism.table[:2, :2].softmax(-1))


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="factors of width 1 at least"):
        make("aft_full", 1, D, Grid(X=N), factors=0)
