"""ReLU without a floor, pair by pair; dead rows."""
import torch

from linviz import Grid, make, read

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors


def similarity(x: torch.Tensor, y: torch.Tensor) -> float:
    return dot(x.clamp_min(0), y.clamp_min(0))


def test_definition() -> None:
    q, k, v = vectors()
    a = from_similarity(similarity, q, k)
    m = make("relu", 1, D, Grid(X=N), value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_a_query_without_a_positive_channel_is_dead() -> None:
    q, k, v = vectors()
    q[2] = -q[2].abs()
    r = read(make("relu", 1, D, Grid(X=N), value_width=E), *single(q, k, v))
    dead = [sum(similarity(x, y) for y in k) == 0 for x in q]
    assert dead[2] and not all(dead)
    assert r.dead[0, 0].tolist() == dead
    assert r.output[0, 0, 2].abs().sum() == 0
    assert r.entropy[0, 0].isnan().tolist() == dead
    assert r.summary()["dead"] == sum(dead)
