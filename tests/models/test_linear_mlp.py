"""Linear layers collapse into one; with a ReLU between them they do not."""
import pytest
import torch
from torch import nn

from linviz.models.linear_mlp import collapse_layers, stack_layers


@torch.no_grad()
def test_definition() -> None:
    """W and b term by term: W = W_3 W_2 W_1, b = W_3 W_2 b_1 + W_3 b_2 + b_3."""
    deep = stack_layers([6, 5, 4, 3], seed=1).double()
    (w1, b1), (w2, b2), (w3, b3) = ((layer.weight, layer.bias) for layer in deep)
    one = collapse_layers(deep)
    w = torch.zeros(3, 6, dtype=torch.float64)
    for o in range(3):
        for i in range(6):
            w[o, i] = sum(w3[o, m] * w2[m, n] * w1[n, i] for m in range(4) for n in range(5))
    assert torch.allclose(one.weight, w, atol=1e-12)
    assert torch.allclose(one.bias, w3 @ w2 @ b1 + w3 @ b2 + b3, atol=1e-12)
    x = torch.randn(7, 6, dtype=torch.float64)
    assert torch.allclose(one(x), deep(x), atol=1e-12)


@torch.no_grad()
def test_the_narrowest_layer_bounds_the_rank() -> None:
    s = torch.linalg.svdvals(collapse_layers(stack_layers([8, 16, 2, 16, 8]).double()).weight)
    assert int((s > 1e-12 * s[0]).sum()) == 2


def test_layers_without_a_bias() -> None:
    deep = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2, bias=False))
    assert collapse_layers(deep).bias.abs().sum() == 0
    assert torch.equal(collapse_layers(nn.Sequential(deep[0])).weight, deep[0].weight)


def fitted(layers: nn.Sequential) -> float:
    """Mean square error on exclusive or, after 400 steps."""
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    optimiser = torch.optim.Adam(layers.parameters(), lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        loss = (layers(x) - y).square().mean()
        loss.backward()
        optimiser.step()
    return loss.item()


def test_depth_alone_does_not_learn_exclusive_or() -> None:
    """The best affine map says one half to all four: an error of one quarter. With a ReLU between, none."""
    assert fitted(stack_layers([2, 16, 16, 1], seed=1)) == pytest.approx(0.25, abs=1e-4)
    assert fitted(stack_layers([2, 16, 16, 1], seed=1, between=nn.ReLU)) < 1e-3


def test_what_does_not_collapse_is_refused() -> None:
    with pytest.raises(ValueError, match="got .'Linear', 'ReLU', 'Linear'."):
        collapse_layers(stack_layers([2, 3, 1], between=nn.ReLU))
    for widths in ([4], [4, 0]):
        with pytest.raises(ValueError, match="one channel or more"):
            stack_layers(widths)
    with pytest.raises(ValueError, match="only linear layers"):
        collapse_layers(nn.Sequential())


def test_the_seed_decides_and_the_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    assert torch.equal(stack_layers([3, 2], seed=4)[0].weight, stack_layers([3, 2], seed=4)[0].weight)
    assert not torch.equal(stack_layers([3, 2], seed=4)[0].weight, stack_layers([3, 2], seed=5)[0].weight)
    assert torch.equal(torch.get_rng_state(), before)
