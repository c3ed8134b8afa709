"""What a gate does, head by head: shares of channels held to the map, and a new gate fitted beside a trained one."""
from __future__ import annotations

import copy

import pytest
import torch

from linviz import Grid, make
from linviz.models import Traced, mean_divergence
from linviz.models.checkpoints import pretrained
from linviz.models.fit import softmax_target
from linviz.models.gated_heads import channel_use, fit_beside, gated_heads, mean_use, ratio_correlation, ratio_spread

GRID, HEADS, WIDTH = Grid(T=2, Y=3, X=4, prefix=1), 2, 5


def tokens(seed: int = 0) -> torch.Tensor:
    return torch.randn(1, HEADS, len(GRID), WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def with_strong_gate(spec: str, **options):
    m = make(spec, HEADS, WIDTH, GRID, **options).double()
    m.gate.scale(8.0)
    return m


@pytest.mark.parametrize("spec, options", [
    ("relu_floor+gate", {}), ("relu_floor+gate:self:shared", {"causal": True}), ("linear+gate@window:2", {}),
    ("relu_floor+gate+shift:time@space", {"shift_parts": 3}), ("relu_floor+gate@shifted:2", {})])
def test_shares_of_channels_make_up_the_map(spec, options):
    """A row is the sum over channels of a channel's share times its own map, pair by pair."""
    m, q, k = with_strong_gate(spec, **options), tokens(), tokens(1)
    dense = m.map(q, k, k).dense()[0]
    for h, head in enumerate(gated_heads(m, q, k, k)):
        gated_k = head.gated[1]
        for i in range(GRID.prefix, len(GRID)):
            seen = dense[h, i] > 0
            own = gated_k * seen[:, None]
            row = (head.gated_shares[i] * own / own.sum(0)).sum(-1)
            assert torch.allclose(row, dense[h, i] / dense[h, i].sum(), atol=1e-9)
    assert not torch.allclose(head.gated_shares, head.ungated_shares, atol=0.05)


def test_what_cancels_changes_no_share_and_no_number_of_channels():
    m, q, k = with_strong_gate("relu_floor+gate"), tokens(), tokens(1)
    head = gated_heads(m, q, k, k)[0]
    m.gate.hold(0.3)
    flat = gated_heads(m, q, k, k)[0]
    assert torch.allclose(flat.gated_shares, flat.ungated_shares) and flat.use[1].each == pytest.approx(
        head.use[0].each)
    assert flat.spread[0].both == flat.spread[1].channels == 0 and flat.agreement is None


def test_channels_in_use_are_counted_on_paper():
    shares = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [torch.nan] * 3])  # the last row is empty
    found = channel_use(shares)
    assert found.each == pytest.approx(2) and found.shares.tolist() == pytest.approx([0.25, 0.5, 0.25])
    assert found.together == pytest.approx(2**1.5) and found.busiest(2) in ([0, 1], [1, 2])
    assert channel_use(shares[2:]).each == 0


def test_where_ratios_differ_is_counted_on_paper():
    r = 10 ** torch.tensor([[-1.0, -2.0], [-1.0, -2.0], [-2.0, -3.0], [-2.0, -3.0]])
    found = ratio_spread(r)  # half a decade up or down by channel, and by token
    assert (found.channels, found.tokens, found.both) == pytest.approx((0.5, 0.5, 0), abs=1e-5)
    crossed = ratio_spread(10 ** torch.tensor([[-1.0, -2.0], [-2.0, -1.0]]))
    assert (crossed.channels, crossed.tokens, crossed.both) == pytest.approx((0, 0, 1), abs=1e-5)
    assert ratio_correlation(r, 1e-4 / r) == pytest.approx(-1) and ratio_correlation(r, r[:2]) is None


@pytest.fixture(scope="module")
def layer() -> Traced:
    model = pretrained("relu_floor+gate+shift", 0, "short")
    frames = torch.rand(1, 8, 3, 36, 36, generator=torch.Generator().manual_seed(0))
    return model.trace(frames)[1]


def test_a_gate_fitted_beside_leaves_the_trained_one_and_is_nearer_to_softmax(layer):
    before = copy.deepcopy(layer.attention.state_dict())
    found = fit_beside(layer, steps=60)
    assert all(torch.equal(x, before[name]) for name, x in layer.attention.state_dict().items())
    without, trained, fitted = found.bits
    assert fitted < 0.5 * min(without, trained)
    m = layer.attention
    soft = make(softmax_target(m.spec), m.heads, m.mechanism.width, m.grid).map(layer.q, layer.k, layer.v)
    assert trained == mean_divergence(m, soft, layer.q, layer.k, layer.v)
    held = copy.deepcopy(m)
    held.gate.hold()
    assert without == pytest.approx(mean_divergence(held, soft, layer.q, layer.k, layer.v))
    r_q, r_k = layer.ratios
    for h, (one, new) in enumerate(zip(found.trained, found.fitted, strict=True)):
        assert torch.equal(one.ratios[0], r_q[0, h]) and torch.equal(one.ratios[1], r_k[0, h])
        assert torch.equal(one.features[1], new.features[1])
        assert not torch.allclose(new.ratios[1], one.ratios[1], atol=0.1)
    assert mean_use(found.trained)[0] == pytest.approx(mean_use(found.fitted)[0])


def test_a_fit_beside_can_be_stopped_and_needs_a_gate(layer):
    assert fit_beside(layer, steps=9, progress=lambda step, steps, kl: step < 3) is None
    plain = Traced("block 1", make("relu", HEADS, WIDTH, GRID).double(), tokens(), tokens(), tokens())
    with pytest.raises(ValueError, match="no gate"):
        fit_beside(plain)
    with pytest.raises(ValueError, match="no gate"):
        gated_heads(plain.attention, plain.q, plain.k, plain.v)
