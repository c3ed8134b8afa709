"""Captured maps are those of the models' own attention, for eight architectures of transformers."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from linviz import Grid
from linviz.capture import capture
from linviz.capture.model_input import run_model

from .tiny_models import NAMES, build_model, model_pixels, stored_model

GRIDS = {"VideoMAE": Grid(2, 4, 4), "Vivit": Grid(2, 4, 4, 1), "SiglipVision": Grid(1, 4, 4),
         "Qwen2_5_VLVision": Grid(2, 8, 12)}
pytestmark = pytest.mark.xdist_group("transformers")    # it is imported once for all
OWN = ("ViT", "Dinov2", "CLIPVision", "SiglipVision", "VideoMAE", "Vivit")     # these return all their maps


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_those_of_the_model(name: str, folder: Path) -> None:
    model, x = stored_model(name, folder), model_pixels(name)
    before = model.config._attn_implementation
    found = capture(model, x, half=False)
    assert model.config._attn_implementation == before and not model.training
    own, mixed = own_maps(model, x, name)
    for n, layer in enumerate(layer for layer in found if layer.tokens > 1):
        assert len(layer.grid) == layer.tokens == layer.keys
        assert layer.grid == GRIDS.get(name, Grid(1, 4, 4, 1)) or name == "Timesformer"
        a = layer.map()
        sums = a.dense().sum(-1)
        assert torch.allclose(sums, torch.ones_like(sums), atol=1e-5) and a.dense().max() > 0.1
        if name in OWN:
            assert (a.dense() - own[n]).abs().max() < 1e-5
        elif name == "Qwen2_5_VLVision":
            compare_windows(layer, mixed[n], found)
        else:
            compare_divided(layer, own[n])


def own_maps(model: Any, x: Any, name: str) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The maps that the model computes itself, in the order of running, and what its windows mixed."""
    own, mixed = [], []
    hooks = [m.register_forward_hook(lambda _m, _a, out: own.append(out)) for part, m in model.named_modules()
             if part.endswith("attn_drop")]
    hooks += [m.register_forward_pre_hook(lambda _m, args: mixed.append(args[0])) for part, m in model.named_modules()
              if part.endswith("attn.proj")]
    if name in OWN:
        model.set_attn_implementation("eager")
    with torch.no_grad():
        inputs = x if isinstance(x, dict) else {"0": x}
        out = run_model(model, inputs | ({"output_attentions": True} if name in OWN else {}))
    for hook in hooks:
        hook.remove()
    if name in OWN:
        own = list(out.attentions)
        model.set_attn_implementation("sdpa")
    return own, mixed


def compare_divided(layer: Any, own: torch.Tensor) -> None:
    """TimeSformer: a box's part of the map is the table of that frame or position."""
    a = layer.map().dense()[0]
    for box, table in zip(layer.box_numbers()[0], own):
        rows = slice(layer.grid.prefix, None)       # the row of CLS is the mean over all frames
        assert (a[:, box[rows, None], box] - table[:, rows]).abs().max() < 1e-5
    assert layer.scope == ("time" if "temporal" in layer.name else "space")
    outside = torch.ones(a.shape[-2:], dtype=torch.bool)
    for box in layer.box_numbers()[0]:
        outside[box[:, None], box] = False
    assert not a[:, outside][:, : outside.sum()].any() and outside.any()


def compare_windows(layer: Any, mixed: torch.Tensor, found: Any) -> None:
    """Qwen2.5-VL: A v in the model's order of tokens, merged groups window by window, is what its layer mixed."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import get_vision_window_index
    window, _ = get_vision_window_index(torch.tensor([[2, 8, 12]]), spatial_merge_size=2, window_size=16,
                                        patch_size=4, kwargs={})
    order = torch.arange(192).view(2, 4, 2, 6, 2).permute(0, 1, 3, 2, 4).reshape(-1, 4)[window].flatten()
    o = layer.map().apply(layer.v)[0].transpose(0, 1).flatten(1)
    assert (o[order] - mixed).abs().max() < 1e-5
    assert len(layer.boxes) == (2 if layer is found[2] else 12)     # its frames, or its windows
    first = layer.boxes[0]
    places = [layer.grid.place(int(i)) for i in first]
    assert {t for t, _, _ in places} == {0} and (layer is found[2] or {(y, x) for _, y, x in places} == {
        (y, x) for y in range(4) for x in range(4)})


def test_half_precision_is_close_and_half_the_memory(folder: Path) -> None:
    model, x = build_model("ViT").eval(), model_pixels("ViT")
    exact, half = capture(model, x, half=False), capture(model, x)
    assert exact.size[0] == 2 * half.size[0] and exact.size[1] == half.size[1]
    difference = (exact.map(2).dense() - half.map(2).dense()).abs().max()
    assert 0 < difference < 2e-3
