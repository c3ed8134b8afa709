"""ReLU with a floor and feature fixation, pair by pair and channel by channel."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors


def phi(x: torch.Tensor) -> torch.Tensor:
    return torch.tensor([max(value, 0.0) + 1 / math.sqrt(D) for value in x.tolist()], dtype=torch.float64)


def test_definition() -> None:
    q, k, v = vectors()
    a = from_similarity(lambda x, y: dot(phi(x), phi(y)), q, k)
    m = make("relu_floor", 1, D, Grid(X=N), value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_any_two_tokens_share_at_least_one() -> None:
    """The floor alone: D channels of (1/sqrt D)^2, so no weight can be zero."""
    q, k, _ = vectors()
    assert min(dot(phi(x), phi(y)) for x in q for y in k) >= 1.0


@pytest.mark.parametrize("sees", ["self", "qk", "qkv"])
@pytest.mark.parametrize("shared", [False, True])
def test_the_gate_channel_by_channel(sees: str, shared: bool) -> None:
    q, k, v = vectors()
    m = make(f"relu_floor+gate:{sees}" + ":shared" * shared, 1, D, Grid(X=N), seed=3, value_width=E).double()
    gate = m.gate

    def ratio(layer: torch.nn.Linear, i: int, own: torch.Tensor) -> torch.Tensor:
        seen = {"self": [*own], "qk": [*phi(q[i]), *phi(k[i])], "qkv": [*phi(q[i]), *phi(k[i]), *v[i]]}[sees]
        z = [dot(row, torch.stack([torch.as_tensor(x) for x in seen])) + b for row, b in
             zip(layer.weight.detach(), layer.bias.tolist(), strict=True)]
        return torch.tensor([1 / (1 + math.exp(-value)) for value in z], dtype=torch.float64)

    gated_q = torch.stack([ratio(gate.q, i, phi(q[i])) * phi(q[i]) for i in range(N)])
    gated_k = torch.stack([ratio(gate.q if shared else gate.k, i, phi(k[i])) * phi(k[i]) for i in range(N)])
    a = from_similarity(dot, gated_q, gated_k)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)  # v itself is not gated
