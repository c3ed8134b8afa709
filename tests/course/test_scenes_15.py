"""Chapter 15: rearranged clips, a memory at every frame, a layer made uniform, and the training that a learner runs."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid
from linviz.course.scenes.ch15 import mean_change, memory_figure, uniform_layer
from linviz.models import VideoTransformer, pretrained, train
from linviz.models.arms import arm_recipe
from linviz.models.schemes import Scheme

GRID = Grid(8, 2, 3)


@pytest.mark.parametrize("scheme", ["joint", "space", "divided", "axial", "local_global"])
def test_layers_of_softmax_do_not_notice_a_clip_played_backwards_and_a_memory_does(scheme: str) -> None:
    x = torch.randn(1, len(GRID), 8, generator=torch.Generator().manual_seed(0))
    blind = Scheme(scheme, "softmax", heads=2, channels=8, grid=GRID)
    memory = Scheme("hybrid", "gated_delta", heads=2, channels=8, grid=GRID)
    assert mean_change(blind, x, 8)["backwards"] < 1e-5 < 1e-2 < mean_change(blind, x, 8)["frozen"]
    assert mean_change(memory, x, 8)["backwards"] > 1e-3


@pytest.mark.parametrize("frame", range(1, 9))
def test_the_memory_is_drawn_after_every_frame(frame: int) -> None:
    table = torch.rand(8, 8).tril() + 0.1
    figure = memory_figure(frame, table=table, frames=8, state=342, per_frame=7056)
    shown = torch.as_tensor(figure.data[0].z)
    assert (shown[:frame] > 0).any(1).all() and shown[frame:].abs().sum() == 0
    assert "342" in figure.layout.title.text and f"{7056 * frame:,}" in figure.layout.title.text


def test_one_layer_is_made_uniform_and_the_model_itself_is_not_changed() -> None:
    model, frames = VideoTransformer("softmax"), torch.rand(1, 8, 3, 36, 36)
    before = model(frames)
    twin = uniform_layer(model, 2)
    tops = [144 * layer.map.rows(torch.arange(3)).max().item() for layer in twin.trace(frames)]
    assert [round(top, 3) == 1.0 for top in tops] == [False, False, True]
    assert torch.equal(model(frames), before)


@pytest.mark.nightly
def test_a_learners_training_takes_at_most_ninety_seconds_and_learns() -> None:
    """What TRAIN = True does: seconds of the processor, on one thread."""
    run = train(arm_recipe("relu"), seed=0, device="cpu")
    assert run.seconds <= 90 and run.step == 800
    assert run.curve[-1]["held_out"] == pytest.approx(0.83, abs=0.08)
    assert pretrained("relu").spec == run.model.spec
