"""NaLaFormer, pair by pair; where the length of a query stops to matter."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, inner, mixed, single, turned, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


def halves(x: list[float], power: float) -> tuple[list[float], list[float]]:
    return [max(c, 0.0) ** power for c in x], [max(-c, 0.0) ** power for c in x]


@pytest.mark.parametrize("rotate", [True, False])
def test_definition(rotate: bool) -> None:
    q, k, v = vectors()
    lengths = [math.sqrt(inner(x, x)) for x in q.tolist()]
    phi_q = [halves([c / n for c in x], 3 * (0.5 + math.tanh(n))) for x, n in zip(q.tolist(), lengths, strict=True)]
    phi_k = [halves(x, 3) for x in k.tolist()]
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        total = sum(inner(a_, b_) for j in range(N) for a_, b_ in zip(phi_q[i], phi_k[j], strict=True)) + N * 1e-6
        for j in range(N):
            left, right = phi_q[i], phi_k[j]
            if rotate:
                left = [turned(half, [i // 3, i % 3]) for half in left]
                right = [turned(half, [j // 3, j % 3]) for half in right]
            a[i, j] = sum(inner(x, y) for x, y in zip(left, right, strict=True)) / total
    m = make("nala", 1, D, GRID, value_width=E, rotate=rotate)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"rotate": False}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("nala", eps=0.0, dead=True, **options)  # with a single key, often no channel of q and k has the same sign
    holds("nala+conv", side=3, eps=0.0, dead=True, **options)
    differentiates("nala", **options)


def test_length_sharpens_a_row_until_tanh_is_full() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    q = q / q.norm(dim=-1, keepdim=True)
    m = make("nala", 1, 8, Grid(Y=6, X=6), rotate=False)
    bits = [read(m, length * q, k, v).entropy.mean().item() for length in (0.1, 0.5, 2, 8, 32)]
    assert bits[0] > bits[1] > bits[2] and bits[2] - bits[3] < 0.1 * (bits[0] - bits[2])
    assert bits[3] == pytest.approx(bits[4], abs=1e-6)


def test_a_query_of_zeros_is_a_dead_row_with_a_finite_gradient() -> None:
    q, k, v = single(*vectors())
    q[..., 2, :] = 0
    q.requires_grad_()
    m = make("nala", 1, D, GRID, value_width=E, rotate=False)
    assert read(m, q.detach(), k, v).dead[0, 0].tolist() == [n == 2 for n in range(N)]
    m(q, k, v).square().sum().backward()
    assert torch.isfinite(q.grad).all()


def test_the_rank_is_twice_the_width() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    assert read(make("nala", 1, 8, Grid(Y=6, X=6)), q, k, v).numerical_rank.item() == 16
