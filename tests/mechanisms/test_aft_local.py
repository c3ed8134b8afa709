"""AFT-local, channel by channel."""
import pytest
import torch

from linviz import Grid, make

from .loops import D, N
from .options import differentiates, holds
from .test_aft_simple import definition


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [1, 3, 50])
def test_definition(causal: bool, window: int) -> None:
    m = make("aft_local", 1, D, Grid(X=N), causal=causal, window=window).double()
    torch.nn.init.normal_(m.mechanism.band, generator=torch.Generator().manual_seed(1))
    band, reach = m.mechanism.band.detach(), min(window, N) - 1

    def score(k: torch.Tensor, i: int, j: int, c: int) -> float:
        return (k[j, c] + (band[i, j - i + reach] if abs(i - j) < window else 0)).item()
    definition(m, score, causal)


@pytest.mark.parametrize("causal", [False, True])
def test_what_holds_for_every_map(causal: bool) -> None:
    holds("aft_local", value_width=4, window=3, causal=causal)
    differentiates("aft_local", window=2, causal=causal)


def test_local_is_still_global() -> None:
    """Outside the window a key keeps the weight its content gives it; it is not forbidden."""
    x = torch.zeros(1, 1, N, D, dtype=torch.float64)
    a = make("aft_local", 1, D, Grid(X=N), window=2).double().map(x, x, x).channel(0).dense()
    assert bool((a > 0).all()) and a[0, 0, 0, N - 1].item() == pytest.approx(1 / N, rel=0.05)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="at least 1, the token itself"):
        make("aft_local", 1, D, Grid(X=N), window=0)
