"""The layer around an attention: four linear maps, written out; and what a mechanism may do before and after them."""
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from linviz import Grid, names
from linviz.mechanisms import REGISTRY, Mechanism
from linviz.models import AttentionLayer

GRID = Grid(Y=2, X=3)


def tokens(channels: int = 12, grid: Grid = GRID) -> Tensor:
    return torch.randn(2, len(grid), channels, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [False, True])
def test_a_softmax_layer_written_out(bias: bool) -> None:
    layer, x = AttentionLayer("softmax", 3, 12, GRID, qkv_bias=bias), tokens()
    assert (layer.to_q.bias is not None) == bias and layer.out.bias is not None
    q, k, v = (linear(x, m.weight, m.bias).view(2, 6, 3, 4).transpose(1, 2)
               for m in (layer.to_q, layer.to_k, layer.to_v))
    o = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 6, 12)
    assert torch.allclose(layer(x), linear(o, layer.out.weight, layer.out.bias), atol=1e-6)
    assert torch.allclose(layer.map(x).dense(), (q @ k.mT / 2).softmax(-1), atol=1e-6)


def test_against_torchs_own_layer() -> None:
    layer, theirs, x = AttentionLayer("softmax", 3, 12, GRID), nn.MultiheadAttention(12, 3, batch_first=True), tokens()
    weights, biases = theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3)
    for own, w, b in zip((layer.to_q, layer.to_k, layer.to_v), weights, biases, strict=True):
        own.weight.data, own.bias.data = w.data, b.data
    layer.out.load_state_dict(theirs.out_proj.state_dict())
    assert torch.allclose(layer(x), theirs(x, x, x)[0], atol=1e-6)


@pytest.mark.parametrize("name", names())
def test_every_mechanism_fits_into_a_layer(name: str) -> None:
    layer, x = AttentionLayer(name, 2, 12, GRID), tokens()
    assert layer(x).shape == x.shape and layer.map(x).shape[0] == 6
    layer(x).square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in layer.out.parameters())


def test_widths_of_its_own_and_shared_keys() -> None:
    layer = AttentionLayer("lambda", 4, 12, GRID, width=5, kv_heads=1, value_width=3)
    assert layer(tokens()).shape == (2, 6, 12)
    assert (layer.to_q.out_features, layer.to_k.out_features, layer.to_v.out_features) == (20, 5, 3)


def test_the_seed_decides_and_torchs_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (AttentionLayer("swin", 2, 12, GRID, seed=s) for s in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.out.weight, second.out.weight) and not torch.equal(first.out.weight, other.out.weight)


def test_a_mechanism_acts_around_the_four_maps() -> None:
    """`project` may change what k and v are made of, `close` what comes out."""
    class Around(Mechanism):
        family = "softmax"

        def map(self, q: Tensor, k: Tensor, v: Tensor):
            return REGISTRY["uniform"](self.heads, self.width, self.grid).map(q, k, v)

        def project(self, x, to_q, to_k, to_v):
            return to_q(x), to_k(x[:, :2]), to_v(x[:, :2])

        def close(self, o, x, out):
            return out(2 * o) + x

    layer, x = AttentionLayer("uniform", 2, 12, GRID), tokens()
    layer.attention.mechanism = Around(2, 6, GRID)
    v = layer.to_v(x[:, :2]).mean(1, keepdim=True).expand(-1, 6, -1)
    assert torch.allclose(layer(x), layer.out(2 * v) + x, atol=1e-6)
    assert layer.map(x).shape == (6, 2)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="12 channels cannot be divided evenly into 5 heads; give width="):
        AttentionLayer("softmax", 5, 12, GRID)
    with pytest.raises(ValueError, match="no mechanism called 'sofmax'"):
        AttentionLayer("sofmax", 2, 12, GRID)
