"""The paper's architecture: sizes and work counted, and the whole of it written out a second time, in plain steps."""
from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, gelu, layer_norm, linear, pad

from linviz.cost import flops
from linviz.models.linear_video_transformer import CONFIGS, Config, LinearVideoTransformer, count_macs

SMALL = Config(classes=5, shift_parts=4, frames=3, side=28, channels=32, heads=4, blocks=2, wider=3, hidden=24)
GATES = {"none": "relu_floor+shift", "shared": "relu_floor+gate:shared+shift", "separate": "relu_floor+gate+shift"}


def clip(config: Config = SMALL, batch: int = 2, dtype: torch.dtype = torch.float32) -> Tensor:
    shape = (batch, config.frames, 3, config.side, config.side)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def stirred(config: Config = SMALL) -> LinearVideoTransformer:
    """A model whose every number matters: no code is zero, no norm is plain. In float64, not training."""
    model = LinearVideoTransformer(config).double().eval()
    g = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data += 0.2 * torch.randn(p.shape, generator=g, dtype=p.dtype)
    return model


# ---------------------------------------------------------------- counted


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Full size in no time: parameters are there, but nothing is drawn into them."""
    for module in (torch.nn.Linear, torch.nn.Conv2d):
        monkeypatch.setattr(module, "reset_parameters", lambda self: None)
    monkeypatch.setattr(LinearVideoTransformer, "draw", lambda self, seed: None)


def parameters(config: Config | str) -> tuple[int, int]:
    """Of the backbone, and of the head."""
    model = LinearVideoTransformer(config)
    whole, head = (sum(p.numel() for p in m.parameters()) for m in (model, model.head))
    return whole - head, head


@pytest.mark.parametrize(("name", "backbone", "head", "millions"), [
    ("ssv2", 51_394_560, 528_814, "51.92"), ("k600", 51_394_560, 856_408, "52.25"),
    ("k400", 51_691_008, 702_608, "52.39")])
def test_sizes_of_the_official_configurations(undrawn, name, backbone, head, millions):
    assert parameters(name) == (backbone, head)
    assert f"{(backbone + head) / 1e6:.2f}" == millions


def test_a_backbone_without_gates_and_what_gates_add(undrawn):
    """12 blocks, 2 attentions each; a gate is 3 D x D numbers and D biases."""
    plain, _ = parameters(replace(CONFIGS["k400"], spec="relu_floor"))
    assert plain == 51_098_112
    assert 51_394_560 - plain == 24 * (3 * 64 * 64 + 64)
    assert 51_691_008 - plain == 2 * 24 * (3 * 64 * 64 + 64)


@pytest.mark.parametrize("change", [
    *({"spec": spec} for spec in GATES.values()), {"spec": "relu_floor+gate:qk"}, {"spec": "relu_floor+gate:self"},
    {"frames": 1}, {"side": 29, "patch": 8, "stride": 7}, {"heads": 2, "wider": 2, "blocks": 1, "hidden": 7}])
def test_work_stated_is_the_work_counted_while_it_runs(change):
    config = replace(SMALL, **change)
    model = LinearVideoTransformer(config).eval()
    assert 2 * sum(count_macs(config).values()) == flops(model, clip(config, batch=1))


@pytest.mark.parametrize(("gate", "giga"), [("none", "242.8"), ("separate", "264.7"), ("shared", "264.7")])
def test_work_of_the_official_size(gate, giga):
    parts = count_macs(replace(CONFIGS["k400"], spec=GATES[gate]))
    assert f"{(sum(parts.values()) - parts['row sums']) / 1e9:.1f}" == giga


def test_work_of_another_attention_is_not_guessed():
    with pytest.raises(ValueError, match="counts hold only for relu_floor; count softmax"):
        count_macs(replace(SMALL, spec="softmax"))


# ---------------------------------------------------------------- written out


def norm(x: Tensor, m: torch.nn.LayerNorm, eps: float) -> Tensor:
    return layer_norm(x, x.shape[-1:], m.weight, m.bias, eps)


def patches(model: LinearVideoTransformer, frames: Tensor) -> Tensor:
    """Window by window: 16 pixels wide, 14 apart, the first from 8 pixels outside."""
    m = model.patches
    framed = pad((frames - 0.5) / 0.5, (8, 8, 8, 8))
    at = range(0, framed.shape[-1] - 15, 14)
    windows = torch.stack([framed[..., y:y + 16, x:x + 16].flatten(2) for y, x in product(at, at)], 2)
    x = norm(windows @ m.weight.flatten(1).T + m.bias, model.patch_norm, 1e-5)  # (B, T, Y*X, C)
    return (x + model.codes[None, :, None]).flatten(1, 2)


TO_TIME = [(1, 0, 0), (-1, 0, 0)]
TO_SPACE = [(0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1), (0, -1, -1), (0, 1, 1), (0, -1, 1), (0, 1, -1)]


def shifted(x: Tensor, places: list[tuple[int, ...]], steps: list[tuple[int, ...]], size: int) -> Tensor:
    """x (B, N, C): fold n of `size` channels comes from neighbour n, token by token."""
    y = x.clone()
    for (i, here), (n, step) in product(enumerate(places), enumerate(steps)):
        there = tuple(a + b for a, b in zip(here, step, strict=True))
        fold = slice(n * size, (n + 1) * size)
        if there in places:
            y[:, i, fold] = x[:, places.index(there), fold]
        elif not (step[1] and step[2]):
            y[:, i, fold] = 0
    return y


def attend(layer: torch.nn.Module, x: Tensor, together: Tensor, move) -> Tensor:
    """Pair by pair, the table written out; tokens that are not together have no weight."""
    heads, gate = layer.heads, layer.attention.gate
    q, k, v = (linear(x, m.weight, m.bias) for m in (layer.to_q, layer.to_k, layer.to_v))
    q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (q, move(k), move(v)))
    q, k = (y.clamp_min(0) + q.shape[-1] ** -0.5 for y in (q, k))
    if gate:
        z = torch.cat([q, k, v], -1)
        q, k = (y * torch.sigmoid(linear(z, m.weight, m.bias)) for y, m in ((q, gate.q), (k, gate.k)))
    a = torch.where(together, q @ k.mT, 0.0)
    o = a / (a.sum(-1, keepdim=True) + 1e-6) @ v
    return linear(o.transpose(1, 2).flatten(2), layer.out.weight, layer.out.bias)


def written_out(model: LinearVideoTransformer, frames: Tensor) -> Tensor:
    (T, Y, X), C = (model.grid.T, model.grid.Y, model.grid.X), model.config.channels
    places = list(product(range(T), range(Y), range(X)))
    at = torch.tensor(places)
    same_frame = at[:, None, 0] == at[None, :, 0]
    same_place = (at[:, None, 1:] == at[None, :, 1:]).all(-1)
    x = patches(model, frames)
    for block in model.blocks:
        x = x + attend(block.time, norm(x, block.time_norm, 1e-6), same_place,
                       lambda y: shifted(y, places, TO_SPACE, C // 16))
        x = x + attend(block.space, norm(x, block.space_norm, 1e-6), same_frame,
                       lambda y: shifted(y, places, TO_TIME, C // model.config.shift_parts))
        mlp = block.mlp
        y = linear(norm(x, block.mlp_norm, 1e-6), mlp.widen.weight, mlp.widen.bias)
        y = y.mT.reshape(len(x), -1, T, Y, X)
        y = torch.stack([conv2d(y[:, :, t], mlp.around.weight, mlp.around.bias, padding=1, groups=y.shape[1])
                         for t in range(T)], 2)
        x = x + linear(gelu(y.flatten(2).mT), mlp.narrow.weight, mlp.narrow.bias)
    x = norm(x, model.norm, 1e-6).unflatten(1, (T, -1)).mean(2).mean(1)
    first, one, _, _, two = model.head
    return linear(gelu(linear(norm(x, first, 1e-5), one.weight, one.bias)), two.weight, two.bias)


@pytest.mark.parametrize(("gate", "parts"), [("none", 8), ("shared", 4), ("separate", 8)])
def test_the_model_written_out(gate, parts):
    model, frames = stirred(replace(SMALL, spec=GATES[gate], shift_parts=parts)), clip(dtype=torch.float64)
    with torch.no_grad():
        mine, theirs = model(frames), written_out(model, frames)
    assert torch.allclose(mine, theirs, rtol=1e-9, atol=1e-12)
    assert (mine[0] - mine[1]).abs().max() > 1e-3


def test_seventeen_by_seventeen_patches():
    assert {(c.grid.T, c.grid.Y, c.grid.X) for c in CONFIGS.values()} == {(16, 17, 17)}
    assert [c.shift_parts for c in CONFIGS.values()] == [4, 8, 8]


# ---------------------------------------------------------------- run, trained, watched


def test_everything_learns():
    model = LinearVideoTransformer(Config(classes=3, frames=4, side=56, channels=64, heads=8, blocks=2, hidden=16))
    model(clip(model.config)).logsumexp(-1).sum().backward()
    for name, p in model.named_parameters():
        assert p.grad is not None and torch.isfinite(p.grad).all() and p.grad.abs().max() > 0, name


@pytest.mark.parametrize("spec", [*GATES.values(), "softmax"])
def test_watching_changes_nothing_and_shows_what_the_layers_had(spec):
    model, frames = LinearVideoTransformer(replace(SMALL, spec=spec)).eval(), clip()
    before = model(frames)
    seen = model.trace(frames)
    assert torch.equal(model(frames), before)
    assert [s.name for s in seen] == ["block 1, time", "block 1, space", "block 2, time", "block 2, space"]
    x = model.tokens(frames)
    for block, pair in zip(model.blocks, (seen[:2], seen[2:]), strict=True):
        for layer, layer_norm_, s in zip((block.time, block.space), (block.time_norm, block.space_norm), pair,
                                         strict=True):
            assert all(torch.equal(a, b) for a, b in zip(layer.qkv(layer_norm_(x)), (s.q, s.k, s.v), strict=True))
            assert s.attention is layer.attention and not s.q.requires_grad
            x = x + layer(layer_norm_(x))
        x = x + block.mlp(block.mlp_norm(x))
    assert len(model.trace(frames)) == 4  # the first time left nothing behind


def test_watching_leaves_the_next_draw_of_training_as_it_was():
    model, frames = LinearVideoTransformer(SMALL), clip()
    torch.manual_seed(3)
    alone = model(frames)
    torch.manual_seed(3)
    model.trace(frames)
    assert torch.equal(model(frames), alone)


def test_half_of_the_channels_are_dropped_while_training_and_only_then():
    """On every token before the mean, and in the head; with the head's switched off, the other is still seen."""
    model, frames = LinearVideoTransformer(SMALL), clip()
    assert [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)] == [0.5, 0.5]
    model.head.eval()
    assert not torch.equal(model(frames), model(frames))
    model.eval()
    assert torch.equal(model(frames), model(frames))


