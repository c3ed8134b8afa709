"""Interventions: a twin is altered as it says, where it says, and the model it was made of is not."""
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from linviz import make
from linviz.models import Shape, VideoTransformer
from linviz.models.interventions import (
    attention_layers,
    with_averaged_gate,
    with_constant_gate,
    with_gate_strength,
    with_temperature,
)

SHAPE = Shape(frames=2, side=12, blocks=2)
INF = float("inf")


def model(spec: str) -> VideoTransformer:
    """An untrained model whose gates are made to say much."""
    made = VideoTransformer(spec, shape=SHAPE).eval().requires_grad_(False)
    for layer in attention_layers(made):
        if layer.attention.gate is not None:
            for part in (layer.attention.gate.q, layer.attention.gate.k):
                part.weight *= 8
    return made


@pytest.fixture
def clips() -> Tensor:
    return torch.rand(3, 2, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def table(made: VideoTransformer, clips: Tensor, block: int = 0) -> Tensor:
    seen = made.trace(clips)[block].map
    return seen.rows(torch.arange(seen.shape[0]))


def near(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=2e-5)


@pytest.mark.parametrize("alter", [
    lambda m: with_gate_strength(m, 0), lambda m: with_constant_gate(m, "both")], ids=["strength 0", "both held"])
def test_a_constant_gate_is_no_gate(alter: Callable[[VideoTransformer], VideoTransformer], clips: Tensor) -> None:
    """On the same q and k: those of the first block, before which nothing was altered."""
    gated = model("relu_floor+gate")
    seen = gated.trace(clips)[0]
    plain = make("relu_floor", seen.attention.heads, 16, seen.attention.grid).map(seen.q, seen.k, seen.v)
    assert near(table(alter(gated), clips), plain.rows(torch.arange(4)))
    assert not near(table(gated, clips), plain.rows(torch.arange(4)))


def test_strength_0_and_both_held_are_one() -> None:
    clip, gated = torch.rand(1, 2, 3, 12, 12), model("relu_floor+gate+shift")
    assert torch.equal(with_gate_strength(gated, 0)(clip), with_constant_gate(gated, "both")(clip))


@pytest.mark.parametrize("spec, alter", [
    ("softmax", lambda m: with_temperature(m, 1)), ("relu_floor+gate", lambda m: with_gate_strength(m, 1)),
    ("softmax", lambda m: with_temperature(with_temperature(m, 4), 0.25)), ("relu", lambda m: with_temperature(m, 8))])
def test_what_changes_nothing(spec: str, alter: Callable[[VideoTransformer], VideoTransformer], clips: Tensor) -> None:
    made = model(spec)
    assert near(alter(made)(clips), made(clips))


def test_temperature_is_in_the_exponent(clips: Tensor) -> None:
    made = model("softmax")
    seen = made.trace(clips)[0]
    wanted = (seen.q @ seen.k.mT / 4 / 2).softmax(-1)
    assert near(table(with_temperature(made, 2), clips), wanted)
    assert near(table(with_temperature(made, INF), clips, block=1), torch.full_like(wanted, 1 / 4))


@pytest.mark.parametrize("side, still", [("q", 0), ("k", 1)])
def test_one_side_is_held_and_the_other_is_not(side: str, still: int, clips: Tensor) -> None:
    gated = model("relu_floor+gate")
    before, after = gated.trace(clips)[0].ratios, with_constant_gate(gated, side).trace(clips)[0].ratios
    assert bool((after[still] == 0.5).all()) and torch.equal(after[1 - still], before[1 - still])


@pytest.mark.parametrize("over, axis", [("tokens", -2), ("channels", -1)])
def test_ratios_are_averaged(over: str, axis: int, clips: Tensor) -> None:
    gated = model("relu_floor+gate")
    averaged = with_averaged_gate(gated, over)
    for before, after in zip(gated.trace(clips)[0].ratios, averaged.trace(clips)[0].ratios, strict=True):
        assert near(after, before.mean(axis, keepdim=True).expand_as(before))


def test_averaged_over_channels_the_gate_on_queries_is_without_effect(clips: Tensor) -> None:
    flat = with_averaged_gate(model("relu_floor+gate"), "channels")
    assert near(with_constant_gate(flat, "q")(clips), flat(clips))
    assert not near(with_constant_gate(flat, "k")(clips), flat(clips))


def test_a_gate_that_is_wide_open_or_shut_can_be_averaged(clips: Tensor) -> None:
    gated = with_gate_strength(model("relu_floor+gate"), 1e4)
    assert torch.isfinite(with_averaged_gate(gated, "tokens")(clips)).all()


@pytest.mark.parametrize("spec", ["relu_floor+gate", "relu_floor+gate:qkv:shared"])
def test_the_model_is_left_alone_and_forward_and_trace_follow(spec: str, clips: Tensor) -> None:
    gated = model(spec)
    before, state = gated(clips), {k: x.clone() for k, x in gated.state_dict().items()}
    for twin in (with_constant_gate(gated, "k"), with_averaged_gate(gated, "tokens"), with_temperature(gated, 3)):
        assert not near(twin(clips), before) and not near(table(twin, clips), table(gated, clips))
        assert twin.state_dict().keys() == state.keys()
    assert torch.equal(gated(clips), before)
    assert all(torch.equal(x, state[k]) for k, x in gated.state_dict().items())


def test_every_layer_of_a_scheme_is_altered() -> None:
    made = VideoTransformer("relu_floor+gate", shape=Shape(frames=2, side=12, blocks=2, scheme="divided"))
    seen = with_constant_gate(made, "both").trace(torch.rand(1, 2, 3, 12, 12))
    assert len(seen) == 4 and all(bool((r == 0.5).all()) for layer in seen for r in layer.ratios)


@pytest.mark.parametrize("call, says", [
    (lambda m: with_temperature(m, 0), "above 0; got 0"),
    (lambda m: with_temperature(m, float("nan")), "above 0; got nan"),
    (lambda m: with_constant_gate(m, "v"), "no side called 'v'"),
    (lambda m: with_averaged_gate(m, "heads"), "tokens or channels; got 'heads'"),
    (lambda m: with_gate_strength(m, 1), "relu has no gate to alter")])
def test_what_cannot_be_is_said(call: Callable[[VideoTransformer], VideoTransformer], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(VideoTransformer("relu", shape=SHAPE))


