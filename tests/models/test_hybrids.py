"""Hybrids: a/b/c is what its layers make of each other's output, trained, kept and altered as any other model."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from linviz import Grid, cost, flow, make
from linviz.models import Recipe, Scheme, Shape, VideoTransformer, count_pairs, pretrained, train, visible_pairs
from linviz.models.arms import arm_recipe, gate_parameters
from linviz.models.checkpoints import canonical_name, ship_model
from linviz.models.interventions import attention_layers, with_gate_strength, with_temperature
from linviz.models.looking import layer_measures
from tests.models.test_training import DATA, Stopped, stop_at

SMALL = Shape(frames=4, side=12, tubelet=(2, 3, 4), channels=24, heads=3, blocks=3)
GRID = Grid(T=3, Y=2, X=2)


def clip(shape: Shape = SMALL) -> Tensor:
    return torch.rand(2, shape.frames, 3, shape.side, shape.side, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
@pytest.mark.parametrize("spec", [
    "softmax/relu_floor/relu_floor", "relu_floor+gate+shift:space/softmax@space/gated_delta",
    "kda/focused+conv/swin@window:2", "linformer/aft_full/rala", "inline/graph@rows/linear+gate:self@time"])
def test_a_hybrid_is_made_of_the_layers_that_it_names(spec: str) -> None:
    """Arms of a seed begin alike, so block n of a hybrid is block n of the model whose layers all have its name."""
    parts, frames = spec.split("/"), clip()
    models = [VideoTransformer(part, shape=SMALL) for part in parts]
    x = models[0].tokens(frames)
    for n, model in enumerate(models):
        x = model.blocks[n](x)
    hybrid = VideoTransformer(spec, shape=SMALL)
    assert torch.equal(hybrid(frames), models[0].answer(x))
    seen = hybrid.trace(frames)
    assert [layer.attention.spec for layer in seen] == [str(make(part, 3, 8, SMALL.grid).parsed) for part in parts]
    assert [layer.name for layer in seen] == ["block 1", "block 2", "block 3"]


@torch.no_grad()
def test_the_scheme_hybrid_by_hand() -> None:
    """Softmax inside each frame; then, frame by frame: fade, look up, write all tokens, and all of them read."""
    scheme, x = Scheme("hybrid", "gated_delta", 1, 6, GRID).double(), torch.randn(1, 12, 6, dtype=torch.float64)
    (near, far), (one, other) = scheme.layers, scheme.norms
    y = x + 0
    q, k, v = (part[0, 0].numpy() for part in near.qkv(one(x)))
    for frame in np.split(np.arange(12), 3):
        weights = np.exp(q[frame] @ k[frame].T / 6**0.5)
        o = weights / weights.sum(-1, keepdims=True) @ v[frame]
        y[0, frame] += near.out(torch.from_numpy(o))
    q, k, v = (part[0, 0].numpy() for part in far.qkv(other(y)))
    m, S, want = far.attention.mechanism, np.zeros((6, 6)), y.clone()
    for frame in np.split(np.arange(12), 3):
        logit = k[frame] @ m.fade[0].numpy()[:, 0] + m.fade_bias.item()
        beta = 1 / (1 + np.exp(-k[frame] @ m.write[0].numpy()[:, 0]))
        unit = k[frame] / np.sqrt((k[frame]**2).sum(-1, keepdims=True) + 1e-6) / 4**0.5  # four tokens share length 1
        S = np.exp(np.mean(-np.exp(m.log_a.item()) * np.log1p(np.exp(logit)))) * S
        S = S + unit.T @ (beta[:, None] * (v[frame] - unit @ S))
        asked = q[frame] / np.sqrt((q[frame]**2).sum(-1, keepdims=True) + 1e-6) / 6**0.5
        want[0, frame] += far.out(torch.from_numpy(asked @ S))
    assert torch.allclose(scheme(x), want, atol=1e-12)
    seen = visible_pairs("hybrid", GRID)
    assert all(torch.equal(a.dense()[0, 0] != 0, sees) for a, sees in zip(scheme.maps(x), seen, strict=True))


@torch.no_grad()
def test_the_past_is_not_changed_by_what_comes_later() -> None:
    """Token by token where every layer is causal, frame by frame in the scheme, and not at all in another hybrid."""
    for made, at in ((VideoTransformer("softmax/gated_delta/linear", shape=SMALL, causal=True).blocks_of, 10),
                     (VideoTransformer("mamba2/retention/relu+gate", shape=SMALL, causal=True).blocks_of, 10),
                     (VideoTransformer("kda", shape=replace(SMALL, scheme="hybrid")).blocks_of, 12),
                     (VideoTransformer("softmax/gated_delta/linear", shape=SMALL).blocks_of, None)):
        x = torch.randn(1, 24, 24, generator=torch.Generator().manual_seed(1))
        later = x.clone()
        later[:, at or 10:] += torch.arange(24.0)
        alike = torch.isclose(made(x), made(later), atol=1e-5).all(-1)[0]
        assert alike[:at or 10].tolist() == [at is not None] * (at or 10)
        assert not alike[at or 10:].any()


@torch.no_grad()
def test_reach_through_layers_of_different_mechanisms() -> None:
    """The last layer sees its frame, the memory before it all earlier frames too, and a signed map hides no token."""
    model = VideoTransformer("softmax@time/delta/uniform@space", shape=replace(SMALL, frames=6), scan="frames")
    seen = [layer.mix_values for layer in model.trace(clip(model.shape)[:1])]
    masks = flow.reach(seen, query=12, tokens=36, heads=3, width=8)
    assert [mask.nonzero().flatten().tolist() for mask in masks] == [
        [*range(12, 24)], [*range(24)], [*range(36)]]
    hidden = torch.tensor([[1.0, 1.0], [-1.0, 1.0]])
    assert flow.layer_sources(lambda v: hidden @ v, torch.tensor([True, True])).all()


def test_options_go_to_the_layers_that_have_them() -> None:
    model = VideoTransformer("softmax/relu_floor/gated_delta", shape=SMALL, floor=0.25, scan="columns", eps=0.0)
    given = [layer.attention.mechanism.given for layer in attention_layers(model)]
    assert given == [{}, {"floor": 0.25}, {"scan": "columns"}]
    assert next(attention_layers(VideoTransformer("softmax/relu_floor/relu", shape=SMALL, value_width=5))
                ).to_v.out_features == 15


# ------------------------------------------------------------------------------------------------ trained and kept


RECIPE = Recipe("softmax/relu_floor+gate:qkv/kda", steps=52, batch=8, pool=128, tests=64,
                shape=Shape(frames=2, side=6, tubelet=(1, 3, 3), channels=12, heads=2))


def test_a_hybrid_is_trained_stopped_resumed_saved_and_loaded(tmp_path: Path) -> None:
    whole, keep = train(RECIPE, data=DATA), tmp_path / "run.going"
    with pytest.raises(Stopped):
        train(RECIPE, data=DATA, keep=keep, progress=stop_at(51))
    with pytest.raises(ValueError, match=r"holds another run \(seed 0, softmax/relu_floor\+gate/kda, 52 steps\)"):
        train(replace(RECIPE, spec="softmax/relu_floor/kda"), data=DATA, keep=keep)
    again = train(RECIPE, data=DATA, keep=keep)
    assert again.curve == whole.curve
    for name, p in whole.model.state_dict().items():
        assert torch.equal(p, again.model.state_dict()[name]), name
    path = ship_model(again, "softmax/relu_floor+gate:qkv/kda", tmp_path / "short", DATA)
    assert path.name == "softmax_then_relu_floor-gate_then_kda.0.safetensors"
    loaded, frames = pretrained("softmax/relu_floor+gate/kda", folder=tmp_path), torch.rand(4, 2, 3, 6, 6)
    assert torch.allclose(loaded(frames), again.model(frames), atol=1e-2)
    with pytest.raises(ValueError, match="no short model called 'softmax/relu/kda'; there are: softmax/relu_floor"):
        pretrained("softmax/relu/kda", folder=tmp_path)


def test_a_recipe_of_a_hybrid_has_one_name() -> None:
    assert RECIPE.spec == "softmax/relu_floor+gate/kda" and Recipe.read(RECIPE.told()) == RECIPE
    assert RECIPE.digest() == replace(RECIPE, spec="softmax/relu_floor+gate:qkv/kda").digest()
    assert Recipe("relu/relu+shift/relu").digest() != Recipe("relu/relu/relu").digest() == Recipe("relu").digest()
    assert canonical_name("relu/relu/relu~wide") == "relu~wide"
    arm = arm_recipe("softmax/relu_floor/relu_floor~floor=0.125")
    assert arm.spec == "softmax/relu_floor/relu_floor" and arm.options == {"floor": 0.125}
    assert gate_parameters("relu/relu_floor/relu_floor") == gate_parameters("relu_floor")
    assert arm_recipe("relu/relu_floor/linear~wide").shape == arm_recipe("relu_floor~wide").shape
    layers = replace(SMALL, scheme="divided").layers
    assert layers == 6 and Recipe("/".join(["relu", "softmax"] * 3), shape=replace(SMALL, scheme="divided"))


def test_what_is_measured_of_each_layer_is_of_its_own_mechanism() -> None:
    model, inked = VideoTransformer("uniform/delta/softmax", shape=SMALL), torch.rand(2, 24) < 0.5
    found = [layer_measures(layer, inked) for layer in model.trace(clip())]
    assert found[0]["entropy"] == pytest.approx(1, abs=1e-5) and found[0]["object"] == pytest.approx(1, abs=1e-5)
    assert sorted(found[1]) == ["diversity", "effective_rank"] and found[2]["entropy"] < 1  # signed rows are no shares
    counts = [cost.flops(model.trace, frames) for frames in (clip()[:1], clip())]
    assert counts[1] == 2 * counts[0] > 0


@torch.no_grad()
def test_interventions_alter_the_layers_that_they_name() -> None:
    model, frames = VideoTransformer("softmax/relu_floor+gate/relu", shape=SMALL), clip()
    held = with_gate_strength(model, 0.0).trace(frames)
    assert [layer.ratios is None for layer in held] == [True, False, True]
    assert bool((held[1].ratios[1] == 0.5).all()) and torch.equal(held[0].q, model.trace(frames)[0].q)
    warm = with_temperature(model, 2.0, "softmax")
    moved = [a.to_q.weight.equal(b.to_q.weight) for a, b in zip(attention_layers(model), attention_layers(warm))]
    assert moved == [False, True, True]


# ------------------------------------------------------------------------------------------------ refusals


HYBRID = replace(SMALL, scheme="hybrid")
CAUSAL = {"shape": SMALL, "causal": True}


@pytest.mark.parametrize("call, says", [
    (lambda: VideoTransformer("softmax/", shape=SMALL), "'softmax/' leaves a layer empty; write one mechanism for"),
    (lambda: VideoTransformer("/", shape=SMALL), "'/' leaves a layer empty"),
    (lambda: Recipe("softmax//relu"), "'softmax//relu' leaves a layer empty"),
    (lambda: Recipe("softmax/relu/relu/relu"), "names 4 layers, and the model has 3 attention layers; name one mech"),
    (lambda: VideoTransformer("relu/relu", shape=replace(SMALL, blocks=1)), "the model has 1 attention layer;"),
    (lambda: VideoTransformer("relu/relu/relu", shape=replace(SMALL, scheme="divided")), "3 layers, .* has 6"),
    (lambda: Scheme("divided", "relu/relu/relu", 2, 8, GRID), "names 3 layers, and the model has 2"),
    (lambda: VideoTransformer("softmax/sofmax/relu", shape=SMALL), "no mechanism called 'sofmax', did you mean 'soft"),
    (lambda: VideoTransformer("softmax/softmax+gate/relu", shape=SMALL), r"\+gate needs the features of a kernel"),
    (lambda: VideoTransformer("softmax/relu+gate:v/relu", shape=SMALL), r"'relu\+gate:v': a gate is \+gate"),
    (lambda: arm_recipe("relu/relu"), "names 2 layers, and the model has 3"),
    (lambda: arm_recipe("softmax/relu/relu~wide"), r"'softmax\+gate': \+gate needs"),
    (lambda: make("softmax/relu/relu", 2, 8, GRID), "is not a spec of one mechanism: a/b/c names the layers of a"),
    (lambda: Scheme("divided", "softmax/relu@rows", 2, 8, GRID), "leave out @rows in 'softmax/relu@rows'"),
    (lambda: VideoTransformer("softmax", shape=HYBRID), "a memory that scans frames, and 'softmax' is none; there are: "
                                                        "delta, gated_delta, gla, kda, mamba2, retention"),
    (lambda: VideoTransformer("kda", shape=HYBRID, scan="raster"), "the memory of a hybrid scans frames; leave out"),
    (lambda: Scheme("hybrid", "kda", 2, 8, Grid(T=2, prefix=1)), "no frame for the prefix tokens"),
    (lambda: count_pairs("hybrid", GRID), "computes no pairs; count its operations with linviz.cost.flops"),
    (lambda: VideoTransformer("softmax/relu/relu", shape=SMALL, floor=1.0), "no layer of softmax/relu/relu has an "
                                                                            "option floor"),
    (lambda: VideoTransformer("softmax/kda/relu", scan="both", **CAUSAL), "leave out causal=True"),
    (lambda: VideoTransformer("softmax/kda+shift/relu", **CAUSAL), "brings in the next frame"),
    (lambda: VideoTransformer("softmax/nonlocal/kda", **CAUSAL), "nonlocal has no causal form")])
def test_mistakes_get_a_sentence(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert len(str(error.value).splitlines()) == 1
