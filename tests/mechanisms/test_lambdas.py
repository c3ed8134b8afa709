"""Lambda layers, lambda by lambda."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


def two_heads() -> tuple[torch.Tensor, ...]:
    """Two heads of q, one of k and v."""
    (q, k, v), (other, _, _) = vectors(), vectors(1)
    return torch.stack([q, other])[None], k[None, None], v[None, None]


def built(side: int | None, grid: Grid = GRID):
    m = make("lambda", 2, D, grid, value_width=E, side=side).double()
    for n, p in enumerate(m.parameters()):
        torch.nn.init.normal_(p, generator=torch.Generator().manual_seed(n))
    return m


@pytest.mark.parametrize("side", [1, 3, 5, None])
def test_definition(side: int | None) -> None:
    """Every query has a map L_i of D x E: content, the same for all, and positions, its own."""
    q, k, v = two_heads()
    m = built(side)
    e, keys, values = m.mechanism.e.detach(), k[0, 0], v[0, 0]
    out = torch.zeros(2, N, E, dtype=torch.float64)
    for i in range(N):
        lam = torch.zeros(D, E, dtype=torch.float64)
        for j in range(N):
            down, across = j // 3 - i // 3, j % 3 - i % 3
            for d in range(D):
                share = math.exp(keys[j, d]) / sum(math.exp(x) for x in keys[:, d])
                lam[d] += share * values[j]
                if side is None:
                    lam[d] += e[(down + 1) * 5 + across + 2, d] * values[j]
                elif max(abs(down), abs(across)) <= side // 2:
                    lam[d] += e[(down + side // 2) * side + across + side // 2, d] * values[j]
        if side is not None:
            lam += m.mechanism.constant.detach()[:, None]
        for h in range(2):
            for d in range(D):
                out[h, i] += q[0, h, i, d] * lam[d]
    assert torch.allclose(m(q, k, v)[0], out, atol=1e-12)


@pytest.mark.parametrize("side", [3, None])
def test_what_holds_for_every_map(side: int | None) -> None:
    holds("lambda", side=side)
    differentiates("lambda", side=side)


def test_steps_in_time_have_their_own_e() -> None:
    m = built(None, Grid(T=3, X=1))
    q, k, v = (torch.randn(1, 2, 3, w, dtype=torch.float64) for w in (D, D, E))
    near = m.mechanism.position(q).dense()
    for i in range(3):
        for j in range(3):
            assert torch.allclose(near[0, :, i, j], q[0, :, i] @ m.mechanism.e[j - i + 2])


def test_without_positions_it_is_efficient_attention_without_the_softmax_on_q() -> None:
    q, k, _ = two_heads()
    content = built(3).mechanism.content(q, k)
    templates = make("efficient", 1, D, GRID).mechanism.templates(k)
    assert torch.allclose(content.dense(), q @ templates.mT) and content.rank_bound == D
    order = torch.randperm(N)
    shuffled = built(3).mechanism.content(q[..., order, :], k[..., order, :]).dense()
    assert torch.allclose(shuffled, content.dense()[..., order, :][..., order])


def test_weights_are_signed_and_entropy_is_refused() -> None:
    q, k, v = two_heads()
    r = read(built(3), q, k, v)
    assert r.map.dense().min() < 0
    with pytest.raises(ValueError, match="signed"):
        _ = r.entropy


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="odd side, or None"):
        make("lambda", 2, D, GRID, side=2)
