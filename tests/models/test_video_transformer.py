"""The small video transformer: cut into tubelets by hand, traced without being touched, drawn alike in every arm."""
from __future__ import annotations

import pytest
import torch
from torch import nn

from linviz import names
from linviz.models import SCHEMES, Shape, VideoTransformer

SMALL = Shape(frames=4, side=12, tubelet=(2, 3, 4), channels=24, heads=3, blocks=2)


def clip(shape: Shape = SMALL, batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, shape.frames, 3, shape.side, shape.side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("colours", [1, 3])
def test_a_tubelet_holds_its_own_pixels(colours: int) -> None:
    shape, frames = Shape(frames=4, side=12, tubelet=(2, 3, 4), colours=colours), clip()
    model = VideoTransformer(shape=shape)
    found, grid = model.tubelets(frames), shape.grid
    assert (grid.T, grid.Y, grid.X) == (2, 4, 3)
    for t, y, x in ((0, 0, 0), (1, 2, 1), (1, 3, 2)):
        box = frames[0, 2 * t:2 * t + 2, :, 3 * y:3 * y + 3, 4 * x:4 * x + 4]
        box = box.mean(1, keepdim=True) if colours == 1 else box
        assert torch.allclose(found[0, grid.number(t, y, x)], (box.flatten() - 0.5) / 0.25, atol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_trace_is_the_forward_pass(scheme: str) -> None:
    """Looking changes nothing: the last block's tokens, built from the trace, give the very logits."""
    spec = "relu_floor+gate" if scheme != "hybrid" else "/".join(["relu_floor+gate", "gated_delta"] * 2)
    model = VideoTransformer(spec, shape=Shape(**SMALL.__dict__ | {"scheme": scheme}))
    frames = clip()
    before = model(frames)
    seen = model.trace(frames)
    assert torch.equal(model(frames), before)
    assert len(seen) == 2 * len(SCHEMES[scheme])
    x = model.tokens(frames)
    traces = iter(seen)
    for block in model.blocks:
        for layer, norm in block.attention.steps():
            found = next(traces)
            o = found.attention(found.q, found.k, found.v)
            assert torch.equal(found.q, layer.qkv(norm(x))[0])
            x = x + layer.out(o.transpose(1, 2).flatten(2))
        x = x + block.mlp(block.norm(x))
    assert torch.allclose(model.answer(x), before, atol=1e-6)
    places = SCHEMES[scheme] if len(SCHEMES[scheme]) > 1 else [""]
    assert [found.name for found in seen] == [f"block {n}, {at}".removesuffix(", ") for n in (1, 2) for at in places]
    assert all(r.shape == found.q.shape for found in seen for r in found.ratios or ())


def test_a_scope_of_its_own_and_every_mechanism() -> None:
    for spec in (*names(), "softmax@window:2", "relu_floor+gate+shift:space@time", "focused+conv"):
        model = VideoTransformer(spec, classes=5, shape=SMALL)
        assert model(clip()).shape == (2, 5), spec


def test_a_photograph_stands_still() -> None:
    model, photo = VideoTransformer(shape=SMALL), clip()[:, :1]
    assert torch.equal(model(photo), model(photo.repeat(1, 4, 1, 1, 1)))
    still = Shape(frames=1, side=12, tubelet=(1, 3, 4), channels=12)
    assert VideoTransformer(shape=still)(photo).shape == (2, 8)


def test_arms_of_a_seed_begin_alike() -> None:
    """What two arms share they share to the bit; another seed shares nothing; a gate is not a copy of W_q."""
    plain, gated = VideoTransformer("relu", shape=SMALL), VideoTransformer("relu_floor+gate", shape=SMALL)
    other = VideoTransformer("relu", shape=SMALL, seed=1)
    for name, p in plain.named_parameters():
        assert torch.equal(p, gated.get_parameter(name)), name
        assert p.ndim < 2 or not torch.equal(p, other.get_parameter(name)), name
    matrices = [p for p in gated.parameters() if p.ndim == 2]
    corners = [p.flatten()[:4] / p.abs().max() for p in matrices]
    assert all(not torch.allclose(a, b, atol=1e-2) for n, a in enumerate(corners) for b in corners[:n])


def test_torchs_own_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    VideoTransformer("linformer", shape=SMALL)
    assert torch.equal(before, torch.get_rng_state())


def test_where_and_when_matter() -> None:
    model, frames = VideoTransformer(shape=SMALL), clip()
    with torch.no_grad():
        assert not torch.allclose(model(frames), model(frames.flip(1)), atol=1e-3)
        for codes in (model.time, model.place):
            nn.init.zeros_(codes)
        pairs = frames.unflatten(1, (2, 2)).flip(1).flatten(1, 2)  # tubelets swapped, none turned round
        assert torch.allclose(model(frames), model(pairs), atol=1e-5)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"takes clips \(B, 4, 3, 12, 12\); got \(2, 4, 3, 12, 13\)"):
        VideoTransformer(shape=SMALL)(torch.rand(2, 4, 3, 12, 13))
    with pytest.raises(ValueError, match="5 frames of 12 x 12 pixels cannot be cut"):
        VideoTransformer(shape=Shape(frames=5, side=12))
