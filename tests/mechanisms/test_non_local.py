"""The non-local block, pair by pair: four similarities, and sub-sampling square by square."""
import math

import pytest
import torch

from linviz import Grid, make
from linviz.maps import Map
from linviz.mechanisms.non_local import SIMILARITIES

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors
from .options import differentiates, holds


def pairs(similarity: str, q, k, w=None) -> torch.Tensor:
    """A_ij of one similarity, by its formula."""
    if "gaussian" in similarity:
        return from_similarity(lambda x, y: math.exp(dot(x, y)), q, k, eps=0)
    a = torch.zeros(len(q), len(k), dtype=torch.float64)
    for i in range(len(q)):
        for j in range(len(k)):
            f = dot(q[i], k[j]) if similarity == "dot" else max(0.0, dot(w[0], q[i]) + dot(w[1], k[j]))
            a[i, j] = f / len(k)
    return a


def made(similarity: str, grid: Grid | None = None, **options):
    m = make("nonlocal", 1, D, grid or Grid(X=N), value_width=E, similarity=similarity, **options).double()
    return m, m.mechanism.w[0].detach() if similarity == "concatenation" else None


@pytest.mark.parametrize("similarity", SIMILARITIES)
@torch.no_grad()
def test_definition(similarity: str) -> None:
    q, k, v = vectors()
    m, w = made(similarity)
    a = pairs(similarity, q, k, w)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)
    assert m.map(*single(q, k, v)).stochastic == ("gaussian" in similarity)


def largest(x: torch.Tensor, square: list[int]) -> torch.Tensor:
    return torch.tensor([max(x[j, c].item() for j in square) for c in range(x.shape[1])], dtype=torch.float64)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@torch.no_grad()
def test_pooling_square_by_square(similarity: str) -> None:
    """3 x 5 patches: two squares of 2 x 2; the third row and the fifth column belong to none."""
    squares = [[0, 1, 5, 6], [2, 3, 7, 8]]
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(15, width, generator=generator, dtype=torch.float64) for width in (D, D, E))
    m, w = made(similarity, Grid(Y=3, X=5), pool=2)
    small_k, small_v = (torch.stack([largest(x, s) for s in squares]) for x in (k, v))
    a = pairs(similarity, q, small_k, w)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, small_v), atol=1e-12)
    whole: Map = m.map(*single(q, k, v))
    drawn = whole.shared.dense()[0, 0]
    for n, square in enumerate(squares):
        for j in square:
            assert torch.allclose(drawn[:, j], a[:, n] / 4, atol=1e-12)
    assert drawn[:, [4, 9, *range(10, 15)]].abs().sum() == 0
    best = max(squares[0], key=lambda j: v[j, 1].item())
    assert torch.allclose(whole.channel(1).dense()[0, 0, :, best], a[:, 0], atol=1e-12)


@torch.no_grad()
def test_the_gaussian_compares_the_tokens_themselves() -> None:
    """In a layer, `gaussian` asks neither theta nor phi; the others ask both."""
    x = torch.randn(1, N, 2 * D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    heads = [lambda x, n=n: (x * n).unflatten(-1, (2, D)).transpose(1, 2) for n in (2, 3, 5)]
    for similarity, factors in (("gaussian", (1, 1, 5)), ("embedded_gaussian", (2, 3, 5))):
        m = make("nonlocal", 2, D, Grid(X=N), similarity=similarity)
        for ours, factor in zip(m.project(x, *heads), factors, strict=True):
            assert torch.equal(ours, (x * factor).unflatten(-1, (2, D)).transpose(1, 2))


@torch.no_grad()
def test_dot_is_factorized_attention_and_scale_is_softmax() -> None:
    q, k, v = single(*vectors())
    ours = make("nonlocal", 1, D, Grid(X=N), value_width=E, similarity="dot")
    assert torch.allclose(ours(q, k, v), make("factorized", 1, D, Grid(X=N), value_width=E)(q, k, v), atol=1e-14)
    ours = make("nonlocal", 1, D, Grid(X=N), value_width=E, scale=D ** -0.5)
    assert torch.allclose(ours(q, k, v), make("softmax", 1, D, Grid(X=N), value_width=E)(q, k, v), atol=1e-14)


@torch.no_grad()
def test_concatenation_has_rank_two_before_the_relu() -> None:
    q, k, v = single(*vectors())
    m, w = made("concatenation")
    score = (q[0, 0] @ w[0])[:, None] + (k[0, 0] @ w[1])
    s = torch.linalg.svdvals(score)
    assert (s > 1e-10 * s[0]).sum() == 2
    assert torch.allclose(m.map(q, k, v).dense()[0, 0], score.clamp_min(0) / N)


@pytest.mark.parametrize("pool", [1, 2])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_laws_and_gradients(similarity: str, pool: int) -> None:
    holds("nonlocal", similarity=similarity, pool=pool)
    holds("nonlocal@space", similarity=similarity, pool=pool)
    differentiates("nonlocal", similarity=similarity, pool=pool)


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="similarity is one of embedded_gaussian.*got 'cosine'"):
        make("nonlocal", 1, D, Grid(X=N), similarity="cosine")
    with pytest.raises(ValueError, match="leave out scale=2.0"):
        make("nonlocal", 1, D, Grid(X=N), similarity="dot", scale=2.0)
    q, k, v = single(*vectors())
    m = make("nonlocal", 1, D, Grid(X=N), value_width=E, pool=2)
    with pytest.raises(ValueError, match="6 keys on .*; got 6 and 5"):
        m.map(q, k[..., :5, :], v[..., :5, :])
    with pytest.raises(ValueError, match="use map.channel"):
        m.map(q, k, v).rows(torch.tensor([0]))
