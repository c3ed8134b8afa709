"""Layers and heads count from 1 wherever a person reads or types their numbers."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

import linviz
from linviz import Grid
from linviz.capture import Capture, CapturedLayer, capture, save_capture
from linviz.cli import build_parser
from linviz.patch_view import unpack
from linviz.views import TrainedView, View
from linviz.views.export.capture_page import heads_blob

from .test_roads import PIXELS, Around, Fused


def two_layers() -> Capture:
    q, k, v = torch.randn(3, 1, 2, 9, 4, generator=torch.Generator().manual_seed(0))
    return Capture("Tiny", tuple(CapturedLayer(name, "softmax", q, k, v, Grid(Y=3, X=3), 0.5) for name in "ab"))


def test_layers_and_heads_count_from_one(tmp_path: Path) -> None:
    found = two_layers()
    assert [line.split()[:2] for line in repr(found).splitlines()[2:]] == [["1", "a"], ["2", "b"]]
    assert [found[n].name for n in (1, 2, -1, -2)] == ["a", "b", "b", "a"] and found.map(2).shape == (9, 9)
    for ask in (lambda: found[0], lambda: found[1].head(0)):
        with pytest.raises(IndexError, match="counted from 1; there is no (layer|head) 0"):
            ask()
    assert torch.equal(found[1].head(2).q, found[1].q[:, 1:])
    assert [(row.layer, row.head) for row in found.under("uniform", layer=2).rows] == [("b", 1), ("b", 2)]
    assert [(head["number"], head["head"]) for head in unpack(heads_blob(found))["heads"]] == [
        (1, 1), (1, 2), (2, 1), (2, 2)]
    view = linviz.view(save_capture(tmp_path / "a.linviz", found), "softmax", layer=2, head=2)
    assert torch.allclose(view.readings["softmax"].map[4][0, 0], found.map(2)[4][0, 1], atol=1e-5)
    model = Around(Fused())
    kept, whole = capture(model, PIXELS, layers=1, heads=2, half=False), capture(model, PIXELS, half=False)
    assert kept.names == ["inner"] and torch.equal(kept[1].q, whole[1].q[:, 1:])


def test_every_help_text_on_a_layers_or_a_heads_number_says_from_1() -> None:
    texts = [one.help for state in (View, TrainedView) for name, one in state.settings().items()
             if name in ("layer", "head") and one.help]
    commands = next(action for action in build_parser()._actions if action.dest == "run" or action.choices).choices
    texts += [action.help for sub in commands.values() for action in sub._actions
              if action.dest in ("layer", "layers", "head", "heads") and action.help and "number" in action.help]
    counted = [text for text in texts if re.search(r"count|number", text)]
    assert len(counted) >= 4 and all("from 1" in text for text in counted), json.dumps(counted, indent=1)