def test_traced_ratios_are_the_gates():
    frames = clip()
    one = replace(SMALL, blocks=1)
    for s in LinearVideoTransformer(one).trace(frames):
        r_q, r_k = s.ratios
        assert r_q.shape == s.q.shape and (r_q > 0).all() and (r_k < 1).all() and not torch.equal(r_q, r_k)
        assert torch.allclose(s.map.rows(torch.tensor([5])).sum(-1), torch.ones(()), atol=1e-4)
    for s in LinearVideoTransformer(replace(one, spec=GATES["shared"])).trace(frames):
        assert torch.equal(*s.ratios)
    assert all(s.ratios is None for s in LinearVideoTransformer(replace(one, spec="relu_floor")).trace(frames))


def test_a_photograph_is_a_clip_of_one_frame():
    photograph = clip(batch=2)[:, :1]
    still = LinearVideoTransformer(SMALL).eval()
    assert torch.allclose(still(photograph), still(photograph.expand(-1, 3, -1, -1, -1)), atol=1e-6)
    assert still.trace(photograph)[0].q.shape[-2] == len(SMALL.grid)
    one = LinearVideoTransformer(replace(SMALL, frames=1)).eval()
    assert one(photograph).shape == (2, 5) and len(one.grid) == 9


def test_no_parameter_depends_on_the_size_of_the_picture():
    small, large = LinearVideoTransformer(SMALL, seed=1), LinearVideoTransformer(replace(SMALL, side=42))
    large.load_state_dict(small.state_dict())
    assert large(clip(large.config)).shape == (2, 5)


