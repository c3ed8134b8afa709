"""Local and global heads, pair by pair: head 0 is local, head 1 global."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, mixed, vectors
from .options import differentiates, holds
from .test_local import table

WINDOW = 2


def two_heads() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Two heads of q, k, v: as (1, 2, N, D) for linviz, and one by one."""
    heads = [vectors(seed) for seed in (0, 1)]
    return [torch.stack(x)[None] for x in zip(*heads, strict=True)], heads


def far(q: torch.Tensor, k: torch.Tensor, scale: float, causal: bool) -> torch.Tensor:
    """The global head: D templates, or running sums of exp(k)."""
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        for j in range(i + 1 if causal else N):
            for d in range(D):
                choice = scale * math.exp(q[i, d]) / sum(math.exp(x) for x in q[i])
                a[i, j] += choice * math.exp(k[j, d]) / (1 if causal else sum(math.exp(x) for x in k[:, d]))
        if causal:
            a[i] /= a[i].sum()
    return a


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("scale", [None, 1.0])
def test_definition(causal: bool, scale: float | None) -> None:
    tensors, (near, wide) = two_heads()
    m = make("local_global", 2, D, Grid(X=N), value_width=E, window=WINDOW, causal=causal, scale=scale)
    a = [table(*near[:2], lambda i, j: abs(i // WINDOW - j // WINDOW) <= 1 and (j <= i or not causal)),
         far(*wide[:2], D**-0.5 if scale is None else scale, causal)]
    dense, out = m.map(*tensors).dense()[0], m(*tensors)[0]
    for h, values in enumerate((near[2], wide[2])):
        assert torch.allclose(dense[h], a[h], atol=1e-12)
        assert torch.allclose(out[h], mixed(a[h], values), atol=1e-12)


def test_causal_rows_of_very_negative_keys_sum_to_one() -> None:
    """The public code divides by 1e-3 where a row sum is smaller: the row would be cut short."""
    tensors, _ = two_heads()
    small = [tensors[0], tensors[1] - 20, tensors[2]]
    m = make("local_global", 2, D, Grid(X=N), value_width=E, causal=True, local=0)
    assert torch.allclose(m.map(*small).dense(), m.map(*tensors).dense(), atol=1e-12)
    assert m.map(*small).stochastic and not m.mechanism.signed


def test_rows_of_a_global_head_fall_short_of_one() -> None:
    tensors, _ = two_heads()
    sums = make("local_global", 2, D, Grid(X=N), value_width=E).map(*tensors).dense().sum(-1)[0]
    assert torch.allclose(sums[0], torch.ones(N, dtype=torch.float64))
    assert torch.allclose(sums[1], torch.full((N,), D**-0.5, dtype=torch.float64))


@pytest.mark.parametrize("local", [0, 1, 2])
@pytest.mark.parametrize("causal", [False, True])
def test_what_holds_for_every_map(local: int, causal: bool) -> None:
    holds("local_global", local=local, window=2, causal=causal)
    holds("local_global", local=local, window=2, causal=causal, scale=1)


@pytest.mark.parametrize("causal", [False, True])
def test_gradients(causal: bool) -> None:
    differentiates("local_global", window=1, local=0, causal=causal)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="0 to 2 local heads; got window=16, local=3"):
        make("local_global", 2, D, Grid(X=N), local=3)