def test_parameters_are_drawn_from_the_seed_and_alike_in_every_arm():
    state = torch.get_rng_state()
    a, b, c = (LinearVideoTransformer(replace(SMALL, spec=spec), seed=seed)
               for spec, seed in ((GATES["separate"], 0), (GATES["none"], 0), (GATES["none"], 1)))
    assert torch.equal(torch.get_rng_state(), state)
    a, b, c = (model.state_dict() for model in (a, b, c))
    assert len(a) > len(b) and all(torch.equal(a[name], b[name]) for name in b)
    key = "blocks.1.space.to_v.weight"
    assert not torch.equal(b[key], c[key]) and not torch.equal(b[key], b["blocks.0.space.to_v.weight"])
    assert b[key].std() == pytest.approx(0.02, rel=0.1)
    assert b["patches.weight"].std() == pytest.approx((2 / (16 * 16 * 32)) ** 0.5, rel=0.1)
    assert b["blocks.0.mlp.around.weight"].std() == pytest.approx((2 / 9) ** 0.5, rel=0.1)
    assert not a["codes"].any() and not a["blocks.0.time.attention.mechanism.gate.q.bias"].any()


def test_redrawn_it_is_as_new():
    model, new = LinearVideoTransformer(SMALL), LinearVideoTransformer(SMALL).state_dict()
    for p in model.parameters():
        p.data += 1
    model.draw(0)
    assert all(torch.equal(p, new[name]) for name, p in model.state_dict().items())


@pytest.mark.parametrize("shape", [(3, 3, 28, 28), (1, 2, 3, 28, 28), (1, 3, 1, 28, 28), (1, 3, 3, 42, 28)])
def test_frames_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"takes clips \(B, 3, 3, 28, 28\).*got .*clips.fit"):
        LinearVideoTransformer(replace(SMALL, blocks=1)).tokens(torch.zeros(shape))


def test_a_wrong_configuration_is_refused():
    with pytest.raises(ValueError, match="did you mean 'ssv2'"):
        LinearVideoTransformer("ssv1")
    with pytest.raises(ValueError, match="blocks=0"):
        replace(SMALL, blocks=0)
